"""A chip over a real pcscd: opened, read whole, verified; and lifted in the middle."""

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
from kiosk.identity.chip import AccessKey, Chip, ChipFile
from kiosk.identity.passive import verify
from tests.kiosk.identity import test_passive as state
from tests.kiosk.identity.chip_card import ChipCard

KEY = AccessKey.of_mrz("L898902C<369080619406236")
PHOTO = b"\x75\x82\x3d\x00" + bytes(range(256)) * 61
Story = Callable[[PcscCardReader, CardReaderEmulator], Awaitable[Any]]

pytestmark = pytest.mark.xdist_group("card")


def run(story: Story, files: dict[int, bytes]) -> Any:
    async def main(emulator: CardReaderEmulator) -> Any:
        reader = PcscCardReader(socket=emulator.address)
        try:
            emulator.hold()
            await reader.wait_for_card()
            return await asyncio.wait_for(story(reader, emulator), 30)
        finally:
            await reader.close()

    with closing(CardReaderEmulator(lambda: ChipCard(files, KEY))) as emulator:
        return asyncio.run(main(emulator))


async def read(reader: PcscCardReader, *files: ChipFile) -> list[bytes | None]:
    chip = await Chip.opened(reader, KEY)
    return [await chip.read(file) for file in files]


def test_a_photo_is_read_whole_and_a_missing_file_is_none() -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> Any:
        return await read(reader, ChipFile.DG2, ChipFile.DG13)

    assert run(story, {ChipFile.DG2: PHOTO}) == [PHOTO, None]


@pytest.mark.parametrize("tampered", [False, True])
def test_what_was_read_is_verified(tampered: bool) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> Any:
        return await read(reader, ChipFile.SOD, ChipFile.DG1)

    signed = state.GROUPS[1]
    held = signed[:-1] + b"X" if tampered else signed
    sod, group = run(story, {ChipFile.SOD: state.genuine(), ChipFile.DG1: held})
    if not tampered:
        verify(sod, {1: group}, state.trusted(), state.NOW)
        return
    with pytest.raises(KioskError) as caught:
        verify(sod, {1: group}, state.trusted(), state.NOW)
    assert caught.value.code == Fault.CHIP_NOT_GENUINE


def test_lifted_while_being_read_and_held_again() -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> Any:
        emulator.state.torn_at = 20
        with pytest.raises(DeviceError) as caught:
            await read(reader, ChipFile.DG2)
        assert caught.value.code == DeviceFault.CARD_REMOVED
        emulator.state.torn_at = 0
        await asyncio.to_thread(emulator.hold)
        await reader.wait_for_card()
        return await read(reader, ChipFile.DG2)

    assert run(story, {ChipFile.DG2: PHOTO}) == [PHOTO]


def test_the_key_of_another_card() -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        with pytest.raises(KioskError) as caught:
            await Chip.opened(reader, AccessKey.of_mrz("L898902C<369080619406235"))
        assert caught.value.code == Fault.CHIP_ACCESS

    run(story, {})
