"""What an eSCL scanner says of itself: ``ScannerStatus`` of the Mopria eSCL specification.

The same address serves network scanners and, through ipp-usb, those on a cable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPException

from drivers.contract import Fault
from drivers.http_once import NoConnectionError, Request, ask

_STATUS_TIMEOUT = 3.0  # to connect, and for the whole answer
_STATUS_BYTES = 65536
# AdfState of the Mopria eSCL specification.
_ADF_FAULTS = {
    "ScannerAdfEmpty": Fault.SCANNER_EMPTY,
    "ScannerAdfJam": Fault.SCANNER_JAM,
    "ScannerAdfDoorOpen": Fault.SCANNER_DOOR_OPEN,
    "ScannerAdfHatchOpen": Fault.SCANNER_DOOR_OPEN,
    "ScannerAdfMultipickDetected": Fault.SCANNER_MULTIFEED,
}


@dataclass(frozen=True, slots=True)
class EsclReport:
    """``fault``: what is wrong now. ``images``: how many the newest job has made, None when the
    scanner does not tell."""

    fault: Fault | None = None
    images: int | None = None


def ask_escl(url: str, *, feeder: bool) -> EsclReport:
    """Asks ``{url}/ScannerStatus``; takes a few seconds at most and never raises."""
    try:
        status, body = ask(Request(f"{url}/ScannerStatus"), _STATUS_TIMEOUT, most=_STATUS_BYTES)
    except (NoConnectionError, ConnectionError):
        return EsclReport(Fault.SCANNER_ABSENT)
    except (OSError, HTTPException):
        return EsclReport(Fault.SCANNER_IO)
    if status != 200:
        return EsclReport(Fault.SCANNER_BUSY if status == 503 else Fault.SCANNER_IO)
    return _report(body.decode(errors="replace"), feeder)


def _report(xml: str, feeder: bool) -> EsclReport:
    # A few words are wanted from a stranger's XML: no parser, no entities, no namespaces.
    state = _word(xml, "State")
    if state is None:
        return EsclReport(Fault.SCANNER_IO)  # garbage, or half an answer
    fault = _ADF_FAULTS.get(_word(xml, "AdfState") or "") if feeder else None
    if fault is None and state in ("Processing", "Testing"):
        fault = Fault.SCANNER_BUSY
    return EsclReport(fault, _newest_images(xml))


def _newest_images(xml: str) -> int | None:
    jobs = re.findall(r"<(?:\w+:)?JobInfo>(.*?)</(?:\w+:)?JobInfo>", xml, re.DOTALL)
    ages = [(_number(job, "Age"), _number(job, "ImagesCompleted")) for job in jobs]
    known = [(age, images) for age, images in ages if age is not None]
    return min(known, key=lambda job: job[0])[1] if known else None


def _word(xml: str, name: str) -> str | None:
    found = re.search(rf"<(?:\w+:)?{name}>\s*(\w+)\s*</", xml)
    return found[1] if found else None


def _number(xml: str, name: str) -> int | None:
    word = _word(xml, name)
    return int(word) if word and word.isdecimal() else None
