"""A keyboard wedge made through /dev/uinput, read from the evdev node that the kernel gives it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.code_reader import WiredCodeReader
from drivers.contract import DeviceError, Fault, Health
from drivers.hid_nodes import Identity, keyboards
from drivers.reader_wires import wire
from tests.drivers.nodes import PRODUCT, VENDOR
from tests.drivers.typist import ENTER, keys, tap
from tests.vm.hands import Keyboard

CARD = "012345678901|123456789|Nguyễn Thị Bịa|01021990|Nữ|Thôn Đông, Xã Yên Hòa|05062021\r"
ADDRESS = f"wedge:{VENDOR:04x}:{PRODUCT:04x}"
Story = Callable[[WiredCodeReader, Keyboard], Awaitable[Any]]


def run(story: Story) -> Any:
    async def main() -> Any:
        reader = WiredCodeReader(wire(ADDRESS), reopen_seconds=0)
        with Keyboard() as keyboard:
            await reader.check()
            try:
                return await asyncio.wait_for(story(reader, keyboard), 60)
            finally:
                await reader.close()

    return asyncio.run(main())


async def typed(reader: WiredCodeReader, keyboard: Keyboard, text: str) -> str:
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    for key in keys(text):
        await asyncio.to_thread(keyboard.press, key)
    return await task


def another_reader() -> int:
    (node,) = (n for n in keyboards() if n.identity == Identity(VENDOR, PRODUCT))
    return os.open(node.path, os.O_RDONLY | os.O_NONBLOCK)


def test_a_citizen_card_is_typed() -> None:
    assert run(lambda reader, keyboard: typed(reader, keyboard, CARD)) == CARD.strip()


def test_nothing_reaches_another_reader_of_the_node_until_it_is_let_go() -> None:
    async def story(reader: WiredCodeReader, keyboard: Keyboard) -> None:
        other = another_reader()
        assert await typed(reader, keyboard, "M7-K3\r") == "M7-K3"
        with pytest.raises(BlockingIOError):
            os.read(other, 4096)
        await reader.close()
        keyboard.press(*tap(ENTER))
        assert os.read(other, 4096)
        os.close(other)

    run(story)


def test_who_has_grabbed_it_keeps_it() -> None:
    async def story(reader: WiredCodeReader, keyboard: Keyboard) -> None:
        second = WiredCodeReader(wire(ADDRESS), reopen_seconds=0)
        with pytest.raises(DeviceError) as caught:
            await second.check()
        assert caught.value.code == Fault.READER_ABSENT

    run(story)


def test_keys_that_the_kernel_dropped_spoil_one_code_only() -> None:
    async def story(reader: WiredCodeReader, keyboard: Keyboard) -> str:
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        for _ in range(20):  # nobody reads meanwhile
            keyboard.press(*keys("0123456789012345678901234567890123456789"))
        with pytest.raises(DeviceError) as caught:
            await task
        assert caught.value.code == Fault.READER_GARBLED
        keyboard.press(*tap(ENTER))
        return await typed(reader, keyboard, "M7-K3\r")

    assert run(story) == "M7-K3"


def test_pulled_out_while_waiting_and_back() -> None:
    async def story(reader: WiredCodeReader, keyboard: Keyboard) -> str:
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        keyboard.unplug()
        with pytest.raises(DeviceError) as caught:
            await task
        assert caught.value.code == Fault.READER_ABSENT
        assert reader.status().health is Health.ABSENT
        keyboard.plug()
        await reader.check()
        return await typed(reader, keyboard, CARD)

    assert run(story) == CARD.strip()
