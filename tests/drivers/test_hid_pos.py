"""HID-POS: the fields of a report are where its descriptor says, and nothing hostile does harm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.code_reader import Format, WiredCodeReader
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.hid_descriptors import (
    APPLICATION,
    BUFFERED,
    COLLECTION,
    CONSTANT,
    COUNT,
    DATA,
    DESKTOP,
    END,
    INPUT,
    KEYBOARD,
    PAGE,
    POS,
    REPORT_ID,
    SIZE,
    USAGE,
    items,
    pos_descriptor,
    pos_reports,
)  # fmt: skip
from drivers.hid_nodes import Identity
from drivers.hid_pos import HidPosWire
from drivers.hid_report import HidError, Layout, layout
from drivers.reader_pieces import Piece
from tests.drivers.nodes import PRODUCT, VENDOR, Machine, Pipe

CARD = "012345678901|123456789|Nguyễn Thị Bịa|01021990|Nữ|Thôn Đông, Xã Yên Hòa|05062021"
Story = Callable[[WiredCodeReader, Pipe], Awaitable[Any]]


def head(page: int = POS) -> bytes:
    return items((PAGE, page), (USAGE, 2), (COLLECTION, APPLICATION), (PAGE, POS), (SIZE, 8))


def test_a_report_as_a_datasheet_prints_it() -> None:
    """The example of the manual of Access-IS LSR118, appendix B: 56 bytes, then 4."""
    found = layout(pos_descriptor())
    text = b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  ".ljust(56)
    first = b"\x02\x38]Q0" + text + b"s\x00\x01"
    second = b"\x02\x04]Q0" + b"abcd".ljust(56, b"\0") + b"s\x00\x00"
    assert (len(first), found.report_bytes, found.largest) == (64, 64, 64)
    assert found.read(first) == Piece(text, last=False, aim="]Q0")
    assert found.read(second) == Piece(b"abcd", last=True, aim="]Q0")


def test_without_a_count_the_padding_is_taken_off() -> None:
    """The order of the tables' own fields, one report, no id, no count, no continuation."""
    found = layout(
        head()
        + items((COUNT, 20), (USAGE, 0xFE), (INPUT, BUFFERED))
        + items((COUNT, 3), (USAGE, 0xFB), (USAGE, 0xFC), (USAGE, 0xFD), (INPUT, DATA))
        + END
    )
    report = b"MA 42".ljust(20, b"\0") + b"]d2"
    assert found == Layout(0, 23, 23, found.data, None, found.aim, None)
    assert found.read(report) == Piece(b"MA 42", last=True, aim="]d2")


def test_a_makers_own_page_with_the_same_fields_is_not_the_scanner() -> None:
    with pytest.raises(HidError):
        layout(pos_descriptor(page=0xFF8C))
    with pytest.raises(HidError):
        layout(KEYBOARD)
    both = layout(KEYBOARD + pos_descriptor(report_id=2) + pos_descriptor(page=0xFF8C, report_id=9))
    assert both.report_id == 2


def test_usages_with_their_page_in_them() -> None:
    full = items((COUNT, 4), (USAGE, POS << 16 | 0xFE), (INPUT, DATA))
    assert layout(head() + items((PAGE, DESKTOP)) + full + END).data.count == 4


@pytest.mark.parametrize(
    ("report", "piece"),
    [
        (b"", Piece(garbled="half a report")),
        (pos_reports(b"x")[0][:40], Piece(garbled="half a report")),
        (b"\x05" + bytes(63), None),
        (b"\x02\x39" + bytes(62), Piece(garbled="a report that says it holds more than it can")),
        (b"\x02\x00" + bytes(62), Piece(b"", last=True)),
        (b"\x02\x01abcx" + bytes(58), Piece(b"x", last=True)),
    ],
)
def test_reports_that_are_not_as_they_should_be(report: bytes, piece: Piece | None) -> None:
    found = layout(pos_descriptor())
    assert (found.read(report) if report else found.read(b"\x02")) == piece


