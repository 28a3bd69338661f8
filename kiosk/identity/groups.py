"""What stands in the data groups of a citizen's chip: DG1 (machine readable zone), DG2 (photo),
DG13 (the Vietnamese card's fields).

Bytes of any origin go in; what comes out is checked for form. Raises KioskError (CHIP_UNREADABLE).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from kiosk.identity import numbers, tlv
from kiosk.identity.chip import ChipFile
from kiosk.identity.numbers import Sex
from kiosk.identity.tlv import unreadable

_ZONE = re.compile(r"[A-Z0-9<]{90}", re.ASCII)
_WEIGHTS = (7, 3, 1)
_FACE = b"FAC\x00"
_PICTURES = (b"\xff\xd8\xff", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")  # JPEG, JPEG 2000
_MAX_DEPTH = 6
_FOREVER = "không thời hạn"
_SEXES = {"nam": Sex.MALE, "nữ": Sex.FEMALE}
_DAY = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)

_NUMBER, _NAME, _BIRTH, _SEX, _RESIDENCE, _ISSUED, _EXPIRES = 1, 2, 3, 4, 9, 11, 12


@dataclass(frozen=True, slots=True)
class Zone:
    """DG1 of a card (TD1, Doc 9303-5): ``document`` nine characters, days as yymmdd."""

    document: str
    citizen_number: str
    birth: str
    expiry: str

    @property
    def information(self) -> str:
        """What access keys are made of: document number, birth, expiry, with check digits."""
        parts = (self.document, self.birth, self.expiry)
        return "".join(part + check_digit(part) for part in parts)


@dataclass(frozen=True, slots=True)
class CardFields:
    """DG13, what a kiosk needs of it. ``expires`` None: no expiry."""

    number: str
    name: str
    birth_date: date
    sex: Sex | None
    residence: str
    issued: date | None
    expires: date | None
    others: dict[int, str] = field(default_factory=dict, repr=False)


def check_digit(text: str) -> str:
    """Doc 9303-3, 4.9."""
    values = (0 if char == "<" else int(char, 36) for char in text)
    return str(sum(value * _WEIGHTS[at % 3] for at, value in enumerate(values)) % 10)


def zone(dg1: bytes) -> Zone:
    """Line 1 of the Vietnamese card names the last nine digits of the citizen number as document
    number, and then all twelve."""
    text = tlv.value(dg1, ChipFile.DG1.tag, 0x5F1F).decode("ascii", "replace")
    if not _ZONE.fullmatch(text):
        raise unreadable("no zone of a card")
    first, second = text[:30], text[30:60]
    document, birth, expiry = first[5:14], second[:6], second[8:14]
    digits = (first[14], second[6], second[14])
    if digits != tuple(map(check_digit, (document, birth, expiry))):
        raise unreadable("a check digit of the zone")
    return Zone(document, first[15:27].rstrip("<"), birth, expiry)


def photo(dg2: bytes) -> bytes:
    """The picture, JPEG or JPEG 2000, of the first face (ISO/IEC 19794-5 within CBEFF)."""
    template = tlv.value(dg2, ChipFile.DG2.tag, 0x7F61, 0x7F60)
    blocks = [data for tag, data in tlv.objects(template) if tag in (0x5F2E, 0x7F2E)]
    if not blocks or not blocks[0].startswith(_FACE):
        raise unreadable("no face record")
    block = blocks[0]
    points = int.from_bytes(block[18:20], "big")
    picture = block[14 + 20 + 8 * points + 12 :]
    if not picture.startswith(_PICTURES):
        raise unreadable("no picture in the face record")
    return picture


def card_fields(dg13: bytes) -> CardFields:
    """Fields are SEQUENCEs of their number and one or more strings, at whatever depth."""
    found = dict(_numbered(tlv.value(dg13, ChipFile.DG13.tag), _MAX_DEPTH))
    number = found.get(_NUMBER, "")
    if numbers.parse(number) is None:
        raise unreadable("DG13: number")
    name, birth = found.get(_NAME, ""), _day(found.get(_BIRTH, ""))
    if not name or birth is None:
        raise unreadable("DG13: name or birth")
    known = {_NUMBER, _NAME, _BIRTH, _SEX, _RESIDENCE, _ISSUED, _EXPIRES}
    return CardFields(
        number=number,
        name=name,
        birth_date=birth,
        sex=_SEXES.get(found.get(_SEX, "").casefold()),
        residence=found.get(_RESIDENCE, ""),
        issued=_day(found.get(_ISSUED, "")),
        expires=_expiry(found.get(_EXPIRES, "")),
        others={key: value for key, value in found.items() if key not in known},
    )


def _numbered(data: bytes, depth: int) -> Iterator[tuple[int, str]]:
    if depth == 0:
        raise unreadable("DG13: too deep")
    for tag, inside in tlv.objects(data):
        if not tag & 0x20:
            continue
        entry = _entry(inside)
        if entry:
            yield entry
        else:
            yield from _numbered(inside, depth - 1)


def _entry(inside: bytes) -> tuple[int, str] | None:
    """A number and the strings that belong to it; None for a sequence of other things."""
    parts = tlv.objects(inside)
    if len(parts) < 2 or parts[0][0] != 0x02 or len(parts[0][1]) != 1:
        return None
    strings = list(_strings(parts[1:], _MAX_DEPTH))
    return (parts[0][1][0], ", ".join(strings)) if strings else None


def _strings(parts: list[tuple[int, bytes]], depth: int) -> Iterator[str]:
    for tag, inside in parts:
        if tag in (0x0C, 0x13, 0x16):  # UTF8String, PrintableString, IA5String
            yield _text(inside)
        elif tag & 0x20 and depth and not inside.startswith(b"\x02"):
            yield from _strings(tlv.objects(inside), depth - 1)


def _text(data: bytes) -> str:
    try:
        text = unicodedata.normalize("NFC", data.decode("utf-8"))
    except UnicodeDecodeError:
        raise unreadable("DG13: characters") from None
    if any(unicodedata.category(char).startswith("C") for char in text):
        raise unreadable("DG13: characters")
    return " ".join(text.split())


def _day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    day, month, year = map(int, match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        raise unreadable("DG13: a day") from None


def _expiry(text: str) -> date | None:
    """None only for a card that says it never ends."""
    day = _day(text)
    if day is None and text.casefold() != _FOREVER:
        raise unreadable("DG13: expiry")
    return day
