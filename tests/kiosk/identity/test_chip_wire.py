"""A citizen's card over a real pcscd: read whole and believed; and lifted in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest

from drivers.card_reader import PcscCardReader
from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from drivers.emulators.card_reader import CardReaderEmulator
from kiosk.failures import Fault, KioskError
from kiosk.identity import citizen_card
from kiosk.identity.access import Password
from kiosk.identity.citizen_card import ReadCard
from kiosk.sandbox.card_state import IssuedChip
from kiosk.sandbox.chip_card import ChipCard
from tests.kiosk.identity.cards import CAN, NOW, PHOTO, STATE, issued

Story = Callable[[PcscCardReader, CardReaderEmulator], Awaitable[Any]]

pytestmark = pytest.mark.xdist_group("card")


def run(story: Story, chip: IssuedChip, pace: bytes | None = None) -> Any:
    async def main(emulator: CardReaderEmulator) -> Any:
        reader = PcscCardReader(socket=emulator.address)
        try:
            emulator.hold()
            await reader.wait_for_card()
            return await asyncio.wait_for(story(reader, emulator), 30)
        finally:
            await reader.close()

    with closing(CardReaderEmulator(lambda: ChipCard(chip, pace=pace))) as emulator:
        return asyncio.run(main(emulator))


async def read(reader: PcscCardReader, passwords: list[Password] = CAN) -> ReadCard:
    return await citizen_card.read(reader, passwords, STATE.trust, NOW)


def test_a_card_is_read_by_pace_and_by_basic_access() -> None:
    async def by_number(reader: PcscCardReader, emulator: CardReaderEmulator) -> Any:
        card = await read(reader)
        return card.photo, card.clone_check

    async def by_zone(reader: PcscCardReader, emulator: CardReaderEmulator) -> Any:
        card = await read(reader, [Password.of_mrz(issued().zone.information)])
        return card.photo, card.clone_check

    assert run(by_number, issued()) == (PHOTO, "chip")
    assert run(by_zone, issued("active-rsa"), pace=b"") == (PHOTO, "active")


def test_a_clone_over_the_wire() -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        with pytest.raises(KioskError) as caught:
            await read(reader)
        assert caught.value.code == Fault.CHIP_COPIED

    run(story, issued().cloned())


def test_lifted_while_being_read_and_held_again() -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> Any:
        emulator.state.torn_at = 20
        with pytest.raises(DeviceError) as caught:
            await read(reader)
        assert caught.value.code == DeviceFault.CARD_REMOVED
        emulator.state.torn_at = 0
        await asyncio.to_thread(emulator.hold)
        await reader.wait_for_card()
        return (await read(reader)).photo

    assert run(story, issued()) == PHOTO
