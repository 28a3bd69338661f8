"""Two thousand spoiled conversations with a chip: a typed error or the true person, never another,
and never for longer than a sound card takes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from typing import TypeVar

import pytest

from drivers.emulators.card import Card
from kiosk.failures import Fault, KioskError
from kiosk.identity import access, citizen_card, clone_check, groups, passive, security_infos
from kiosk.identity.chip import Chip
from kiosk.sandbox.card_state import card_access
from kiosk.sandbox.chip_card import ChipCard
from tests.kiosk.identity.cards import BEARER, CAN, NOW, PHOTO, STATE, DirectReader, issued

T = TypeVar("T")
TYPED = {
    Fault.CHIP_ACCESS,
    Fault.CHIP_COPIED,
    Fault.CHIP_EXPIRED,
    Fault.CHIP_NOT_GENUINE,
    Fault.CHIP_SIGNER_EXPIRED,
    Fault.CHIP_UNREADABLE,
}
PACE = card_access(parameter_id=12)  # P-256, which OpenSSL does ten times faster
ALGORITHMS = [
    ("chip", True, PACE),
    ("active", True, PACE),
    ("chip", False, b""),
    ("active-rsa", False, b""),
]


class SpoilingReader(DirectReader):
    """Spoils one answer, chosen by ``chance``: a flipped bit, a cut, noise, or another's answer."""

    def __init__(self, card: Card, chance: random.Random, at: int) -> None:
        super().__init__(card)
        self._chance = chance
        self._at = at
        self._last = b"\x90\x00"

    def spoil(self, number: int, answer: bytes) -> bytes:
        before, self._last = self._last, answer
        if number != self._at:
            return answer
        spoiled = bytearray(answer)
        match self._chance.randrange(5):
            case 0:
                at = self._chance.randrange(len(spoiled))
                spoiled[at] ^= 1 << self._chance.randrange(8)
            case 1:
                del spoiled[self._chance.randrange(len(spoiled)) : -2]
            case 2:
                spoiled = bytearray(self._chance.randbytes(self._chance.randrange(2, 300)))
            case 3:
                spoiled = bytearray(before)
            case _:
                spoiled = bytearray(self._chance.randbytes(2))
        return bytes(spoiled)


def read(reader: DirectReader, clone: str) -> str:
    passwords = [*CAN, access.Password.of_mrz(issued().zone.information)]
    reading = citizen_card.read(reader, passwords, STATE.trust, NOW)
    card = asyncio.run(outcome_of(reading))
    if isinstance(card, str):
        return card
    assert (card.fields.number, card.fields.name) == (BEARER.number, BEARER.name)
    assert card.photo == PHOTO
    assert card.clone_check == ("chip" if clone == "chip" else "active")
    return "read"


async def outcome_of(work: Awaitable[T]) -> T | str:
    """The result, or the code of a typed error; any other error is the test's."""
    try:
        return await work
    except KioskError as error:
        code = error.code
    assert code in TYPED
    return code


@pytest.mark.parametrize(
    ("clone", "aes", "pace"), ALGORITHMS, ids=["chip", "active", "chip-3des", "active-rsa"]
)
def test_500_spoiled_answers_each(clone: str, aes: bool, pace: bytes) -> None:
    chip = issued(clone, aes)
    sound = DirectReader(ChipCard(chip, pace=pace))
    assert read(sound, clone) == "read"
    outcomes = set()
    for seed in range(500):
        chance = random.Random(seed)
        at = chance.randrange(1, sound.commands + 1)
        reader = SpoilingReader(ChipCard(chip, pace=pace), chance, at)
        outcomes.add(read(reader, clone))
        assert reader.commands <= sound.commands + 40
    assert {Fault.CHIP_UNREADABLE, "read"} <= outcomes


def test_2000_files_of_noise() -> None:
    """What a genuine signature would cover is parsed by the same code as what it would not."""
    genuine = issued("active").files

    async def parse_all(data: bytes) -> None:
        for parse in (groups.zone, groups.photo, groups.card_fields, security_infos.parse):
            await outcome_of(asyncio.to_thread(parse, data))
        await outcome_of(asyncio.to_thread(passive.verify, data, {}, STATE.trust, NOW))
        chip = Chip(DirectReader(ChipCard(issued("active"))))
        await outcome_of(clone_check.check(chip, None, data))
        await outcome_of(clone_check.check(chip, data, None))

    async def main() -> None:
        for seed in range(2000):
            chance = random.Random(seed)
            data = bytearray(genuine[chance.choice(sorted(genuine))])
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(min(len(data), 400))] = chance.randrange(256)
            await parse_all(bytes(data))

    asyncio.run(main())
