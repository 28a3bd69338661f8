"""What an eSCL scanner says of itself: ``ScannerStatus`` of the Mopria eSCL specification.

The same address serves network scanners and, through ipp-usb, those on a cable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPException

import requests
from urllib3.exceptions import HTTPError

from drivers.contract import Fault

_STATUS_TIMEOUT = 3.0
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
    session = requests.Session()
    session.trust_env = False  # a device on the local wire is not behind a proxy
    try:
        with (
            session,
            session.get(f"{url}/ScannerStatus", timeout=_STATUS_TIMEOUT, stream=True) as answer,
        ):
            body = answer.raw.read(_STATUS_BYTES, decode_content=True)
    except requests.ConnectTimeout:
        return EsclReport(Fault.SCANNER_ABSENT)
    except requests.Timeout:
        return EsclReport(Fault.SCANNER_IO)
    except (requests.RequestException, OSError):
        return EsclReport(Fault.SCANNER_ABSENT)
    except (HTTPError, HTTPException):
        return EsclReport(Fault.SCANNER_IO)
    if answer.status_code != 200:
        return EsclReport(Fault.SCANNER_BUSY if answer.status_code == 503 else Fault.SCANNER_IO)
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
