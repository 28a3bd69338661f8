"""A citizen's card, from the reader's field to a person who can be compared with a face.

The order is that of Doc 9303: open, read, believe the state's signature, and only then what was
read; at last have the chip show that it is no copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from drivers.contract import CardReader
from kiosk.failures import Fault, KioskError
from kiosk.identity import access, clone_check, groups, passive
from kiosk.identity.access import Password
from kiosk.identity.card_qr import ClaimedIdentity
from kiosk.identity.chip import Chip, ChipFile
from kiosk.identity.groups import CardFields
from kiosk.identity.passive import IssuerTrust

_GROUPS = (ChipFile.DG1, ChipFile.DG13, ChipFile.DG14, ChipFile.DG15, ChipFile.DG2)
STEPS = len(_GROUPS) + 3
"""How often ``progress`` is called: opened, the security object, each group, checked."""
LONGEST_SECONDS = 30.0
"""Of one reading; a slow genuine chip takes five."""
_NEVER = "991231"
_RENEWED_AT = (14, 25, 40, 60)  # years; law 26/2023/QH15, article 21
_EARLY_YEARS = 2  # a card given so long before such a birthday lasts until the next


@dataclass(frozen=True, slots=True)
class ReadCard:
    """What the state signed, on a chip that ``clone_check`` ("chip" or "active") has shown to be
    the issued one; None when this kind of chip has no way to show it. ``photo``: JPEG or JPEG 2000.
    """

    fields: CardFields
    photo: bytes
    clone_check: str | None


async def read(
    reader: CardReader,
    passwords: list[Password],
    trust: IssuerTrust,
    at: datetime,
    progress: Callable[[int], None] = lambda done: None,
    seconds: float = LONGEST_SECONDS,
) -> ReadCard:
    """``reader`` holds the card. ``progress`` gets the number of steps done, of ``STEPS``.

    ``seconds`` bound the whole: a card that answers each command just in time would never end.
    Raises KioskError: CHIP_ACCESS, CHIP_UNREADABLE, CHIP_NOT_GENUINE, CHIP_SIGNER_EXPIRED,
    CHIP_COPIED, CHIP_EXPIRED; DeviceError as ``transmit``.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _read(Chip(reader), passwords, trust, at, progress)
    except TimeoutError:
        raise KioskError(Fault.CHIP_UNREADABLE, "too slow", retryable=True) from None


async def _read(
    chip: Chip,
    passwords: list[Password],
    trust: IssuerTrust,
    at: datetime,
    progress: Callable[[int], None],
) -> ReadCard:
    await access.open_chip(chip, passwords)
    progress(1)
    sod = await _needed(chip, ChipFile.SOD)
    files = {}
    for done, file in enumerate(_GROUPS, 2):
        progress(done)
        content = await chip.read(file)
        if content is not None:
            files[file] = content
    by_number = {file.group: content for file, content in files.items()}
    signed = passive.verify(sod, by_number, trust, at)
    progress(STEPS - 1)
    how = await _not_copied(chip, files, signed)
    card = _person(files)
    if card.fields.expires is not None and card.fields.expires < at.date():
        raise KioskError(Fault.CHIP_EXPIRED)
    progress(STEPS)
    return ReadCard(card.fields, card.photo, how)


async def _needed(chip: Chip, file: ChipFile) -> bytes:
    content = await chip.read(file)
    if content is None:
        raise KioskError(Fault.CHIP_UNREADABLE, f"no {file.name}", retryable=True)
    return content


async def _not_copied(
    chip: Chip, files: dict[ChipFile, bytes], signed: frozenset[int]
) -> str | None:
    """A copy may leave out what would betray it; the signed list still names it."""
    for file in (ChipFile.DG14, ChipFile.DG15):
        if file.group in signed and file not in files:
            raise KioskError(Fault.CHIP_COPIED, f"{file.name} is missing")
    return await clone_check.check(chip, files.get(ChipFile.DG14), files.get(ChipFile.DG15))


def _person(files: dict[ChipFile, bytes]) -> ReadCard:
    try:
        zone, fields = groups.zone(files[ChipFile.DG1]), groups.card_fields(files[ChipFile.DG13])
        photo = groups.photo(files[ChipFile.DG2])
    except KeyError as error:
        raise KioskError(Fault.CHIP_UNREADABLE, f"no {error}", retryable=True) from None
    if zone.citizen_number != fields.number or zone.birth != f"{fields.birth_date:%y%m%d}":
        raise KioskError(Fault.CHIP_NOT_GENUINE, "two people on one chip")
    return ReadCard(fields, photo, None)


def passwords_of_claim(claim: ClaimedIdentity) -> list[Password]:
    """Passwords that a card with this QR code may have, the likeliest first.

    The access number of Vietnamese cards ends the citizen number; the zone's expiry is not in the
    QR code, but it is one of few birthdays.
    """
    passwords = [Password.of_can(claim.number[-6:])]
    if claim.birth_date is None:
        return passwords
    birth = f"{claim.birth_date:%y%m%d}"
    for expiry in _expiries(claim.birth_date, claim.issued):
        zone = groups.Zone(claim.number[-9:], claim.number, birth, expiry)
        passwords.append(Password.of_mrz(zone.information))
    return passwords


def _expiries(birth: date, issued: date | None) -> list[str]:
    """Days as in the zone (yymmdd): the one that the law gives first, then its neighbours."""
    days = [f"{_birthday(birth, age):%y%m%d}" for age in _RENEWED_AT] + [_NEVER]
    if issued is None:
        return days[::-1]
    first = next(
        (at for at, age in enumerate(_RENEWED_AT) if issued < _birthday(birth, age - _EARLY_YEARS)),
        len(_RENEWED_AT),
    )
    return sorted(days, key=lambda day: abs(days.index(day) - first))


def _birthday(birth: date, age: int) -> date:
    """29 February becomes 28 February where there is none."""
    try:
        return birth.replace(year=birth.year + age)
    except ValueError:
        return birth.replace(year=birth.year + age, day=28)
