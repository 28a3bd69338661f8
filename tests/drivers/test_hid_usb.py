"""The driver's own pyusb code for HID-POS readers, over USB/IP to an emulated one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers import code_reader, hid_usb
from drivers.code_reader import Format, WiredCodeReader
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.hid_reader import HidReaderEmulator
from drivers.emulators.usbip_backend import UsbipBackend
from drivers.hid_nodes import Identity
from drivers.hid_pos import HidPosWire
from drivers.presence import watching

CARD = "012345678901|123456789|Nguyễn Thị Bịa|01021990|Nữ|Thôn Đông, Xã Yên Hòa|05062021"
Story = Callable[[WiredCodeReader, HidReaderEmulator], Awaitable[Any]]


def over_usb(
    emulator: HidReaderEmulator, nowhere: Path, *, serial: str = "", form: Format | None = None
) -> WiredCodeReader:
    """``nowhere``: a folder in place of /dev and /sys, so that no hidraw is found."""
    identity = Identity(emulator.vendor, emulator.product, serial or emulator.serial)
    wire = HidPosWire(identity, UsbipBackend(emulator.server), nowhere, nowhere)
    return WiredCodeReader(wire, form, reopen_seconds=0)


def run(story: Story, nowhere: Path, **options: Any) -> Any:
    async def main() -> Any:
        emulator = HidReaderEmulator()
        reader = over_usb(emulator, nowhere, **options)
        try:
            return await asyncio.wait_for(story(reader, emulator), 20)
        finally:
            await reader.close()
            emulator.close()

    return asyncio.run(main())


def test_an_interface_that_is_no_reader_goes_back_to_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[tuple[str, int]] = []

    class Device:
        def get_active_configuration(self) -> list[Any]:
            return [Interface(bInterfaceClass=3, bInterfaceNumber=number) for number in (0, 1)]

        def is_kernel_driver_active(self, number: int) -> bool:
            return number == 0

        def detach_kernel_driver(self, number: int) -> None:
            done.append(("taken", number))

        def attach_kernel_driver(self, number: int) -> None:
            done.append(("back", number))

        def ctrl_transfer(self, *_: Any) -> bytes:
            return b"\x05\x01\x09\x06\xa1\x01\xc0"  # a keyboard's

    class Interface(SimpleNamespace):
        def __iter__(self) -> Iterator[Any]:
            return iter(())

    monkeypatch.setattr("usb.util.release_interface", lambda *_: None)
    with pytest.raises(OSError, match="not in HID-POS mode"):
        hid_usb._pumped(Device())
    assert done == [("taken", 0), ("back", 0)]


async def begun(reader: WiredCodeReader) -> asyncio.Task[str]:
    """A read() that listens already."""
    await reader.check()
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    return task


async def shown(reader: WiredCodeReader, emulator: HidReaderEmulator, payload: str) -> str:
    task = await begun(reader)
    emulator.show(payload)
    return await task


async def failure(task: Awaitable[object]) -> str:
    with pytest.raises(DeviceError) as caught:
        await task
    return caught.value.code


@pytest.mark.parametrize("payload", [CARD, "x", "a" * 56, "a" * 57, "đ" * 4096])
def test_a_payload_of_many_reports_arrives_whole(payload: str, tmp_path: Path) -> None:
    assert run(lambda reader, emulator: shown(reader, emulator, payload), tmp_path) == payload


def test_the_keyboard_interface_beside_it_is_not_the_reader(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        emulator.state.keyboard_only = True
        return await failure(reader.check())

    assert run(story, tmp_path) == Fault.READER_ABSENT


def test_a_reader_of_another_serial_number_is_not_ours(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        return await failure(reader.check())

    assert run(story, tmp_path, serial="CR-0002") == Fault.READER_ABSENT


@pytest.mark.parametrize("fault", ["garbage", "half"])
def test_a_spoiled_report_is_garbled_and_the_next_code_reads(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        task = await begun(reader)
        getattr(emulator, fault)()
        assert await failure(task) == Fault.READER_GARBLED
        monkeypatch.setattr(code_reader, "_STALE_SECONDS", -1.0)  # a person is slower than this
        return await shown(reader, emulator, "clean")

    assert run(story, tmp_path) == "clean"


def test_a_payload_without_its_end_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_reader, "_STALE_SECONDS", -1.0)

    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        task = await begun(reader)
        emulator.cut()
        emulator.show("whole")
        return await task

    assert run(story, tmp_path) == "whole"


def test_only_the_symbologies_of_the_profile_count(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> list[str]:
        emulator.state.aim = "]E0"
        task = await begun(reader)
        emulator.show("8934563138165")
        said = [await failure(task)]
        emulator.state.aim = "]Q1"
        return [*said, await shown(reader, emulator, "a QR code")]

    form = Format(symbologies=("Q",))
    assert run(story, tmp_path, form=form) == [Fault.READER_GARBLED, "a QR code"]


def test_pulled_out_while_somebody_waits_and_used_again_when_it_is_back(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        task = await begun(reader)
        emulator.unplug()
        assert await failure(task) == Fault.READER_ABSENT
        assert reader.status().health is Health.ABSENT
        assert await failure(reader.read()) == Fault.READER_ABSENT
        emulator.plug()
        return await shown(reader, emulator, "back")

    assert run(story, tmp_path) == "back"


def test_watched_it_is_ready_again_before_anybody_asks(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        async with watching((reader,)):
            await becomes(reader, Health.READY)
            emulator.unplug()
            await becomes(reader, Health.ABSENT)
            emulator.plug()
            await becomes(reader, Health.READY)
            return await shown(reader, emulator, "back")

    assert run(story, tmp_path) == "back"


async def becomes(reader: WiredCodeReader, health: Health) -> None:
    while reader.status().health is not health:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_closed_it_is_free_for_another(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        await reader.check()
        await reader.close()
        return await shown(reader, emulator, "again")

    assert run(story, tmp_path) == "again"


def test_the_emulator_is_worked_over_http(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: HidReaderEmulator) -> str:
        task = await begun(reader)
        url = f"{emulator.control_url}/show"
        body = json.dumps({"payload": CARD}).encode()
        state = json.load(await asyncio.to_thread(urllib.request.urlopen, url, body, 5))
        assert (state["plugged"], state["attached"], state["shown"]) == (True, True, 1)
        return await task

    assert run(story, tmp_path) == CARD


def test_it_stands_in_by_the_command_line() -> None:
    words = ["-m", "kiosk", "emulate", "code-reader", "--wire", "hid-pos"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        told = json.loads(program.stdout.readline())
        with urllib.request.urlopen(told["control"], timeout=5) as answer:
            state = json.load(answer)
        program.terminate()
    assert told["address"] == "hid-pos:1209:0001:CR-0001"
    assert (state["plugged"], state["attached"]) == (True, False)
    assert program.returncode == 0
