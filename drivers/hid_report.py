"""Where a scan lies in the input reports of a HID-POS reader, as its report descriptor says.

Sources: *Device Class Definition for HID* 1.11, 6.2.2 (items), and *HID Point of Sale Usage Tables*
1.02, usage page 0x8C. The tables say what a field means, never how large a report is or in what
order its fields come, so both are read from the descriptor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from drivers.reader_pieces import Piece

MAX_DESCRIPTOR = 4096  # HID_MAX_DESCRIPTOR_SIZE of Linux
_MAX_REPORT_BITS = 8 * 4096
_MAX_USAGES = 256

_POS = 0x8C
_BYTE_COUNT = 0x01_003B  # Generic Desktop
_AIM = (_POS << 16 | 0xFB, _POS << 16 | 0xFC, _POS << 16 | 0xFD)
_DECODED_DATA = _POS << 16 | 0xFE
_CONTINUED = _POS << 16 | 0xFF

_INPUT, _OUTPUT, _FEATURE, _COLLECTION, _END_COLLECTION = 0x80, 0x90, 0xB0, 0xA0, 0xC0
_PAGE, _SIZE, _ID, _COUNT, _PUSH, _POP = 0x04, 0x74, 0x84, 0x94, 0xA4, 0xB4
_USAGE, _USAGE_MINIMUM, _USAGE_MAXIMUM = 0x08, 0x18, 0x28
_LONG_ITEM = 0xFE
_CONSTANT = 0x01


class HidError(ValueError):
    """A report descriptor that is no descriptor, or not that of a HID-POS reader."""


@dataclass(frozen=True, slots=True)
class Field:
    """Bits from the start of the report, its id included: ``count`` times ``size``."""

    start: int
    size: int
    count: int

    @property
    def place(self) -> slice:
        return slice(self.start // 8, self.start // 8 + self.count)

    @property
    def is_bytes(self) -> bool:
        return self.size == 8 and self.start % 8 == 0

    def is_set(self, report: bytes) -> bool:
        """Whether any bit is."""
        length = self.size * self.count
        return bool(int.from_bytes(report, "little") >> self.start & ((1 << length) - 1))


@dataclass(frozen=True, slots=True)
class Layout:
    """``report_id``: 0 when the interface has one report only. ``report_bytes``: its length, the
    id included; ``largest``: that of the longest report of the interface."""

    report_id: int
    report_bytes: int
    largest: int
    data: Field
    length: Field | None
    aim: tuple[Field, ...]
    continued: Field | None

    def read(self, report: bytes) -> Piece | None:
        """None for a report of another kind: a reader also tells its state."""
        if self.report_id and report[:1] != bytes([self.report_id]):
            return None
        if len(report) < self.report_bytes:
            return Piece(garbled="half a report")
        data = report[self.data.place]
        if self.length is None:
            data = data.rstrip(b"\0")
        elif (length := report[self.length.place][0]) <= len(data):
            data = data[:length]
        else:
            return Piece(garbled="a report that says it holds more than it can")
        more = self.continued is not None and self.continued.is_set(report)
        return Piece(data, not more, self._identifier(report))

    def _identifier(self, report: bytes) -> str:
        said = b"".join(report[one.place] for one in self.aim)
        return said.decode("ascii") if re.fullmatch(rb"\][A-Za-z][!-~]", said) else ""


def layout(descriptor: bytes) -> Layout:
    """Of the first report with decoded data in a collection of the bar code scanner page.

    A maker's own page (0xFF8C of some) may hold the same fields for other ends: it does not count.
    Raises HidError.
    """
    parser = _Parser()
    for item, value, size in _items(descriptor):
        parser.take(item, value, size)
    largest = max((report.bits for report in parser.reports.values()), default=0)
    for number, report in parser.reports.items():
        found = report.fields
        data = found.get(_DECODED_DATA)
        if data is not None and data.is_bytes:
            length = found.get(_BYTE_COUNT)
            return Layout(
                number,
                -(-report.bits // 8),
                -(-largest // 8),
                data,
                length if length and length.is_bytes else None,
                tuple(found[usage] for usage in _AIM if usage in found and found[usage].is_bytes),
                found.get(_CONTINUED),
            )
    raise HidError("no decoded data of the bar code scanner page")


def _items(descriptor: bytes) -> Iterator[tuple[int, int, int]]:
    """Tag and type, value, and size of the value in bytes. Long items are passed over."""
    if len(descriptor) > MAX_DESCRIPTOR:
        raise HidError("a report descriptor of more than 4096 bytes")
    rest = descriptor
    while rest:
        if rest[0] == _LONG_ITEM:
            rest = rest[3 + (rest[1] if len(rest) > 1 else 0) :]
            continue
        size = (0, 1, 2, 4)[rest[0] & 3]
        if len(rest) < 1 + size:
            raise HidError("a report descriptor that is cut off")
        yield rest[0] & 0xFC, int.from_bytes(rest[1 : 1 + size], "little"), size
        rest = rest[1 + size :]


@dataclass(frozen=True, slots=True)
class _Globals:
    page: int = 0
    size: int = 0
    count: int = 0
    number: int = 0


@dataclass(slots=True)
class _Report:
    bits: int
    fields: dict[int, Field] = field(default_factory=dict)


@dataclass(slots=True)
class _Parser:
    reports: dict[int, _Report] = field(default_factory=dict)
    _now: _Globals = _Globals()
    _pushed: list[_Globals] = field(default_factory=list)
    _usages: list[int] = field(default_factory=list)
    _minimum: int = 0
    _depth: int = 0
    _is_scanner: bool = False

    def take(self, item: int, value: int, size: int) -> None:
        if item in (_USAGE, _USAGE_MINIMUM, _USAGE_MAXIMUM):
            self._name(item, value, size)
        elif item in (_INPUT, _OUTPUT, _FEATURE, _COLLECTION, _END_COLLECTION):
            self._main(item, value)
            self._usages.clear()
        else:
            self._global(item, value)

    def _global(self, item: int, value: int) -> None:
        name = {_PAGE: "page", _SIZE: "size", _COUNT: "count", _ID: "number"}.get(item)
        if name:
            self._now = replace(self._now, **{name: value})
        elif item == _PUSH:
            self._pushed.append(self._now)
        elif item == _POP:
            if not self._pushed:
                raise HidError("a pop without a push")
            self._now = self._pushed.pop()

    def _name(self, item: int, value: int, size: int) -> None:
        usage = value if size == 4 else self._now.page << 16 | value
        if item == _USAGE_MINIMUM:
            self._minimum = usage
            return
        first = usage if item == _USAGE else self._minimum
        room = _MAX_USAGES - len(self._usages)
        self._usages += range(first, min(usage + 1, first + room))

    def _main(self, item: int, value: int) -> None:
        if item == _COLLECTION:
            if self._depth == 0:
                self._is_scanner = bool(self._usages) and self._usages[0] >> 16 == _POS
            self._depth += 1
        elif item == _END_COLLECTION:
            self._depth -= 1
        elif item == _INPUT:
            self._input(constant=bool(value & _CONSTANT))

    def _input(self, *, constant: bool) -> None:
        now = self._now
        report = self.reports.setdefault(now.number, _Report(8 if now.number else 0))
        start = report.bits
        report.bits += now.size * now.count
        if report.bits > _MAX_REPORT_BITS or now.number > 0xFF:
            raise HidError("a report of more than 4096 bytes")
        if constant or not self._is_scanner:
            return
        named = self._usages[: now.count]
        for index, usage in enumerate(named):
            alone = index < len(named) - 1  # the last usage names all that are left
            count = 1 if alone else now.count - index
            place = Field(start + index * now.size, now.size, count)
            report.fields.setdefault(usage, place)
