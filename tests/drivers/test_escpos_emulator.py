"""The emulator takes commands apart by length and behaves as a real printer does."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.escpos_commands import command_length

CUT = b"\x1dV\x00"
ASK_IN_ORDER = b"\x1dr\x01"


@pytest.fixture
def emulator() -> Iterator[EscposEmulator]:
    emulator = EscposEmulator()
    yield emulator
    emulator.close()


@pytest.fixture
def wire(emulator: EscposEmulator) -> Iterator[socket.socket]:
    host, port = emulator.address.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        yield wire


def raster(data: bytes, row_bytes: int) -> bytes:
    rows = len(data) // row_bytes
    header = bytes([0, row_bytes & 255, row_bytes >> 8, rows & 255, rows >> 8])
    return b"\x1dv0" + header + data


def ask(wire: socket.socket, question: bytes) -> int:
    wire.sendall(question)
    return wire.recv(1)[0]


def printed(wire: socket.socket) -> None:
    """Wait until all that was sent is on paper."""
    assert ask(wire, ASK_IN_ORDER) & 0x90 == 0


def post(url: str, **body: Any) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        state: dict[str, Any] = json.load(answer)
        return state


def ink(picture: Image.Image) -> int:
    return picture.histogram()[0]


def test_dots_land_where_they_were_sent(emulator: EscposEmulator, wire: socket.socket) -> None:
    wire.sendall(b"\x1b@" + raster(b"\x80\x01", 2) + b"\x1ba\x02" + raster(b"\xff", 1) + CUT)
    printed(wire)
    (receipt,) = emulator.receipts
    black = [(x, y) for y in range(2) for x in range(640) if not receipt.getpixel((x, y))]
    assert receipt.size == (640, 2)
    assert black == [(32, 0), (47, 0), *((x, 1) for x in range(600, 608))]


def test_commands_inside_a_picture_are_dots(emulator: EscposEmulator, wire: socket.socket) -> None:
    sneaky = b"\x10\x04\x01" + CUT + b"\x1b@\n" + b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
    whole = raster(sneaky, len(sneaky))
    for byte in whole:  # one at a time: every split of the stream must do
        wire.sendall(bytes([byte]))
    wire.sendall(CUT)
    printed(wire)
    assert [receipt.height for receipt in emulator.receipts] == [1]
    assert ink(emulator.receipts[0]) == sum(byte.bit_count() for byte in sneaky)
    assert emulator.state.unknown == []


def test_status_is_answered_between_the_bytes_of_nothing_else(wire: socket.socket) -> None:
    half = raster(b"\xff" * 10, 1)
    wire.sendall(half[:12])
    wire.sendall(half[12:] + b"\x10\x04\x04")
    assert wire.recv(1) == b"\x12"


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({}, (0x12, 0x12, 0x12, 0x12)),
        ({"paper": "near-end"}, (0x12, 0x12, 0x12, 0x1E)),
        ({"paper": "out"}, (0x1A, 0x32, 0x12, 0x7E)),
        ({"cover_open": True}, (0x1A, 0x16, 0x12, 0x12)),
        ({"error": "cutter"}, (0x1A, 0x52, 0x1A, 0x12)),
        ({"error": "hot"}, (0x1A, 0x52, 0x52, 0x12)),
    ],
)
def test_status_bits(
    emulator: EscposEmulator,
    wire: socket.socket,
    changes: dict[str, Any],
    answers: tuple[int, ...],
) -> None:
    post(f"{emulator.control_url}/set", **changes)
    assert tuple(ask(wire, b"\x10\x04" + bytes([n])) for n in (1, 2, 3, 4)) == answers


def test_a_printer_without_paper_keeps_what_it_got(
    emulator: EscposEmulator, wire: socket.socket
) -> None:
    emulator.set(paper_after_lines=2)
    wire.sendall(raster(b"\xff" * 100, 1) + b"\x1bd\x01" + CUT)
    assert ask(wire, b"\x10\x04\x04") == 0x7E
    assert emulator.receipts == []
    state = post(f"{emulator.control_url}/refill")
    assert state["paper"] == "ok"
    assert [scrap.height for scrap in emulator.scraps] == [60]
    assert [receipt.height for receipt in emulator.receipts] == [30]


def test_buffered_data_can_be_dropped(emulator: EscposEmulator, wire: socket.socket) -> None:
    emulator.set(cover_open=True)
    wire.sendall(raster(b"\xff", 1) + CUT + b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08")
    assert wire.recv(3, socket.MSG_WAITALL) == b"\x37\x25\x00"
    assert ask(wire, b"\x10\x04\x01") == 0x1A
    emulator.set(cover_open=False)
    printed(wire)
    assert emulator.receipts == []


def test_saves_the_last_receipt(
    emulator: EscposEmulator, wire: socket.socket, tmp_path: Path
) -> None:
    wire.sendall(b"Hello\n" + CUT)
    printed(wire)
    post(f"{emulator.control_url}/save", path=str(tmp_path / "receipt.png"))
    with Image.open(tmp_path / "receipt.png") as saved:
        assert saved.size == (640, 30)
        assert ink(saved.convert("1")) > 50


def test_what_it_does_not_know_is_recorded(emulator: EscposEmulator, wire: socket.socket) -> None:
    wire.sendall(b"\x1bt\x1e" + b"\x1b*\x21\x01\x00abc" + b"\x1c." + CUT)
    printed(wire)
    assert emulator.state.unknown == ["1b741e", "1b2a210100616263", "1c2e"]
    assert emulator.receipts == []


@pytest.mark.parametrize(
    ("stream", "length"),
    [
        (b"\n", 1),
        (b"\x1b@", 2),
        (b"\x1bd\x05", 3),
        (b"\x1d(k\x03\x00\x31\x43\x06", 8),
        (b"\x1dVA\x10", 4),
        (b"\x1dV\x01", 3),
        (b"\x1dk\x04ABC\x00", 7),
        (b"\x1dk\x49\x02AB", 6),
        (b"\x1bD\x08\x10\x00", 5),
        (b"\x1d8L\x02\x00\x00\x00\x30\x32", 9),
        (b"\x10\x14\x01\x00\x02", 5),
        (b"\x10\x04\x07\x01", 4),
    ],
)
def test_command_lengths(stream: bytes, length: int) -> None:
    assert command_length(stream + b"rest") == length
    assert all(command_length(stream[:cut]) is None for cut in range(len(stream)))
