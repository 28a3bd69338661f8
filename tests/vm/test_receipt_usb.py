"""A receipt printer on the kernel's dummy USB controller, driven by pyusb over the real libusb."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from drivers.contract import DeviceError, Fault, Health, Slip, SlipCode, SlipText
from drivers.receipt_printer import EscposPrinter
from tests.vm.gadget import GadgetPrinter

SLIP = Slip((SlipText("Biên nhận"), SlipCode("https://portal.example.vn/k=7K3M"), SlipText("Hết")))


@pytest.fixture
def device() -> Iterator[GadgetPrinter]:
    with GadgetPrinter() as device:
        yield device


def printer_at(address: str) -> EscposPrinter:
    return EscposPrinter(address=address, timeout=5)


def there(address: str) -> EscposPrinter:
    """The kernel gives it an address a moment after it was plugged in."""
    printer = printer_at(address)
    while printer.status().health is not Health.READY:
        with suppress(DeviceError):
            asyncio.run(printer.check())
    return printer


def failure(printer: EscposPrinter) -> str:
    with pytest.raises(DeviceError) as caught:
        asyncio.run(printer.check())
    return caught.value.code


def test_a_slip_over_usb_is_the_slip_over_tcp(device: GadgetPrinter) -> None:
    asyncio.run(printer_at(device.printer.address).print_slip(SLIP))
    asyncio.run(there(device.address).print_slip(SLIP))
    first, second = device.printer.receipts
    assert first.tobytes() == second.tobytes()
    assert device.printer.state.unknown == []


def test_it_is_found_by_its_serial_number_only(device: GadgetPrinter) -> None:
    there("usb:04b8:0202")
    assert failure(printer_at("usb:04b8:0202:RP-0002")) == Fault.RECEIPT_ABSENT


def test_an_open_cover_is_told(device: GadgetPrinter) -> None:
    printer = there(device.address)
    device.printer.set(cover_open=True)
    assert failure(printer) == Fault.RECEIPT_COVER_OPEN


def test_pulled_out_and_back_it_prints(device: GadgetPrinter) -> None:
    printer = there(device.address)
    device.unplug()
    assert failure(printer) == Fault.RECEIPT_ABSENT
    assert printer.status().health is Health.ABSENT
    device.plug()
    there(device.address)
    asyncio.run(printer.print_slip(SLIP))
    assert len(device.printer.receipts) == 1
