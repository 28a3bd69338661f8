"""IPP messages on the wire: RFC 8010 (encoding) and RFC 8011 (operations, states), IPP 2.0.

Strict: what is not well formed raises :class:`MalformedError` and never another exception.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class MalformedError(ValueError):
    """Bytes that are no IPP message."""


class Operation(IntEnum):
    PRINT_JOB = 0x0002
    VALIDATE_JOB = 0x0004
    CREATE_JOB = 0x0005
    SEND_DOCUMENT = 0x0006
    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B
    CUPS_GET_PRINTERS = 0x4002


class GroupTag(IntEnum):
    OPERATION = 0x01
    JOB = 0x02
    PRINTER = 0x04
    UNSUPPORTED = 0x05


class JobState(IntEnum):
    PENDING = 3
    PENDING_HELD = 4
    PROCESSING = 5
    STOPPED = 6
    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


PRINTER_STOPPED = 5

UNSUPPORTED, UNKNOWN, NO_VALUE = 0x10, 0x12, 0x13
INTEGER, BOOLEAN, ENUM = 0x21, 0x22, 0x23
OCTETS, DATE_TIME, RESOLUTION, RANGE, COLLECTION = 0x30, 0x31, 0x32, 0x33, 0x34
TEXT_WITH_LANGUAGE, NAME_WITH_LANGUAGE, END_COLLECTION = 0x35, 0x36, 0x37
TEXT, NAME, KEYWORD, URI, CHARSET, LANGUAGE, MIME_TYPE, MEMBER_NAME = (
    0x41,
    0x42,
    0x44,
    0x45,
    0x47,
    0x48,
    0x49,
    0x4A,
)
_END = 0x03
_OUT_OF_BAND = range(0x10, 0x20)
_STRINGS = range(0x40, 0x60)
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Resolution:
    """Dots; ``unit`` 3: per inch, 4: per centimetre."""

    x: int
    y: int
    unit: int = 3


@dataclass(frozen=True, slots=True)
class Range:
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """``tag``: the syntax of the first value. Values of out-of-band tags are None."""

    tag: int
    values: tuple[object, ...]


def attribute(tag: int, *values: object) -> Attribute:
    return Attribute(tag, values)


Attributes = Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class Message:
    """A request (``code``: operation) or answer (``code``: status); ``data``: what comes after."""

    code: int
    request_id: int
    groups: tuple[tuple[int, Attributes], ...] = ()
    data: bytes = field(default=b"", repr=False)
    version: tuple[int, int] = (2, 0)

    def group(self, tag: int) -> Attributes:
        """The first group of that tag, or an empty one."""
        return next((attributes for known, attributes in self.groups if known == tag), {})

    def all(self, tag: int) -> list[Attributes]:
        return [attributes for known, attributes in self.groups if known == tag]


def values(attributes: Attributes, name: str) -> tuple[object, ...]:
    found = attributes.get(name)
    return found.values if found else ()


def strings(attributes: Attributes, name: str) -> tuple[str, ...]:
    return tuple(value for value in values(attributes, name) if isinstance(value, str))


def integers(attributes: Attributes, name: str) -> tuple[int, ...]:
    return tuple(
        value
        for value in values(attributes, name)
        if isinstance(value, int) and not isinstance(value, bool)
    )


def integer(attributes: Attributes, name: str) -> int | None:
    return next(iter(integers(attributes, name)), None)


def encode(message: Message) -> bytes:
    """Raises ValueError for a value that its tag cannot carry."""
    parts = [struct.pack(">BBHI", *message.version, message.code, message.request_id)]
    for tag, attributes in message.groups:
        parts.append(bytes([tag]))
        parts += [_encode_attribute(name, item) for name, item in attributes.items()]
    return b"".join([*parts, bytes([_END]), message.data])


def _encode_attribute(name: str, item: Attribute) -> bytes:
    if not item.values:
        raise ValueError(f"{name}: an attribute has at least one value")
    names = [name, *[""] * (len(item.values) - 1)]
    return b"".join(
        _encode_value(item.tag, label, value)
        for label, value in zip(names, item.values, strict=True)
    )


def _encode_value(tag: int, name: str, value: object) -> bytes:
    if tag == COLLECTION:
        if not isinstance(value, Mapping):
            raise ValueError(f"{name}: a collection is a mapping")
        return _field(tag, name, b"") + _members(value) + _field(END_COLLECTION, "", b"")
    return _field(tag, name, _plain(tag, value))


def _members(collection: Attributes) -> bytes:
    parts = []
    for name, item in collection.items():
        parts.append(_field(MEMBER_NAME, "", name.encode()))
        parts += [_encode_value(item.tag, "", value) for value in item.values]
    return b"".join(parts)


def _field(tag: int, name: str, value: bytes) -> bytes:
    label = name.encode()
    if max(len(label), len(value)) > 0x7FFF:
        raise ValueError("an IPP field holds at most 32767 octets")
    return struct.pack(f">BH{len(label)}sH", tag, len(label), label, len(value)) + value


def _plain(tag: int, value: object) -> bytes:
    if tag in _OUT_OF_BAND and value is None:
        return b""
    if tag in (INTEGER, ENUM) and isinstance(value, int):
        return struct.pack(">i", value)
    if tag == BOOLEAN and isinstance(value, bool):
        return bytes([value])
    if tag == RESOLUTION and isinstance(value, Resolution):
        return struct.pack(">iib", value.x, value.y, value.unit)
    if tag == RANGE and isinstance(value, Range):
        return struct.pack(">ii", value.low, value.high)
    if tag in _STRINGS and isinstance(value, str):
        return value.encode()
    if tag in (OCTETS, DATE_TIME) and isinstance(value, bytes):
        return value
    raise ValueError(f"tag 0x{tag:02x} cannot carry {type(value).__name__}")


def decode(data: bytes) -> Message:
    """Raises MalformedError."""
    try:
        return _Reader(data).message()
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise MalformedError(type(error).__name__) from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def message(self) -> Message:
        major, minor, code, request_id = struct.unpack(">BBHI", self._take(8))
        if major not in (1, 2):
            raise MalformedError(f"version {major}.{minor}")
        groups = tuple(self._groups())
        return Message(code, request_id, groups, self._data[self._at :], (major, minor))

    def _groups(self) -> Iterator[tuple[int, Attributes]]:
        while (tag := self._take(1)[0]) != _END:
            if tag >= 0x10:
                raise MalformedError("a value outside every group")
            yield tag, self._attributes()

    def _attributes(self) -> Attributes:
        found: dict[str, Attribute] = {}
        name = ""
        while self._data[self._at] >= 0x10:
            tag, label, raw = self._field()
            value = self._value(tag, raw, 0)
            name = label or name
            if not name:
                raise MalformedError("a value without a name")
            if label in found:
                raise MalformedError(f"{label} twice")
            earlier = found[name] if not label else Attribute(tag, ())
            found[name] = Attribute(earlier.tag, (*earlier.values, value))
        return found

    def _field(self) -> tuple[int, str, bytes]:
        tag = self._take(1)[0]
        name = self._take(self._length()).decode()
        return tag, name, self._take(self._length())

    def _length(self) -> int:
        return int(struct.unpack(">H", self._take(2))[0])

    def _take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise MalformedError("cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def _value(self, tag: int, raw: bytes, depth: int) -> object:
        if tag == COLLECTION:
            return self._collection(depth + 1)
        return _parse(tag, raw)

    def _collection(self, depth: int) -> Attributes:
        if depth > _DEPTH:
            raise MalformedError("collections too deep")
        members: dict[str, Attribute] = {}
        name = ""
        while True:
            tag, _, raw = self._field()
            if tag == END_COLLECTION:
                return members
            if tag == MEMBER_NAME:
                name = raw.decode()
                continue
            if not name:
                raise MalformedError("a member without a name")
            value = self._value(tag, raw, depth)
            earlier = members.get(name, Attribute(tag, ()))
            members[name] = Attribute(earlier.tag, (*earlier.values, value))


def _parse(tag: int, raw: bytes) -> object:
    if tag in _OUT_OF_BAND:
        return None
    if tag in (INTEGER, ENUM):
        return struct.unpack(">i", raw)[0]
    if tag == BOOLEAN:
        return bool(struct.unpack(">B", raw)[0])
    if tag == RESOLUTION:
        return Resolution(*struct.unpack(">iib", raw))
    if tag == RANGE:
        return Range(*struct.unpack(">ii", raw))
    if tag in (TEXT_WITH_LANGUAGE, NAME_WITH_LANGUAGE):
        return _without_language(raw)
    return raw.decode() if tag in _STRINGS else raw


def _without_language(raw: bytes) -> str:
    (length,) = struct.unpack_from(">H", raw)
    (size,) = struct.unpack_from(">H", raw, 2 + length)
    text = raw[4 + length :]
    if len(text) != size:
        raise MalformedError("a text of another length")
    return text.decode()
