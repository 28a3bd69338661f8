"""Keyboard wedges: what is typed becomes text, nobody else sees it, and a lost key is no guess."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import wedge
from drivers.code_reader import Format, WiredCodeReader
from drivers.contract import MAX_PAYLOAD, DeviceError, Fault, Health
from drivers.hid_nodes import Identity
from drivers.reader_pieces import LineFramer, Piece
from drivers.wedge import EVENT, WedgeLine, WedgeWire
from drivers.wedge_keys import GarbledKeysError, KeyDecoder
from tests.drivers import typist
from tests.drivers.nodes import PRODUCT, VENDOR, Machine, Pipe, events
from tests.drivers.typist import ALT, CAPS, CTRL, SHIFT, held, keys, tap

CARD = "012345678901|123456789|Nguyễn Thị Bịa|01021990|Nữ|Thôn Đông, Xã Yên Hòa|05062021"
Story = Callable[[WiredCodeReader, Pipe], Awaitable[Any]]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)))  # Enter is one of those


def wire(machine: Machine, **options: Any) -> WedgeWire:
    options.setdefault("grab", lambda handle: None)
    return WedgeWire(Identity(VENDOR, PRODUCT), dev=machine.dev, sys=machine.sys, **options)


def run(story: Story, folder: Path, form: Format | None = None, **options: Any) -> Any:
    async def main() -> Any:
        machine = Machine(folder)
        pipe = machine.keyboard("event3")
        reader = WiredCodeReader(wire(machine, **options), form, reopen_seconds=0)
        await reader.check()
        try:
            return await asyncio.wait_for(story(reader, pipe), 10)
        finally:
            await reader.close()
            with suppress(FileNotFoundError):
                pipe.pull()

    return asyncio.run(main())


async def typed(reader: WiredCodeReader, pipe: Pipe, *pressed: typist.Key) -> str:
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    for key in pressed:
        await asyncio.to_thread(pipe.write, events(key))
    return await task


async def failure(task: Awaitable[object]) -> str:
    with pytest.raises(DeviceError) as caught:
        await task
    return caught.value.code


@pytest.mark.parametrize("way", typist.WAYS)
def test_a_card_typed_in_any_way_is_the_card(way: typist.Beyond, tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        return await typed(reader, pipe, *keys(CARD + "\r", way))

    assert run(story, tmp_path) == CARD


@pytest.mark.parametrize(
    ("form", "terminator", "text"),
    [
        (Format(), b"\r", "x\r"),
        (Format(), b"\n", "x\r"),
        (Format(), b"\r\n", "x\r"),
        (Format(), b"\t", "x\t"),
        (Format(prefix=b"*"), b"\r", "*x\r"),
        (Format(aim=True, symbologies=("Q",)), b"\r", "]Q1x\r"),
        (Format(prefix=b"*", aim=True), b"\r", "*]Q1x\r"),
    ],
)
def test_what_frames_a_payload_is_taken_off(
    form: Format, terminator: bytes, text: str, tmp_path: Path
) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        return await typed(reader, pipe, *keys(text))

    assert run(story, tmp_path, form, terminator=terminator) == "x"


def test_a_payload_in_control_characters_is_framed_too(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        return await typed(reader, pipe, *held(CTRL, 48), *keys("MA 42"), *held(CTRL, 46))

    assert run(story, tmp_path, Format(prefix=b"\x02"), terminator=b"\x03") == "MA 42"


def test_the_node_is_grabbed_when_it_is_opened(tmp_path: Path) -> None:
    grabbed: list[int] = []

    async def story(reader: WiredCodeReader, pipe: Pipe) -> bool:
        (handle,) = grabbed
        return os.path.samestat(os.fstat(handle), os.stat(pipe.path))

    assert run(story, tmp_path, grab=grabbed.append)


def test_grabbing_is_the_ioctl_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(fcntl, "ioctl", lambda *call: asked.append(call))
    wedge.grab(7)
    # linux/input.h: _IOW('E', 0x90, int), by asm-generic/ioctl.h.
    assert asked == [(7, 1 << 30 | 4 << 16 | ord("E") << 8 | 0x90, 1)]


def test_what_another_program_holds_is_not_opened_and_not_leaked(tmp_path: Path) -> None:
    def busy(handle: int) -> None:
        handles.append(handle)
        raise OSError(errno.EBUSY, "Device or resource busy")

    handles: list[int] = []
    machine = Machine(tmp_path)
    pipe = machine.keyboard("event3")
    reader = WiredCodeReader(wire(machine, grab=busy), reopen_seconds=0)
    assert asyncio.run(failure(reader.check())) == Fault.READER_ABSENT
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handles[0])
    pipe.pull()


def test_the_keyboard_of_a_reader_is_found_and_its_other_nodes_are_not(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pipes = [
        machine.keyboard("event1", keys="30000 0 0 0"),  # volume keys
        machine.keyboard("event2", serial="CR-0002"),
        machine.keyboard("event3"),
    ]
    first = WedgeWire(Identity(VENDOR, PRODUCT, "CR-0001"), dev=machine.dev, sys=machine.sys)
    other = WedgeWire(Identity(VENDOR, 2), dev=machine.dev, sys=machine.sys)
    assert first._node() == machine.dev / "input" / "event3"
    with pytest.raises(OSError, match="no keyboard 1209:0002"):
        other._node()
    for pipe in pipes:
        pipe.pull()


def test_pulled_out_and_used_again_under_another_number(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        pipe.write(events(*keys("half a co")))
        pipe.pull()
        assert await failure(task) == Fault.READER_ABSENT
        assert reader.status().health is Health.ABSENT
        again = Machine(tmp_path).keyboard("event4")
        (tmp_path / "sys" / "input" / "event3" / "device" / "uniq").unlink()
        (tmp_path / "sys" / "input" / "event3" / "device" / "id" / "vendor").unlink()
        await reader.check()
        try:
            return await typed(reader, again, *keys("back\r"))
        finally:
            again.pull()

    assert run(story, tmp_path) == "back"


def test_typed_before_anybody_asked_does_not_count(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        pipe.write(events(*keys("too early\rand the half of ano")))
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        pipe.write(events(*keys("ther\rnow\r")))
        return await task

    assert run(story, tmp_path) == "now"


def test_a_key_nobody_knows_garbles_the_payload_and_not_the_next(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> list[str]:
        spoiled = typed(reader, pipe, *keys("ab"), *tap(63), *keys("c\r"))
        return [await failure(spoiled), await typed(reader, pipe, *keys("next\r"))]

    assert run(story, tmp_path) == [Fault.READER_GARBLED, "next"]


def test_keys_that_the_kernel_dropped_garble_the_payload(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        pipe.write(events(*keys("ab")) + EVENT.pack(1000, 0, 0, 3, 0) + events(*keys("c\r")))
        return await failure(task)

    assert run(story, tmp_path) == Fault.READER_GARBLED


def test_a_payload_too_long_is_garbled(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        sent = events(*keys("a" * (MAX_PAYLOAD + 1) + "\r"))
        await asyncio.to_thread(pipe.write, sent)
        return await failure(task)

    assert run(story, tmp_path) == Fault.READER_GARBLED


def decoded(*pressed: typist.Key) -> str:
    decoder = KeyDecoder()
    return "".join(decoder.down(code) if value else decoder.up(code) for code, value in pressed)


@given(TEXTS, st.sampled_from(typist.WAYS))
def test_any_text_that_a_reader_types_is_read(text: str, way: typist.Beyond) -> None:
    assert decoded(*keys(text, way)) == text


@given(TEXTS)
def test_with_caps_lock_letters_change_their_case_and_nothing_else(text: str) -> None:
    plain = "".join(c for c in text if c in typist.PLAIN or c in typist.SHIFTED)
    assert decoded(*tap(CAPS), *keys(plain), *tap(CAPS)) == plain.swapcase()


@pytest.mark.parametrize(
    ("digits", "text"),
    [("0224", "à"), ("224", "α"), ("128", "Ç"), ("0128", "€"), ("7877", "ễ"), ("065", "A")],
)
def test_alt_with_digits_as_windows_has_it(digits: str, text: str) -> None:
    assert decoded(*held(ALT, *(typist.KEYPAD[digit] for digit in digits))) == text


@pytest.mark.parametrize("digits", ["0129", "55296", "1114112", "123456789"])
def test_digits_that_are_no_letter_are_no_guess(digits: str) -> None:
    with pytest.raises(GarbledKeysError):
        decoded(*held(ALT, *(typist.KEYPAD[digit] for digit in digits)))


@pytest.mark.parametrize("pressed", [held(100, 16), held(125, 16), held(CTRL, 3), held(ALT, 16)])
def test_keys_with_a_modifier_that_means_nothing_are_no_guess(pressed: list[typist.Key]) -> None:
    with pytest.raises(GarbledKeysError):
        decoded(*pressed)


def test_a_shift_whose_release_was_lost_does_not_hold_for_the_next_payload() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    line = WedgeLine(reading, LineFramer(b"\r"))
    os.write(writing, events((SHIFT, 1), *tap(30), at=1000.0) + events(*tap(30), at=1000.6))
    assert line.take() == [Piece(b"A"), Piece(b"a")]
    os.close(writing)
    with pytest.raises(OSError, match="pulled out"):
        line.take()
    line.close()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**40),
            st.integers(0, 2**40),
            st.integers(0, 0xFFFF),
            st.integers(0, 0x2FF),
            st.integers(-(2**31), 2**31 - 1),
        ),
        max_size=200,
    )
)
def test_no_event_does_harm(hostile: list[tuple[int, int, int, int, int]]) -> None:
    line = WedgeLine(-1, LineFramer(b"\r"))
    for event in hostile:
        for piece in line._event(*event):
            assert isinstance(piece, Piece)


@given(st.lists(st.tuples(st.integers(0, 130), st.integers(0, 1)), max_size=300))
def test_any_keys_are_text_or_garbled(pressed: list[typist.Key]) -> None:
    decoder = KeyDecoder()
    for code, value in pressed:
        try:
            text = decoder.down(code) if value else decoder.up(code)
        except GarbledKeysError:
            continue
        text.encode()
        assert len(text) <= 1
