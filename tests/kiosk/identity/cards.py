"""Invented cards, and a reader that hands commands to one without a wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache

from drivers.absent import AbsentCardReader
from drivers.emulators.card import Card
from kiosk.identity.access import Password
from kiosk.sandbox.card_state import Bearer, CardState, IssuedChip

NOW = datetime(2026, 11, 24, tzinfo=UTC)
STATE = CardState(NOW)
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 12
BEARER = Bearer("001192000000", "Trần Thị Mẫu", date(1992, 3, 14), photo=PHOTO)
CAN = [Password.of_can("000000")]


class DirectReader(AbsentCardReader):
    """``spoil``: what becomes of an answer, given its number from 1."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self._card = card
        self.commands = 0

    def spoil(self, number: int, answer: bytes) -> bytes:
        return answer

    async def wait_for_card(self) -> bytes:
        self._card.reset()
        return b"\x3b\x00"

    async def transmit(self, apdus: Sequence[bytes]) -> list[bytes]:
        answers = []
        for apdu in apdus:
            self.commands += 1
            answers.append(self.spoil(self.commands, self._card.answer(apdu)))
        return answers


@cache
def issued(clone_check: str = "chip", aes: bool = True) -> IssuedChip:
    return STATE.issue(BEARER, clone_check=clone_check, aes=aes)
