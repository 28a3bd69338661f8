"""A HID-POS reader made through /dev/uhid, read from the hidraw node that the kernel gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from drivers.code_reader import WiredCodeReader
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.hid_descriptors import KEYBOARD, pos_descriptor, pos_reports
from drivers.reader_wires import wire
from tests.drivers.nodes import PRODUCT, VENDOR
from tests.vm.hands import HidDevice

CARD = "012345678901|123456789|Nguyễn Thị Bịa|01021990|Nữ|Thôn Đông, Xã Yên Hòa|05062021"
SERIAL = "CR-0001"
ADDRESS = f"hid-pos:{VENDOR:04x}:{PRODUCT:04x}"
Story = Callable[[WiredCodeReader, HidDevice], Awaitable[Any]]


def run(story: Story) -> Any:
    async def main() -> Any:
        reader = WiredCodeReader(wire(f"{ADDRESS}:{SERIAL}"), reopen_seconds=0)
        with HidDevice(pos_descriptor(), SERIAL) as device:
            await there(reader)
            try:
                return await asyncio.wait_for(story(reader, device), 60)
            finally:
                await reader.close()

    return asyncio.run(main())


async def there(reader: WiredCodeReader) -> None:
    """The kernel makes the node a moment after it was asked to."""
    while reader.status().health is not Health.READY:
        with suppress(DeviceError):
            await reader.check()


async def begun(reader: WiredCodeReader) -> asyncio.Task[str]:
    """A read() that listens already."""
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    return task


async def shown(reader: WiredCodeReader, device: HidDevice, payload: str) -> str:
    task = await begun(reader)
    await asyncio.to_thread(device.say, *pos_reports(payload.encode()))
    return await task


def test_a_citizen_card_is_read() -> None:
    assert run(lambda reader, device: shown(reader, device, CARD)) == CARD


def test_a_payload_of_many_reports_is_read() -> None:
    payload = "0123456789" * 150
    assert run(lambda reader, device: shown(reader, device, payload)) == payload


def test_what_nobody_asked_for_does_not_count() -> None:
    async def story(reader: WiredCodeReader, device: HidDevice) -> str:
        await shown(reader, device, "first")
        device.say(*pos_reports(b"of the one before"))
        return await shown(reader, device, "second")

    assert run(story) == "second"


def test_pulled_out_while_waiting_and_back() -> None:
    async def story(reader: WiredCodeReader, device: HidDevice) -> str:
        task = await begun(reader)
        device.unplug()
        with pytest.raises(DeviceError) as caught:
            await task
        assert caught.value.code == Fault.READER_ABSENT
        assert reader.status().health is Health.ABSENT
        device.plug()
        await there(reader)
        return await shown(reader, device, CARD)

    assert run(story) == CARD


@pytest.mark.parametrize(
    ("descriptor", "serial"),
    [(KEYBOARD, SERIAL), (pos_descriptor(), "CR-0002")],
    ids=["keyboard", "another reader"],
)
def test_a_keyboard_and_another_reader_are_not_taken_for_it(descriptor: bytes, serial: str) -> None:
    async def main() -> None:
        reader = WiredCodeReader(wire(f"{ADDRESS}:{SERIAL}"), reopen_seconds=1)
        with HidDevice(descriptor, serial), pytest.raises(DeviceError) as caught:
            await reader.read()
        assert caught.value.code == Fault.READER_ABSENT

    asyncio.run(main())
