"""The QR code on a citizen card: ``number|old number|name|ddmmyyyy|Nam/Nữ|address|ddmmyyyy``.

Anyone can print such a code, so what it says is a *claim*: good for filling in a form, never proof
of who stands there. Cards show six to eight fields and newer ones more; unknown ones are kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from kiosk.failures import Fault, KioskError
from kiosk.identity import numbers
from kiosk.identity.numbers import Sex

MAX_PAYLOAD = 2048  # characters; a version 40 code at level L holds 2953 bytes
_REQUIRED_FIELDS = 6  # the day of issue is missing on the first cards
_DAY = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})", re.ASCII)
_OLD_NUMBER = re.compile(r"(?:[0-9]{9}|[0-9]{12})?", re.ASCII)
_SEXES = {"nam": Sex.MALE, "nữ": Sex.FEMALE}


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """What a card claims. ``birth_date`` is None when only the year of birth is known.

    ``old_number`` is the nine-digit identity card number, or empty. ``extras``: fields after the
    seventh, as they came.
    """

    number: str
    old_number: str
    name: str
    birth_date: date | None
    sex: Sex
    address: str
    issued: date | None
    extras: tuple[str, ...] = ()

    @property
    def consistent(self) -> bool:
        """Whether number, birth date and sex agree; if not, have staff look at the card."""
        return numbers.agrees(self.number, self.birth_date, self.sex)


def parse(payload: str) -> ClaimedIdentity:
    """The claim in a card's QR code. Raises KioskError (IDENTITY_UNREADABLE) on anything else."""
    if len(payload) > MAX_PAYLOAD:
        raise _unreadable("too long")
    fields = [_clean(field) for field in payload.strip("\r\n").split("|")]
    if len(fields) < _REQUIRED_FIELDS:
        raise _unreadable(f"{len(fields)} fields")
    number, old_number, name, birth, sex, address = fields[:_REQUIRED_FIELDS]
    if numbers.parse(number) is None or not _OLD_NUMBER.fullmatch(old_number):
        raise _unreadable("number")
    if not name or sex.casefold() not in _SEXES:
        raise _unreadable("name or sex")
    return ClaimedIdentity(
        number=number,
        old_number=old_number,
        name=name,
        birth_date=_day(birth),
        sex=_SEXES[sex.casefold()],
        address=address,
        issued=_day(fields[_REQUIRED_FIELDS]) if len(fields) > _REQUIRED_FIELDS else None,
        extras=tuple(fields[_REQUIRED_FIELDS + 1 :]),
    )


def recognised(payload: str) -> ClaimedIdentity | None:
    """As :func:`parse`; None for what is no card's code, which may be another kind of code."""
    try:
        return parse(payload)
    except KioskError:
        return None


def _clean(field: str) -> str:
    """Composed letters, no spaces around; garbled bytes and control characters are refused."""
    text = unicodedata.normalize("NFC", field).strip()
    if any(unicodedata.category(char).startswith("C") or char == "\ufffd" for char in text):
        raise _unreadable("characters")
    return text


def _day(text: str) -> date | None:
    """ddmmyyyy; None for an empty field, or when day and month are unknown (zeros)."""
    if not text:
        return None
    match = _DAY.fullmatch(text)
    if match is None:
        raise _unreadable("date")
    day, month, year = map(int, match.groups())
    if day == 0 and month == 0:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        raise _unreadable("date") from None


def _unreadable(what: str) -> KioskError:
    return KioskError(Fault.IDENTITY_UNREADABLE, f"card code: {what}", retryable=True)
