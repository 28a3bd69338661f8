"""Reading a citizen's chip over a real pcscd, believed and clone-checked, against the mere transfer
of as many bytes over the same wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from drivers.apdu import parsed
from drivers.card_reader import PcscCardReader
from drivers.emulators.card import Card
from drivers.emulators.card_reader import CardReaderEmulator
from kiosk.identity import citizen_card
from kiosk.identity.access import Password
from kiosk.identity.chip import Chip, ChipFile
from kiosk.identity.citizen_card import ReadCard
from kiosk.sandbox.chip_card import ChipCard
from tests.bench.measure import Row, wall_seconds
from tests.kiosk.identity.cards import BEARER, CAN, NOW, STATE

PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 62  # 15.9 KB, as on cards
ROUNDS = 5


class _OpenCard:
    """Files that anybody may read, as fast as a card can give them."""

    def __init__(self, files: Mapping[int, bytes]) -> None:
        self._files = files
        self.reset()

    def reset(self) -> None:
        self._selected = b""

    def answer(self, apdu: bytes) -> bytes:
        command = parsed(apdu)
        if command.header[1] == 0xA4:
            self._selected = self._files[int.from_bytes(command.data, "big")]
            return b"\x90\x00"
        offset = int.from_bytes(command.header[2:], "big")
        return self._selected[offset : offset + command.expected] + b"\x90\x00"


Read = Callable[[PcscCardReader], Coroutine[Any, Any, object]]


def run() -> list[Row]:
    bearer = replace(BEARER, photo=PHOTO)
    chip = STATE.issue(bearer)
    signing = STATE.issue(bearer, clone_check="active-rsa")
    zone = [Password.of_mrz(signing.zone.information)]
    files = {number: data for number, data in chip.files.items() if number != ChipFile.COM}
    pace = _seconds(ChipCard(chip), lambda reader: _whole(reader, CAN))
    basic = _seconds(ChipCard(signing, pace=b""), lambda reader: _whole(reader, zone))
    plain = _seconds(_OpenCard(files), lambda reader: _transfer(reader, list(files)))
    return [
        Row("chip by PACE, AES, chip authentication", pace, "s", f"{len(PHOTO)} bytes of photo"),
        Row("chip by BAC, 3DES, active authentication", basic, "s"),
        Row("the same files without any protection", plain, "s", "the wire alone"),
        Row("PACE / wire alone", pace / plain, "ratio"),
        Row("BAC / wire alone", basic / plain, "ratio"),
    ]


def _seconds(card: Card, read: Read) -> float:
    with closing(CardReaderEmulator(lambda: card)) as emulator, asyncio.Runner() as runner:
        reader = PcscCardReader(socket=emulator.address)
        emulator.hold()
        try:
            return wall_seconds(lambda: runner.run(_once(reader, read)), ROUNDS)
        finally:
            runner.run(reader.close())


async def _once(reader: PcscCardReader, read: Read) -> None:
    """With the card's being noticed and powered up, as a citizen sees it."""
    await reader.wait_for_card()
    await read(reader)


async def _whole(reader: PcscCardReader, passwords: list[Password]) -> ReadCard:
    return await citizen_card.read(reader, passwords, STATE.trust, NOW)


async def _transfer(reader: PcscCardReader, files: list[int]) -> None:
    chip = Chip(reader)
    for file in files:
        await chip.read(ChipFile(file))
