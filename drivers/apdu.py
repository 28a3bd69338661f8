"""Command and answer units of smart cards (ISO/IEC 7816-4): lengths, chaining, GET RESPONSE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_CHAINED = 0x10  # class bit: more of this command follows
_GET_RESPONSE = 0xC0
_MAX_ANSWER = 65_536 + 2
_MAX_ROUNDS = 300  # 65,536 bytes in short answers are 256 rounds

Exchange = Callable[[bytes], bytes]


class AnswerError(ValueError):
    """The card's answer is none: too short, too long, or never complete."""


@dataclass(frozen=True, slots=True)
class Command:
    """``header``: CLA INS P1 P2. ``expected``: bytes wanted, 0 none, at most 65,536."""

    header: bytes
    data: bytes = b""
    expected: int = 0

    @property
    def extended(self) -> bool:
        return len(self.data) > 255 or self.expected > 256

    def encoded(self) -> bytes:
        return self.header + (self._long() if self.extended else self._short())

    def _short(self) -> bytes:
        length = bytes([len(self.data)]) if self.data else b""
        return length + self.data + (bytes([self.expected % 256]) if self.expected else b"")

    def _long(self) -> bytes:
        length = len(self.data).to_bytes(2, "big") if self.data else b""
        expected = (self.expected % 65_536).to_bytes(2, "big") if self.expected else b""
        return b"\0" + length + self.data + expected


def parsed(apdu: bytes) -> Command:
    """Raises ValueError for what is not one whole command of any of the seven cases."""
    header, body = apdu[:4], apdu[4:]
    if len(header) < 4:
        raise ValueError("shorter than a header")
    if len(body) <= 1:
        return Command(header, b"", (body[0] or 256) if body else 0)
    if body[0] == 0 and len(body) >= 3:
        return _parsed_long(header, body[1:])
    data, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
    if len(data) != body[0] or not data or len(rest) > 1:
        raise ValueError("lengths do not fit")
    return Command(header, data, (rest[0] or 256) if rest else 0)


def _parsed_long(header: bytes, body: bytes) -> Command:
    length, rest = int.from_bytes(body[:2], "big"), body[2:]
    if not rest:
        return Command(header, b"", length or 65_536)
    data, expected = rest[:length], rest[length:]
    if len(data) != length or not data or len(expected) not in (0, 2):
        raise ValueError("lengths do not fit")
    return Command(header, data, (int.from_bytes(expected, "big") or 65_536) if expected else 0)


def short_commands(command: Command) -> list[Command]:
    """The same command for a wire without extended lengths (T=0): a chain of short ones."""
    parts = [command.data[at : at + 255] for at in range(0, len(command.data), 255)] or [b""]
    chained = bytes([command.header[0] | _CHAINED]) + command.header[1:]
    last = Command(command.header, parts[-1], min(command.expected, 256))
    return [Command(chained, part) for part in parts[:-1]] + [last]


def exchange(send: Exchange, apdu: bytes, *, extended: bool = True) -> bytes:
    """Send one command and fetch its whole answer: data and status word.

    61xx fetches the rest, 6Cxx asks again with the length that the card names (ISO/IEC 7816-4,
    5.3.4). Raises ValueError for what is no command, AnswerError for what is no answer.
    """
    command = parsed(apdu)
    commands = short_commands(command) if command.extended and not extended else [command]
    for part in commands[:-1]:
        answer = _checked(send(part.encoded()))
        if answer[-2:] != b"\x90\x00":
            return answer
    return _whole(send, commands[-1])


def _whole(send: Exchange, command: Command) -> bytes:
    collected = b""
    for _ in range(_MAX_ROUNDS):
        answer = _checked(send(command.encoded()))
        data, first, second = answer[:-2], answer[-2], answer[-1]
        if first == 0x6C and not data and command.expected != (second or 256):
            command = Command(command.header, command.data, second or 256)
            continue
        collected += data
        if len(collected) > _MAX_ANSWER:
            raise AnswerError("longer than any answer")
        if first != 0x61:
            return collected + answer[-2:]
        again = bytes([command.header[0] & ~_CHAINED, _GET_RESPONSE, 0, 0])
        command = Command(again, b"", second or 256)
    raise AnswerError("never complete")


def _checked(answer: bytes) -> bytes:
    if not 2 <= len(answer) <= _MAX_ANSWER or answer[-2] >> 4 not in (6, 9):
        raise AnswerError("no status word")
    return answer
