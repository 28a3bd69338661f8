"""A code reader that types as a keyboard does (a wedge), by its evdev node.

The node is grabbed, so that what is shown to the reader never gets to the screen as typing.
Source: linux/input.h of the kernel.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.hid_nodes import DEV, SYS, Identity, keyboards
from drivers.reader_pieces import LineFramer, Piece
from drivers.wedge_keys import GarbledKeysError, KeyDecoder

EVENT = struct.Struct("llHHi")  # seconds, microseconds, type, code, value; of this machine
_EVIOCGRAB = 0x4004_4590  # _IOW('E', 0x90, int)
_SYNCHRONISE, _KEY = 0, 1
_DROPPED = 3
_UP, _DOWN = 0, 1
_MOST_EVENTS = 256
_PAUSE = 0.5  # seconds after which no key of the last payload is held any more


def grab(handle: int) -> None:
    """Raises OSError when another program has grabbed it."""
    fcntl.ioctl(handle, _EVIOCGRAB, 1)


@dataclass(frozen=True, slots=True)
class WedgeWire:
    """``where``: who the reader is, or its evdev node by a name that lasts
    (``/dev/input/by-id/...-event-kbd``). ``terminator`` ends each payload: CR and LF are both the
    Enter key."""

    where: Identity | Path
    terminator: bytes = b"\r"
    dev: Path = DEV
    sys: Path = SYS
    grab: Callable[[int], None] = grab

    def open(self) -> WedgeLine:
        """Raises OSError: not there, not ours to open, or grabbed by another program."""
        handle = os.open(self._node(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self.grab(handle)
        except OSError:
            os.close(handle)
            raise
        enter = not self.terminator.strip(b"\r\n")
        return WedgeLine(handle, LineFramer(b"\r" if enter else self.terminator))

    def _node(self) -> Path:
        if isinstance(self.where, Path):
            return self.where
        for node in keyboards(self.dev, self.sys):
            if self.where.fits(node.identity):
                return node.path
        raise OSError(f"no keyboard {self.where}")


class WedgeLine:
    """``handle`` gives whole events."""

    def __init__(self, handle: int, framer: LineFramer) -> None:
        self._handle, self._framer = handle, framer
        self._decoder = KeyDecoder()
        self._last = 0.0

    def fileno(self) -> int:
        return self._handle

    def take(self) -> list[Piece]:
        pieces: list[Piece] = []
        while True:
            try:
                data = os.read(self._handle, EVENT.size * _MOST_EVENTS)
            except BlockingIOError:
                return pieces
            if not data or len(data) % EVENT.size:
                raise OSError("the reader was pulled out")
            for event in EVENT.iter_unpack(data):
                pieces += self._event(*event)

    def _event(self, seconds: int, micro: int, kind: int, code: int, value: int) -> list[Piece]:
        now = seconds + micro / 1e6
        if abs(now - self._last) > _PAUSE:
            self._decoder.release_all()
        self._last = now
        if (kind, code) == (_SYNCHRONISE, _DROPPED):
            self._decoder = KeyDecoder()
            return [Piece(garbled="keys were lost")]
        if kind != _KEY or value not in (_UP, _DOWN):
            return []
        try:
            text = self._decoder.down(code) if value == _DOWN else self._decoder.up(code)
        except GarbledKeysError as error:
            return [Piece(garbled=str(error))]
        return self._framer.feed(text.encode()) if text else []

    def close(self) -> None:
        os.close(self._handle)  # which ends the grab
