"""Lamp, bell and tamper switch over Modbus, on both its wires."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import threading
import tty
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.signal_box import SignalBoxEmulator
from drivers.modbus import Box, crc, framed
from drivers.signals import SignalBox


@pytest.fixture
def emulator() -> Iterator[SignalBoxEmulator]:
    emulator = SignalBoxEmulator()
    yield emulator
    emulator.close()


def run(
    address: str, folder: Path, use: Callable[[SignalBox], Awaitable[Any]], **options: Any
) -> Any:
    async def with_box() -> Any:
        given = {"lamp": 1, "bell": 2, "tamper": 1, "timeout": 0.3, **options}
        box = SignalBox(address=address, latch=folder / "opened", **given)
        try:
            return await use(box)
        finally:
            await box.close()

    return asyncio.run(with_box())


async def code_of(call: Awaitable[Any]) -> str:
    try:
        await call
    except DeviceError as error:
        return error.code
    return ""


def test_the_frames_are_those_of_the_standards() -> None:
    """Application Protocol 1.1b3, 6.5: output 173 on; Serial Line 1.02, 6.2.2: the CRC."""
    assert framed(1, bytes.fromhex("0500acff00")).hex() == "010500acff004c1b"
    assert crc(b"\x02\x07") == b"\x41\x12"


def test_an_independent_reading_of_inputs(emulator: SignalBoxEmulator) -> None:
    """Bytes as on the wire: a request for eight inputs, and the box's answer."""
    port = int(emulator.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(bytes.fromhex("0007000000060102" + "00000008"))
        assert line.recv(64).hex() == "000700000004" + "01020101"


def test_a_call_lights_the_lamp_and_it_goes_dark_by_itself(
    emulator: SignalBoxEmulator, tmp_path: Path
) -> None:
    async def use(box: SignalBox) -> tuple[bool, list[bool]]:
        called = await box.call()
        lit = list(emulator.state.outputs[:2])
        await asyncio.wait_for(asyncio.gather(*box._timers.values()), 10)
        return called, lit

    called, lit = run(emulator.address, tmp_path, use, lamp_seconds=0.1, bell_seconds=0.05)
    assert (called, lit) == (True, [True, True])
    assert not any(emulator.state.outputs)


def test_who_calls_again_is_not_cut_short_and_an_end_leaves_nothing_lit(
    emulator: SignalBoxEmulator, tmp_path: Path
) -> None:
    async def use(box: SignalBox) -> list[bool]:
        await box.call()
        first = box._until[1]
        await box.call()
        assert box._until[1] > first
        return list(emulator.state.outputs[:2])

    assert run(emulator.address, tmp_path, use, bell=0) == [True, False]
    assert not any(emulator.state.outputs)
    assert emulator.state.switched == 1


def test_a_box_with_a_switch_only_calls_nobody(emulator: SignalBoxEmulator, tmp_path: Path) -> None:
    assert run(emulator.address, tmp_path, lambda box: box.call(), lamp=0, bell=0) is False


def test_an_opened_housing_stays_opened_until_it_is_armed_again(
    emulator: SignalBoxEmulator, tmp_path: Path
) -> None:
    async def use(box: SignalBox) -> list[str]:
        said = [await code_of(box.check())]
        emulator.set(shut=False)
        said += [await code_of(box.check()), await code_of(box.rearm())]
        emulator.set(shut=True)
        return [*said, await code_of(box.check())]

    opened = str(Fault.TAMPER_OPEN)
    assert run(emulator.address, tmp_path, use) == ["", opened, opened, opened]

    async def restarted(box: SignalBox) -> list[str]:
        said = [await code_of(box.check()), await code_of(box.rearm())]
        assert box.status().health is Health.READY
        return [*said, await code_of(box.check())]

    assert run(emulator.address, tmp_path, restarted) == [opened, "", ""]


def test_a_disk_that_takes_nothing_does_not_make_an_opened_housing_shut(
    emulator: SignalBoxEmulator, tmp_path: Path
) -> None:
    async def use(box: SignalBox) -> list[str]:
        emulator.set(shut=False)
        said = [await code_of(box.check())]
        emulator.set(shut=True)
        said.append(await code_of(box.check()))
        (tmp_path / "gone").mkdir()  # from now on it takes files
        said.append(await code_of(box.check()))
        return [*said, await code_of(box.rearm()), await code_of(box.check())]

    opened = str(Fault.TAMPER_OPEN)
    said = run(emulator.address, tmp_path / "gone", use)
    assert said == [opened, opened, opened, "", ""]


@pytest.mark.parametrize(
    ("changes", "options", "code"),
    [
        ({"unplugged": True}, {}, Fault.SIGNALS_ABSENT),
        ({"silent": True}, {}, Fault.SIGNALS_ABSENT),
        ({"unplugged": True}, {"tamper": 0}, Fault.SIGNALS_ABSENT),
        ({}, {"tamper": 9}, Fault.SIGNALS_REFUSED),
    ],
)
def test_a_box_that_cannot_tell_is_no_open_housing(
    emulator: SignalBoxEmulator,
    tmp_path: Path,
    changes: dict[str, Any],
    options: dict[str, int],
    code: Fault,
) -> None:
    emulator.set(**changes)

    async def use(box: SignalBox) -> str:
        said = await code_of(box.check())
        assert box.status().code == said
        return said

    assert run(emulator.address, tmp_path, use, **options) == code
    assert not (tmp_path / "opened").exists()


def test_without_a_switch_the_housing_is_nobodys_business(
    emulator: SignalBoxEmulator, tmp_path: Path
) -> None:
    emulator.set(shut=False)
    assert run(emulator.address, tmp_path, lambda box: code_of(box.check()), tamper=0) == ""


def test_nobody_there_is_absence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"modbus://127.0.0.1:{unused.getsockname()[1]}"
    assert run(address, tmp_path, lambda box: code_of(box.call())) == Fault.SIGNALS_ABSENT


def test_the_same_over_a_serial_line(emulator: SignalBoxEmulator, tmp_path: Path) -> None:
    """Once an answer comes with a spoilt CRC: it is not believed."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    spoil = [False]

    def pump() -> None:
        try:
            while frame := os.read(master, 8):
                assert crc(frame[:-2]) == frame[-2:]
                answer = framed(frame[0], emulator.answer(frame[1:-2]))
                os.write(master, answer[:-1] + b"\x00" if spoil[0] else answer)
        except OSError:
            pass  # both ends are closed

    pumping = threading.Thread(target=pump)
    pumping.start()

    async def use(box: SignalBox) -> list[str]:
        said = [await code_of(box.check())]
        await box.call()
        assert emulator.state.outputs[:2] == [True, True]
        spoil[0] = True
        said.append(await code_of(box.check()))
        spoil[0] = False
        return said

    try:
        address = f"modbus-rtu:{os.ttyname(slave)}?baud=19200"
        assert run(address, tmp_path, use, timeout=2.0) == ["", Fault.SIGNALS_ABSENT]
        refusing = Box(address, 1, 2.0)
        with pytest.raises(Exception, match="exception 2"):
            refusing.write_output(99, True)
    finally:
        os.close(slave)
        pumping.join()
        os.close(master)


@pytest.mark.parametrize("address", ["", "tcp://box", "modbus:box", "modbus-rtu:", "gpio:1"])
def test_an_address_that_cannot_be_is_refused_at_once(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected modbus"):
        SignalBox(address=address, latch=tmp_path / "opened")
