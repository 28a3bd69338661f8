"""The driver's own pyusb code, over USB/IP to an emulated printer; and slips lost sight of."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import usb.core
import usb.util
from PIL import Image, ImageChops

from drivers.contract import DeviceError, Fault, Health, Slip, SlipCode, SlipRule, SlipText
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.usbip_backend import UsbipBackend
from drivers.emulators.usbip_printer import UsbipPrinter
from drivers.receipt_printer import EscposPrinter

SLIP = Slip((SlipText("Biên nhận"), SlipCode("https://portal.example.vn/k=7K3M"), SlipText("Hết")))
GOLDEN = Slip(
    (
        SlipText("BIÊN NHẬN HỒ SƠ", scale=1.2, bold=True, centred=True),
        SlipRule(),
        SlipText("Ẫ Ậ Ẵ Ặ Ễ Ệ Ỗ Ộ Ỡ Ợ Ữ Ự Ỹ Ỵ Đ"),
        SlipText("ẫ ậ ẵ ặ ễ ệ ỗ ộ ỡ ợ ữ ự ỹ ỵ đ", bold=True),
        SlipText("Hẹn trả kết quả Thứ Tư, 25/11/2026"),
        SlipCode("https://portal.example.vn/H26.15-261123-0042"),
    )
)
OTHER = Slip((SlipText("Người sau"),))


@pytest.fixture
def device() -> Iterator[UsbipPrinter]:
    device = UsbipPrinter()
    yield device
    device.close()


@pytest.fixture
def emulator() -> Iterator[EscposEmulator]:
    emulator = EscposEmulator()
    yield emulator
    emulator.close()


def over_usb(device: UsbipPrinter, address: str = "", **options: Any) -> EscposPrinter:
    backend = UsbipBackend(device.server)
    address = address or device.address
    return EscposPrinter(address=address, timeout=0.5, usb_backend=backend, **options)


@contextmanager
def found_by_pyusb(device: UsbipPrinter) -> Iterator[Any]:
    found = usb.core.find(backend=UsbipBackend(device.server))
    try:
        yield found
    finally:
        usb.util.dispose_resources(found)


def failure(printer: EscposPrinter, slip: Slip | None = None) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        asyncio.run(printer.print_slip(slip) if slip else printer.check())
    return caught.value


def post(url: str, **body: Any) -> None:
    with urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(body).encode(), method="POST"), timeout=5
    ):
        pass


def test_a_slip_over_usb_is_the_slip_over_tcp(device: UsbipPrinter) -> None:
    tcp = EscposPrinter(address=device.printer.address, timeout=0.5)
    asyncio.run(tcp.print_slip(SLIP))
    asyncio.run(over_usb(device).print_slip(SLIP))
    first, second = device.printer.receipts
    assert first.tobytes() == second.tobytes()
    assert device.printer.state.unknown == []


def test_a_printer_is_found_by_its_ids_and_its_serial_number(device: UsbipPrinter) -> None:
    asyncio.run(over_usb(device, "usb:04b8:0202").check())
    asyncio.run(over_usb(device, "usb:04b8:0202:RP-0001").check())
    assert failure(over_usb(device, "usb:04b8:0202:RP-0002")).code == Fault.RECEIPT_ABSENT
    assert failure(over_usb(device, "usb:04b8:0203")).code == Fault.RECEIPT_ABSENT


def test_pyusb_sees_the_descriptors(device: UsbipPrinter) -> None:
    with found_by_pyusb(device) as found:
        assert found.manufacturer == "Example"
        (interface,) = found[0]
        assert [end.bEndpointAddress for end in interface] == [0x03, 0x84]
        assert interface.bInterfaceClass == 7


def test_a_read_without_an_answer_times_out_and_loses_nothing(device: UsbipPrinter) -> None:
    with found_by_pyusb(device) as found:
        with pytest.raises(usb.core.USBTimeoutError):
            found.read(0x84, 64, 20)
        found.write(0x03, b"\x10\x04\x01", 500)
        assert bytes(found.read(0x84, 64, 500)) == b"\x12"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cover_open": True}, Fault.RECEIPT_COVER_OPEN),
        ({"paper": "out"}, Fault.RECEIPT_PAPER_OUT),
        ({"error": "cutter"}, Fault.RECEIPT_CUTTER),
        ({"silent": True}, Fault.RECEIPT_SILENT),
        ({"answers": "garbage"}, Fault.RECEIPT_SILENT),
        ({"answers": "half"}, Fault.RECEIPT_SILENT),
        ({"unplugged": True}, Fault.RECEIPT_ABSENT),
    ],
)
def test_trouble_over_usb_is_named_and_ends_with_its_cause(
    device: UsbipPrinter, changes: dict[str, Any], code: Fault
) -> None:
    printer = over_usb(device)
    post(f"{device.control_url}/set", **changes)
    assert failure(printer, SLIP).code == code
    normal = {name: getattr(type(device.printer.state), name) for name in changes}
    post(f"{device.control_url}/set", **normal)
    asyncio.run(printer.print_slip(SLIP))
    assert len(device.printer.receipts) == 1
    assert printer.status().health is Health.READY


def unplug_when(emulator: EscposEmulator, monkeypatch: pytest.MonkeyPatch, command: bytes) -> None:
    """Pull the cable, once, just after the printer has done ``command``."""
    execute = emulator._execute
    pulled: list[bytes] = []

    def then_pull(done: bytes, send: Any) -> None:
        execute(done, send)
        if done.startswith(command) and not pulled:
            pulled.append(done)
            emulator.set(unplugged=True)

    monkeypatch.setattr(emulator, "_execute", then_pull)


@pytest.mark.parametrize("wire", ["usb", "tcp"])
def test_a_slip_cut_off_before_the_cable_was_pulled_is_not_printed_again(
    device: UsbipPrinter, monkeypatch: pytest.MonkeyPatch, wire: str
) -> None:
    emulator = device.printer
    tcp = EscposPrinter(address=emulator.address, timeout=0.5)
    printer = over_usb(device) if wire == "usb" else tcp
    unplug_when(emulator, monkeypatch, b"\x1dV")
    error = failure(printer, SLIP)
    assert error.code == Fault.RECEIPT_UNCONFIRMED
    assert "while printing" in error.detail
    emulator.set(unplugged=False)
    asyncio.run(printer.print_slip(SLIP))
    assert len(emulator.receipts) == 1
    asyncio.run(printer.print_slip(SLIP))  # a slip that is settled may be wanted anew
    assert len(emulator.receipts) == 2


def test_a_torn_slip_is_printed_whole_once_after_the_cable_is_back(
    device: UsbipPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplug_when(device.printer, monkeypatch, b"\x1dv")
    printer = over_usb(device)
    assert "while printing" in failure(printer, SLIP).detail
    post(f"{device.control_url}/die")
    device.printer.set(unplugged=False)
    asyncio.run(printer.print_slip(SLIP))
    assert len(device.printer.scraps) == 1
    assert len(device.printer.receipts) == 1


def test_the_next_persons_slip_is_never_taken_for_the_lost_one(
    device: UsbipPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplug_when(device.printer, monkeypatch, b"\x1dV")
    printer = over_usb(device)
    failure(printer, SLIP)
    device.printer.set(unplugged=False)
    asyncio.run(printer.print_slip(OTHER))
    assert len(device.printer.receipts) == 2


@pytest.mark.parametrize("lines", [1, 9, 17])
def test_after_a_refill_the_slip_comes_out_whole_exactly_once(
    emulator: EscposEmulator, lines: int
) -> None:
    emulator.set(paper_after_lines=lines)
    printer = EscposPrinter(address=emulator.address, timeout=0.5)
    error = failure(printer, SLIP)
    assert error.code == Fault.RECEIPT_PAPER_OUT
    assert "while printing" in error.detail
    emulator.refill()
    asyncio.run(printer.print_slip(SLIP))
    assert len(emulator.scraps) == 1
    assert len(emulator.receipts) == 1


def test_a_torn_slip_is_printed_anew_when_the_printer_will_not_forget_the_old_one(
    emulator: EscposEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.receipt_printer._FORGET", b"")
    emulator.set(paper_after_lines=9)
    printer = EscposPrinter(address=emulator.address, timeout=0.3)
    failure(printer, SLIP)
    emulator.refill()
    asyncio.run(printer.print_slip(SLIP))
    whole = EscposPrinter(address=emulator.address, timeout=0.3)
    asyncio.run(whole.print_slip(SLIP))
    assert emulator.receipts[-1].tobytes() == emulator.receipts[-2].tobytes()


def test_a_printer_without_a_count_is_asked_for_it_once(
    emulator: EscposEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(emulator, "_count", lambda body, send: asked.append(body))
    printer = EscposPrinter(address=emulator.address, timeout=0.3)
    asyncio.run(printer.print_slip(SLIP))
    asyncio.run(printer.print_slip(OTHER))
    assert len(asked) == 1
    assert len(emulator.receipts) == 2


def test_one_lost_answer_does_not_end_the_asking(
    emulator: EscposEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = EscposPrinter(address=emulator.address, timeout=0.3)
    asyncio.run(printer.print_slip(SLIP))
    with monkeypatch.context() as lost:
        lost.setattr(emulator, "_count", lambda body, send: None)
        asyncio.run(printer.print_slip(OTHER))
    # The guard stands: what is lost sight of after the cut is not printed a second time.
    unplug_when(emulator, monkeypatch, b"\x1dV")
    assert failure(printer, SLIP).code == Fault.RECEIPT_UNCONFIRMED
    emulator.set(unplugged=False)
    asyncio.run(printer.print_slip(SLIP))
    assert len(emulator.receipts) == 3


def test_an_answer_that_comes_too_late_is_silence(emulator: EscposEmulator) -> None:
    emulator.set(slow_seconds=0.4)
    printer = EscposPrinter(address=emulator.address, timeout=0.2)
    assert failure(printer).code == Fault.RECEIPT_SILENT


@pytest.mark.parametrize("width_mm", [58, 80])
def test_a_slip_looks_as_it_did(width_mm: int) -> None:
    """Raw bytes in, paper out, against a stored picture."""
    emulator = EscposEmulator(width_dots={58: 384, 80: 576}[width_mm])
    try:
        printer = EscposPrinter(address=emulator.address, width_mm=width_mm, timeout=0.5)
        asyncio.run(printer.print_slip(GOLDEN))
        (receipt,) = emulator.receipts
    finally:
        emulator.close()
    with Image.open(Path(__file__).parent / f"golden_slip_{width_mm}.png") as golden:
        assert golden.size == receipt.size
        assert ImageChops.difference(golden.convert("L"), receipt.convert("L")).getbbox() is None
