"""A small card of files (ISO/IEC 7816-4): SELECT, READ BINARY, GET RESPONSE, and an echo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from drivers.apdu import Command, parsed

OK = b"\x90\x00"
_WRONG_LENGTH = b"\x67\x00"
_NOT_FOUND = b"\x6a\x82"
_NOT_SUPPORTED = b"\x6d\x00"


class Card(Protocol):
    def reset(self) -> None:
        """Power was cut or given."""
        ...

    def answer(self, apdu: bytes) -> bytes:
        """Data and status word."""
        ...


class FileCard:
    """``files`` by identifier. READ BINARY serves short answers and the rest by GET RESPONSE.

    ``INS F0`` echoes the data field, also of a chain, and ``INS F2`` gives 200 bytes to those who
    ask for exactly 200 (6CC8 tells the others): what a reader must cope with, on demand.
    """

    def __init__(self, files: Mapping[int, bytes]) -> None:
        self._files = dict(files)
        self.reset()

    def reset(self) -> None:
        self._selected = b""
        self._rest = b""
        self._chain = b""

    def answer(self, apdu: bytes) -> bytes:
        try:
            command = parsed(apdu)
        except ValueError:
            return _WRONG_LENGTH
        if command.header[0] & 0x10:
            self._chain += command.data
            return OK
        data, self._chain = self._chain + command.data, b""
        return self._execute(Command(command.header, data, command.expected))

    def _execute(self, command: Command) -> bytes:
        instruction = command.header[1]
        if instruction == 0xA4:
            return self._select(int.from_bytes(command.data, "big"))
        if instruction == 0xB0:
            offset = int.from_bytes(command.header[2:], "big")
            return self._give(self._selected[offset:], command)
        if instruction == 0xC0:
            return self._give(self._rest, command)
        if instruction == 0xF0:
            return self._give(command.data, command)
        if instruction == 0xF2:
            return bytes(200) + OK if command.expected == 200 else b"\x6c\xc8"
        return _NOT_SUPPORTED

    def _select(self, identifier: int) -> bytes:
        if identifier not in self._files:
            return _NOT_FOUND
        self._selected = self._files[identifier]
        return OK

    def _give(self, data: bytes, command: Command) -> bytes:
        size = command.expected if command.extended else 256
        part, self._rest = data[:size], data[size:]
        left = min(len(self._rest), 255)
        return part + (bytes([0x61, left]) if left else OK)
