"""Where one ESC/POS command ends and the next begins. Source: Epson's ESC/POS reference."""

from __future__ import annotations

from collections.abc import Callable

_PREFIXES = b"\x10\x1b\x1c\x1d"  # DLE ESC FS GS
_ONE_ARGUMENT = {
    *(b"\x1b" + bytes([letter]) for letter in b" !%-23=?EGJKMRTVad{rt"),
    *(b"\x1d" + bytes([letter]) for letter in b"!BHIabfhrw"),
    *(b"\x1c" + bytes([letter]) for letter in b"!-W"),
    b"\x10\x05",
}
_TWO_ARGUMENTS = {b"\x1b$", b"\x1b\\", b"\x1bc", b"\x1dL", b"\x1dW", b"\x1dP", b"\x1d$", b"\x1cp"}


def command_length(data: bytes | bytearray) -> int | None:
    """Length of the first command in ``data``, bytes; None while it is not all there.

    Anything that is not a prefix is a command of one byte (a character); an unlisted command is
    taken to have no arguments.
    """
    try:
        length = 1 if data[0] not in _PREFIXES else _length(bytes(data[:2]), data)
    except (IndexError, ValueError):
        return None
    return length if length <= len(data) else None


def _length(name: bytes, data: bytes | bytearray) -> int:
    if rule := _RULES.get(name):
        return rule(data)
    if name in _TWO_ARGUMENTS:
        return 4
    return 3 if name in _ONE_ARGUMENT else 2


def _word(data: bytes | bytearray, at: int) -> int:
    return data[at] | data[at + 1] << 8


def _real_time_request(data: bytes | bytearray) -> int:
    """DLE DC4: pulse, power-off, buzzer or clearing the buffers."""
    return {1: 5, 2: 5, 8: 10}.get(data[2], 3)


def _barcode(data: bytes | bytearray) -> int:
    """GS k: ended by NUL (systems 0 to 6) or with a count."""
    return 4 + data[3] if data[2] >= 65 else data.index(0, 3) + 1


_RULES: dict[bytes, Callable[[bytes | bytearray], int]] = {
    b"\x10\x04": lambda data: 4 if data[2] in (7, 8, 18) else 3,
    b"\x10\x14": _real_time_request,
    b"\x1b*": lambda data: 5 + _word(data, 3) * (3 if data[2] in (32, 33) else 1),
    b"\x1bD": lambda data: data.index(0, 2) + 1,
    b"\x1bp": lambda _: 5,
    b"\x1c(": lambda data: 5 + _word(data, 3),
    b"\x1d(": lambda data: 5 + _word(data, 3),
    b"\x1d*": lambda data: 4 + data[2] * data[3] * 8,
    b"\x1d8": lambda data: 7 + (_word(data, 3) | _word(data, 5) << 16),
    b"\x1dV": lambda data: 4 if data[2] in (65, 66, 97, 98, 103, 104) else 3,
    b"\x1de": lambda data: {3: 4, 32: 5}.get(data[2], 3),
    b"\x1dg": lambda data: 6 if data[2] in b"02" else 3,
    b"\x1dk": _barcode,
    b"\x1dv": lambda data: 8 + _word(data, 4) * _word(data, 6),
}