@given(st.binary(max_size=4096 * 3), st.integers(1, 255))
def test_any_payload_in_reports_of_any_size_is_read(payload: bytes, room: int) -> None:
    found = layout(pos_descriptor(room))
    pieces = [found.read(report) for report in pos_reports(payload, data_bytes=room)]
    assert b"".join(piece.data for piece in pieces if piece) == payload
    assert [piece.last for piece in pieces if piece] == [False] * (len(pieces) - 1) + [True]


@given(st.permutations(range(4)), st.booleans(), st.integers(1, 60), st.binary(max_size=60))
def test_the_fields_are_found_in_any_order(
    order: list[int], numbered: bool, room: int, data: bytes
) -> None:
    data = data[:room]
    bytewise = ((PAGE, POS), (SIZE, 8))
    aims = ((USAGE, 0xFB), (USAGE, 0xFC), (USAGE, 0xFD))
    flag = ((SIZE, 1), (COUNT, 1), (USAGE, 0xFF), (INPUT, DATA), (COUNT, 7), (INPUT, CONSTANT))
    fields = [
        (
            ((PAGE, DESKTOP), (SIZE, 8), (COUNT, 1), (USAGE, 0x3B), (INPUT, DATA)),
            bytes([len(data)]),
        ),
        ((*bytewise, (COUNT, 3), *aims, (INPUT, DATA)), b"]Q3"),
        ((*bytewise, (COUNT, room), (USAGE, 0xFE), (INPUT, DATA)), data.ljust(room, b"\0")),
        (((PAGE, POS), *flag), b"\1"),
    ]
    number = items((REPORT_ID, 7)) if numbered else b""
    descriptor = head() + number + b"".join(items(*fields[n][0]) for n in order) + END
    report = (b"\7" if numbered else b"") + b"".join(fields[n][1] for n in order)
    assert layout(descriptor).read(report) == Piece(data, last=False, aim="]Q3")


ITEM = st.builds(
    lambda tag, value: bytes([tag << 2 | 1, value]), st.integers(0, 0x3E), st.integers(0, 255)
)


@given(st.one_of(st.binary(max_size=600), st.lists(ITEM, max_size=200).map(b"".join)))
def test_any_bytes_are_a_descriptor_or_refused(descriptor: bytes) -> None:
    try:
        found = layout(head() + descriptor)
    except HidError:
        return
    assert found.read(bytes([found.report_id]) * found.report_bytes) is not None


def test_descriptors_that_would_be_dear_are_refused() -> None:
    for hostile in (
        b"\0" * 4097,
        head() + items((SIZE, 2**31), (COUNT, 2**31), (USAGE, 0xFE), (INPUT, DATA)),
        items((0x18, 0), (0x28, 2**32 - 1), (INPUT, DATA)),
        b"\xb4",
        b"\x06\x8c",
    ):
        with pytest.raises(HidError):
            layout(hostile)


@given(st.binary(max_size=64))
def test_any_report_is_a_piece_or_none(report: bytes) -> None:
    piece = layout(pos_descriptor()).read(report)
    assert piece is None or piece.garbled or len(piece.data) <= 56


@pytest.mark.parametrize(
    ("data", "fallback", "text"),
    [
        (CARD.encode(), "", CARD),
        (CARD.encode(), "cp1258", CARD),
        ("Nguyê".encode("cp1258") + b"\xde" + b"n", "cp1258", "Nguyễn"),
        (b"caf\xe9", "cp1252", "café"),
    ],
)
def test_utf8_comes_first_and_a_code_page_only_where_the_profile_says(
    data: bytes, fallback: str, text: str
) -> None:
    assert Format(fallback=fallback).text(data) == text


