"""Scanners and printers that are reached over a network, the machine's own loopback included.

They are found by what they announce (DNS-SD), at the ports that ``ipp-usb`` gives to USB devices,
as queues of a CUPS on this machine, and at addresses that somebody gives. Each is asked before it
counts as found.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from drivers import dns_sd, ipp
from drivers.contract import DeviceError, Fault
from drivers.dns_sd import Announced
from drivers.escl_status import ask_escl
from drivers.ipp_wire import Wire
from kiosk.found import Found

_ANSWER_SECONDS = 3.0
_SCHEMES = {
    dns_sd.IPP: "ipp",
    dns_sd.IPPS: "ipps",
    dns_sd.ESCL: "http",
}
_PATHS = {"ipp": "ipp/print", "ipps": "ipp/print", "http": "eSCL"}
_IPP_USB = tuple(f"127.0.0.1:{port}" for port in range(60000, 60004))
_CUPS = "ipp://localhost:631/"
_NO_SCANNER = (Fault.SCANNER_ABSENT, Fault.SCANNER_IO)
_FORMATS = {"application/pdf", "image/pwg-raster"}


async def network_devices(
    escl: str = "", uri: str = "", *, heard: Sequence[Announced] | None = None, cups: str = _CUPS
) -> list[Found]:
    """``escl``, ``uri``: addresses of a scanner and of a printer that nobody announces.

    ``heard``: what was announced; None: listen for it now, three seconds long.
    """
    if heard is None:
        heard = await dns_sd.announced(tuple(_SCHEMES))
    scanners = [[escl], *([f"http://{place}/eSCL"] for place in _IPP_USB)]
    printers = [[uri], *([f"ipp://{place}/ipp/print"] for place in _IPP_USB)]
    printers += [[queue] for queue in await asyncio.to_thread(cups_queues, cups)]
    scanners += _addresses(heard, dns_sd.ESCL)
    printers += _addresses(heard, dns_sd.IPPS, dns_sd.IPP)
    names = {address: one for one in heard for address in [_address(one)]}
    asked = [
        *(asyncio.to_thread(_first_scanner, ways, names) for ways in scanners),
        *(asyncio.to_thread(_first_printer, ways, names) for ways in printers),
    ]
    return [one for one in await asyncio.gather(*asked) if one]


def _addresses(heard: Iterable[Announced], *services: str) -> list[list[str]]:
    """For each device, which has one name in all of ``services``, its addresses in their order."""
    ways: dict[tuple[str, str], list[str]] = {}
    for service in services:
        for one in heard:
            if one.service == service:
                ways.setdefault((one.name, str(one.address)), []).append(_address(one))
    return list(ways.values())


def _address(one: Announced) -> str:
    """By number: a kiosk need not understand names that end in .local. ``rp``: Bonjour Printing
    1.2.1, 7.2.1, and AirScan's after it; ``/ipp/print`` and ``/eSCL`` are what all of them use."""
    scheme = _SCHEMES[one.service]
    path = one.about.get("rp", "").strip("/") or _PATHS[scheme]
    return f"{scheme}://{one.address}:{one.port}/{path}"


def _first_scanner(ways: Sequence[str], names: Mapping[str, Announced]) -> Found | None:
    return next((found for url in ways if (found := network_scanner(url, names.get(url)))), None)


def _first_printer(ways: Sequence[str], names: Mapping[str, Announced]) -> Found | None:
    return next((found for uri in ways if (found := network_printer(uri, names.get(uri)))), None)


def network_scanner(address: str, said: Announced | None = None) -> Found | None:
    """The eSCL scanner at ``address``, if it answers as one."""
    address = address.rstrip("/")
    if not address or ask_escl(address, feeder=False).fault in _NO_SCANNER:
        return None
    what = said.about.get("ty") or said.name if said else "network scanner"
    return Found("scanner", "url", address, "generic-escl", what)


def network_printer(uri: str, said: Announced | None = None) -> Found | None:
    """The printer at ``uri``, if it answers and takes what a kiosk can send.

    The certificate of an ``ipps`` printer is its own work, so it is pinned as it is now: whoever
    confirms the settings sees its fingerprint, which the printer's own page or panel shows too.
    """
    if not uri:
        return None
    try:
        fingerprint = _fingerprint(uri) if urlsplit(uri).scheme == "ipps" else ""
        about = _attributes(uri, fingerprint)
    except (DeviceError, OSError, ValueError):
        return None
    if not _FORMATS & set(ipp.strings(about, "document-format-supported")):
        return None
    model = " ".join(ipp.strings(about, "printer-make-and-model"))
    what = model or (said.name if said else "") or "IPP printer"
    also = (("fingerprint", fingerprint),) if fingerprint else ()
    return Found("document_printer", "uri", uri, "", what, also)


def _attributes(uri: str, fingerprint: str) -> ipp.Attributes:
    wanted = ipp.attribute(ipp.KEYWORD, "document-format-supported", "printer-make-and-model")
    wire = Wire(uri, _ANSWER_SECONDS, fingerprint=fingerprint)
    answer = wire.ask(ipp.Operation.GET_PRINTER_ATTRIBUTES, {"requested-attributes": wanted})
    return answer.group(ipp.GroupTag.PRINTER)


def _fingerprint(uri: str) -> str:
    """SHA-256, hex. Raises OSError."""
    parts = urlsplit(uri)
    place = (str(parts.hostname), parts.port or 631)
    text = ssl.get_server_certificate(place, timeout=_ANSWER_SECONDS)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()


def cups_queues(server: str) -> list[str]:
    """Addresses of the queues of the CUPS at ``server``; none where there is no CUPS."""
    wanted = ipp.attribute(ipp.KEYWORD, "printer-uri-supported")
    try:
        answer = Wire(server, _ANSWER_SECONDS).ask(
            ipp.Operation.CUPS_GET_PRINTERS, {"requested-attributes": wanted}
        )
    except DeviceError:
        return []
    about = answer.all(ipp.GroupTag.PRINTER)
    return [uri for group in about for uri in ipp.strings(group, "printer-uri-supported")[:1]]
