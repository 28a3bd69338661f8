"""What every wire to a code reader gives: pieces of payloads, whatever carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one payload. ``last``: it ends here. ``aim``: its AIM symbology identifier
    (ISO/IEC 15424), as ``]Q1``, when the reader says one beside the data. ``garbled``: why this
    payload cannot be whole any more."""

    data: bytes = b""
    last: bool = False
    aim: str = ""
    garbled: str = ""


class Line(Protocol):
    """An open reader."""

    def fileno(self) -> int:
        """Readable when something has come, or when the reader is gone."""
        ...

    def take(self) -> list[Piece]:
        """What has come, without waiting. Raises OSError when the reader is gone."""
        ...

    def close(self) -> None: ...


class Wire(Protocol):
    """Where a reader is, and how it is opened."""

    def open(self) -> Line:
        """May take a few seconds. Raises OSError or ValueError when there is none to be had."""
        ...


class LineFramer:
    """Cuts a stream of bytes into payloads at a terminator."""

    def __init__(self, terminator: bytes) -> None:
        self._terminator = terminator
        self._held = b""  # what may be the beginning of a terminator

    def feed(self, chunk: bytes) -> list[Piece]:
        *whole, rest = (self._held + chunk).split(self._terminator)
        kept = self._begun(rest)
        self._held = rest[len(rest) - kept :]
        pieces = [Piece(data, last=True) for data in whole]
        begun = rest[: len(rest) - kept]
        return [*pieces, Piece(begun)] if begun else pieces

    def _begun(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` could begin a terminator."""
        longest = min(len(self._terminator) - 1, len(data))
        return next((n for n in range(longest, 0, -1) if self._terminator.startswith(data[-n:])), 0)