@pytest.mark.parametrize(("data", "fallback"), [(b"caf\xe9", ""), (b"caf\x81\xe9", "cp1252")])
def test_what_is_in_no_known_encoding_is_garbled(data: bytes, fallback: str) -> None:
    with pytest.raises(DeviceError) as caught:
        Format(fallback=fallback).text(data)
    assert caught.value.code == Fault.READER_GARBLED


@given(st.binary(max_size=5000), st.text(max_size=5), st.booleans())
def test_any_payload_is_text_or_garbled(data: bytes, aim: str, inside: bool) -> None:
    form = Format(b"\x02", b"\x03", ("Q",), inside, "cp1258")
    try:
        text = form.text(data, aim)
    except DeviceError:
        return
    assert len(text) <= 4096
    assert not aim or inside or aim[1:2] in ("", "Q")


def run(story: Story, machine: Machine, where: Identity | Path, pipe: Pipe) -> Any:
    async def main() -> Any:
        reader = WiredCodeReader(
            HidPosWire(where, None, machine.dev, machine.sys), reopen_seconds=0
        )
        try:
            await reader.check()
            return await asyncio.wait_for(story(reader, pipe), 10)
        finally:
            await reader.close()
            with suppress(FileNotFoundError):
                pipe.pull()

    return asyncio.run(main())


async def shown(reader: WiredCodeReader, pipe: Pipe, text: str) -> str:
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    for report in pos_reports(text.encode()):
        await asyncio.to_thread(pipe.write, report)
    return await task


@pytest.mark.parametrize("text", [CARD, "x", "đ" * 4096])
def test_a_payload_by_hidraw_arrives_whole(text: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.hidraw("hidraw0", KEYBOARD).pull()
    pipe = machine.hidraw("hidraw1", pos_descriptor())
    where = Identity(VENDOR, PRODUCT, "CR-0001")
    assert run(lambda reader, node: shown(reader, node, text), machine, where, pipe) == text


def test_by_a_link_that_udev_made(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pipe = machine.hidraw("hidraw4", pos_descriptor())
    link = machine.dev / "code-reader"
    link.symlink_to("hidraw4")
    assert run(lambda reader, node: shown(reader, node, CARD), machine, link, pipe) == CARD


def test_pulled_out_and_used_again_under_another_number(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        pipe.write(pos_reports(b"x" * 100)[0])
        pipe.pull()
        with pytest.raises(DeviceError) as caught:
            await task
        assert caught.value.code == Fault.READER_ABSENT
        assert reader.status().health is Health.ABSENT
        (machine.sys / "hidraw" / "hidraw0").rename(machine.sys / "gone")
        again = machine.hidraw("hidraw7", pos_descriptor())
        await reader.check()
        try:
            return await shown(reader, again, "back")
        finally:
            again.pull()

    pipe = machine.hidraw("hidraw0", pos_descriptor())
    assert run(story, machine, Identity(VENDOR, PRODUCT), pipe) == "back"


def test_what_was_shown_before_anyone_asked_is_thrown_away(tmp_path: Path) -> None:
    async def story(reader: WiredCodeReader, pipe: Pipe) -> str:
        begun, rest = pos_reports(b"x" * 100)
        pipe.write(pos_reports(b"before")[0] + begun)
        task = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        pipe.write(rest + pos_reports(b"now")[0])
        return await task

    machine = Machine(tmp_path)
    pipe = machine.hidraw("hidraw0", pos_descriptor())
    assert run(story, machine, Identity(VENDOR, PRODUCT), pipe) == "now"


def test_a_reader_in_its_keyboard_mode_is_told_so(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pipe = machine.hidraw("hidraw0", KEYBOARD)
    for where in (Identity(VENDOR, PRODUCT), pipe.path):
        with pytest.raises(OSError, match="not in HID-POS mode"):
            HidPosWire(where, None, machine.dev, machine.sys).open()
    with pytest.raises(OSError, match="no HID device at"):
        HidPosWire(machine.dev / "hidraw9", None, machine.dev, machine.sys).open()
    pipe.pull()
