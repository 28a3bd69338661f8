"""Codes over a pseudo-terminal: only what is shown while somebody asks counts."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import code_reader
from drivers.absent import AbsentCodeReader
from drivers.code_reader import WiredCodeReader
from drivers.contract import MAX_PAYLOAD, DeviceError, Fault, Health
from drivers.emulators.serial_reader import SerialReaderEmulator
from drivers.hid_nodes import Identity
from drivers.hid_pos import HidPosWire
from drivers.reader_pieces import LineFramer, Piece
from drivers.reader_wires import wire
from drivers.serial_line import SerialWire
from drivers.wedge import WedgeWire

Story = Callable[[WiredCodeReader, SerialReaderEmulator], Awaitable[Any]]
CARD = "012345678901|123456789|Nguyễn Thị Bịa|01021990|Nữ|Thôn Đông, Xã Yên Hòa|05062021"


def run(story: Story, tmp_path: Path, **options: Any) -> Any:
    async def main() -> Any:
        emulator = SerialReaderEmulator(tmp_path / "reader")
        reader = WiredCodeReader(wire(emulator.address, **options), reopen_seconds=0)
        await reader.check()
        try:
            return await asyncio.wait_for(story(reader, emulator), 10)
        finally:
            await reader.close()
            emulator.close()

    return asyncio.run(main())


async def begun(reader: WiredCodeReader) -> asyncio.Task[str]:
    """A read() that listens already."""
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    return task


async def shown(reader: WiredCodeReader, emulator: SerialReaderEmulator, payload: str) -> str:
    task = await begun(reader)
    await asyncio.to_thread(emulator.show, payload)
    return await task


@pytest.mark.parametrize("payload", [CARD, "x", "đ" * MAX_PAYLOAD])
def test_a_payload_arrives_whole(payload: str, tmp_path: Path) -> None:
    assert run(lambda reader, emulator: shown(reader, emulator, payload), tmp_path) == payload


def test_works_in_a_loop_that_is_not_in_the_main_thread(tmp_path: Path) -> None:
    answers: list[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(run(lambda r, e: shown(r, e, CARD), tmp_path))
    )
    thread.start()
    thread.join(15)
    assert answers == [CARD]


def test_what_was_shown_before_anyone_asked_is_thrown_away(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> list[str]:
        emulator.show("before the first question")
        first = await shown(reader, emulator, "first")
        emulator.show("between the questions")
        return [first, await shown(reader, emulator, "second")]

    assert run(story, tmp_path) == ["first", "second"]


def test_the_tail_of_a_payload_begun_too_early_does_not_count(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        emulator.send(b"0123456789|a citizen who")
        task = await begun(reader)
        emulator.send(b" has left|01021990\rnow\r")
        return await task

    assert run(story, tmp_path) == "now"


def test_a_payload_cut_off_long_ago_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_reader, "_STALE_SECONDS", -1.0)

    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        emulator.send(b"cut o")
        return await shown(reader, emulator, "whole")

    assert run(story, tmp_path) == "whole"


@pytest.mark.parametrize(("terminator", "sent"), [(b"\r", b"a\r\nb\r\n"), (b"\n", b"a\r\n\nb\n")])
def test_line_ends_of_every_setting_are_stripped(
    terminator: bytes, sent: bytes, tmp_path: Path
) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> list[str]:
        answers: list[str] = []
        for payload in sent.split(b"b"):
            task = await begun(reader)
            emulator.send(b"b" * bool(answers) + payload)
            answers.append(await task)
        return answers

    assert run(story, tmp_path, terminator=terminator) == ["a", "b"]


def test_bytes_that_are_not_utf8_are_garbled_and_the_next_code_reads(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        task = await begun(reader)
        emulator.garbage()
        with pytest.raises(DeviceError) as caught:
            await task
        assert caught.value.code == Fault.READER_GARBLED
        return await shown(reader, emulator, "clean")

    assert run(story, tmp_path) == "clean"


@pytest.mark.parametrize("length", [MAX_PAYLOAD + 1, 5 * MAX_PAYLOAD])
def test_a_payload_too_long_is_garbled_and_its_tail_is_no_payload(
    length: int, tmp_path: Path
) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        task = await begun(reader)
        sending = asyncio.create_task(asyncio.to_thread(emulator.show, "a" * length))
        with pytest.raises(DeviceError) as caught:
            await task
        assert caught.value.code == Fault.READER_GARBLED
        task = await begun(reader)
        await sending
        await asyncio.to_thread(emulator.show, "short")
        return await task

    assert run(story, tmp_path) == "short"


def test_a_cancelled_read_leaves_the_reader_usable(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        task = await begun(reader)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        emulator.show("to nobody")
        return await shown(reader, emulator, "to somebody")

    assert run(story, tmp_path) == "to somebody"


def test_only_one_may_wait(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        task = await begun(reader)
        with pytest.raises(RuntimeError):
            await reader.read()
        emulator.show("for the first")
        return await task

    assert run(story, tmp_path) == "for the first"


def test_unplugging_is_absence_until_it_is_back(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        assert reader.status().health is Health.READY
        task = await begun(reader)
        emulator.unplug()
        for attempt in (task, reader.read()):
            with pytest.raises(DeviceError) as caught:
                await attempt
            assert caught.value.code == Fault.READER_ABSENT
        assert reader.status().health is Health.ABSENT
        emulator.plug()
        await reader.check()
        assert reader.status().health is Health.READY
        return await shown(reader, emulator, "back")

    assert run(story, tmp_path) == "back"


def test_unplugged_while_nobody_asks_and_back_for_the_next_question(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        await shown(reader, emulator, "first")
        emulator.unplug()
        emulator.plug()
        while reader.status().health is Health.READY:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await reader.check()
        return await shown(reader, emulator, "second")

    assert run(story, tmp_path) == "second"


def test_a_read_waits_a_little_for_the_reader_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_reader, "_RETRY_SECONDS", 0.01)

    async def main() -> str:
        emulator = SerialReaderEmulator(tmp_path / "reader")
        emulator.unplug()
        reader = WiredCodeReader(wire(f"serial:{tmp_path / 'reader'}"), reopen_seconds=5)
        assert reader.status().health is Health.OPENING
        task = await begun(reader)
        while reader.status().health is not Health.ABSENT:  # noqa: ASYNC110
            await asyncio.sleep(0)
        emulator.plug()
        while not task.done():  # what is shown before the reader listens is lost
            await asyncio.to_thread(emulator.show, "late")
            await asyncio.wait([task], timeout=0.05)
        try:
            return await task
        finally:
            await reader.close()
            emulator.close()

    assert asyncio.run(main()) == "late"


def test_the_emulator_is_worked_over_http(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, emulator: SerialReaderEmulator) -> str:
        task = await begun(reader)
        url = f"{emulator.control_url}/show"
        body = json.dumps({"payload": CARD}).encode()
        state = json.load(await asyncio.to_thread(urllib.request.urlopen, url, body, 5))
        assert state == {"port": str(tmp_path / "reader"), "plugged": True, "shown": 1}
        return await task

    assert run(story, tmp_path) == CARD


@pytest.mark.parametrize(("pause", "payload"), [(0.4, b"one two"), (0.6, b"two")])
def test_a_pause_between_keys_or_reports_ends_half_a_code(
    pause: float, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(code_reader, "time", clock)
    assembly, now = code_reader._Assembly(), 100.0
    assert assembly.add(Piece(b"one ")) is None
    now += pause
    assert assembly.add(Piece(b"two", last=True)) == Piece(payload, last=True)


@given(
    st.binary(max_size=300), st.sampled_from([b"\r", b"\n", b"\r\n", b"\x03", b"aab"]), st.data()
)
def test_a_stream_is_cut_at_terminators_however_it_arrives(
    stream: bytes, terminator: bytes, data: st.DataObject
) -> None:
    framer, pieces, rest = LineFramer(terminator), [], stream + terminator
    while rest:
        length = data.draw(st.integers(1, len(rest)))
        pieces += framer.feed(rest[:length])
        rest = rest[length:]
    whole, payload = [], b""
    for piece in pieces:
        payload += piece.data
        if piece.last:
            whole.append(payload)
            payload = b""
    assert payload == b""
    assert whole == (stream + terminator).split(terminator)[:-1]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("serial:/dev/ttyACM0", SerialWire("/dev/ttyACM0", 9600, b"\n")),
        ("hid-pos:1EAB:0c10", HidPosWire(Identity(0x1EAB, 0x0C10))),
        ("hid-pos:1eab:0c10:A:1?", HidPosWire(Identity(0x1EAB, 0x0C10, "A:1?"))),
        ("hid-pos:/dev/hidraw3", HidPosWire(Path("/dev/hidraw3"))),
        ("wedge:1eab:0c10", WedgeWire(Identity(0x1EAB, 0x0C10), b"\n")),
        ("wedge:/dev/input/by-id/x", WedgeWire(Path("/dev/input/by-id/x"), b"\n")),
    ],
)
def test_an_address_names_a_wire(address: str, expected: object) -> None:
    assert wire(address, baud=9600, terminator=b"\n") == expected


@pytest.mark.parametrize(
    "address",
    ["/dev/ttyACM0", "serial:ttyACM0", "hid-pos:", "hid-pos:1eab", "wedge:1:2", "usb:1:2"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"expected serial:|is not vvvv:pppp"):
        wire(address)


def test_a_kiosk_without_a_reader_says_so() -> None:
    async def main() -> list[str]:
        reader, codes = AbsentCodeReader(), []
        for use in (reader.check, reader.read):
            with pytest.raises(DeviceError) as caught:
                await use()
            codes.append(caught.value.code)
        await reader.close()
        return [*codes, reader.status().health]

    assert asyncio.run(main()) == [Fault.READER_ABSENT, Fault.READER_ABSENT, Health.ABSENT]
