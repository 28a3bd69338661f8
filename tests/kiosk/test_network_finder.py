"""Network scanners and printers: announced, on the loopback ports of ipp-usb, queues of CUPS."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from drivers.dns_sd import ESCL, IPP, IPPS, Announced
from drivers.emulators.escl import EsclScanner
from drivers.emulators.ipp import IppEmulator
from kiosk import network_finder, setup
from kiosk.found import Found
from kiosk.settings import load
from tests.drivers.test_cups import Cups
from tests.drivers.test_ipp_wire import certificate

NO_CUPS = "ipp://127.0.0.1:9/"


@pytest.fixture
def printer() -> Iterator[IppEmulator]:
    emulator = IppEmulator()
    yield emulator
    emulator.close()


@pytest.fixture(autouse=True)
def no_ipp_usb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_finder, "_IPP_USB", ())


def say(service: str, address: str, **about: str) -> Announced:
    port = int(address.split(":")[2].split("/")[0])
    return Announced(service, "Office", IPv4Address("127.0.0.1"), port, about)


def find(*heard: Announced, escl: str = "", uri: str = "", cups: str = NO_CUPS) -> list[Found]:
    return asyncio.run(network_finder.network_devices(escl, uri, heard=heard, cups=cups))


def over_tls(emulator: IppEmulator, folder: Path) -> tuple[str, str]:
    """Its address from now on, and the fingerprint of its certificate."""
    fingerprint = certificate(folder).fingerprint(hashes.SHA256()).hex()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    assert emulator._server
    emulator._server.socket = context.wrap_socket(emulator._server.socket, server_side=True)
    return emulator.address.replace("ipp:", "ipps:"), fingerprint


def test_what_announces_itself_is_asked_and_found(printer: IppEmulator) -> None:
    with EsclScanner() as scanner:
        heard = say(IPP, printer.address, rp="ipp/print"), say(ESCL, scanner.url, ty="Ví dụ 1")
        seen, paper = find(*heard)
    assert (seen.section, seen.value, seen.what) == ("scanner", scanner.url, "Ví dụ 1")
    assert (paper.section, paper.key, paper.value) == ("document_printer", "uri", printer.address)


def test_an_address_that_somebody_gives_is_asked(printer: IppEmulator) -> None:
    with EsclScanner() as scanner:
        found = find(escl=scanner.url + "/", uri=printer.address)
    assert [one.value for one in found] == [scanner.url, printer.address]


def test_the_ports_of_ipp_usb_are_asked(
    printer: IppEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = printer.address.split("/")[2]
    monkeypatch.setattr(network_finder, "_IPP_USB", (place,))
    assert [one.value for one in find()] == [f"ipp://{place}/ipp/print"]


def test_a_printer_with_tls_is_pinned_and_written(printer: IppEmulator, tmp_path: Path) -> None:
    uri, fingerprint = over_tls(printer, tmp_path)
    (found,) = find(say(IPP, printer.address), say(IPPS, uri))
    assert (found.value, found.also) == (uri, (("fingerprint", fingerprint),))
    setup.write(tmp_path / "kiosk.toml", [found])
    settings = load(tmp_path / "kiosk.toml").devices.document_printer
    assert (settings.uri, settings.fingerprint) == (uri, fingerprint)
    assert setup.is_set(load(tmp_path / "kiosk.toml"), "document_printer")


def test_where_tls_is_only_announced_the_open_way_counts(printer: IppEmulator) -> None:
    secure = say(IPPS, printer.address)
    (found,) = find(say(IPP, printer.address), secure)
    assert found.value == printer.address


def gone(printer: IppEmulator) -> None:
    printer.close()


def talks_nonsense(printer: IppEmulator) -> None:
    printer.state.garbage = True


def takes_postscript_only(printer: IppEmulator) -> None:
    printer.state.formats = ["application/postscript"]


@pytest.mark.parametrize("spoil", [gone, talks_nonsense, takes_postscript_only])
def test_what_cannot_print_for_us_is_not_found(
    printer: IppEmulator, spoil: Callable[[IppEmulator], None]
) -> None:
    spoil(printer)
    assert find(say(IPP, printer.address)) == []


def test_queues_of_cups_are_found(printer: IppEmulator) -> None:
    # Not among pytest's folders: those are closed to everybody but the user who runs the tests.
    with tempfile.TemporaryDirectory(prefix="cups-") as folder:
        server = Cups(Path(folder), printer.address)
        try:
            (queue,) = network_finder.cups_queues(server.uri.removesuffix("printers/Copies"))
        finally:
            server.stop()
    assert queue.endswith("/printers/Copies")


def test_a_scanner_that_sane_sees_too_is_found_once() -> None:
    from kiosk.finder import _each_once

    network = [Found("scanner", "url", "http://10.0.0.5/eSCL", "generic-escl", "x")]
    local = Found("scanner", "device", "fujitsu:1", "fujitsu-fi", "y")
    twice = Found("scanner", "device", "airscan:e0:x", "generic-sane", "x")
    assert _each_once(network, [twice, local]) == [*network, local]
    assert _each_once([], [twice]) == [twice]
