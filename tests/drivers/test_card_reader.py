"""Cards over a real pcscd: what a person may do with them, and each fault by its code."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from smartcard import scard

from drivers.absent import AbsentCardReader
from drivers.card_reader import PcscCardReader
from drivers.card_reader_child import Worker
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.card_reader import SAMPLE_FILES, CardReaderEmulator, CardReaderState
from drivers.supervisor import Child, ChildSpec

SELECT = bytes.fromhex("00A4000C020002")
READ = bytes.fromhex("00B00000000C00")
READ_SHORT = bytes.fromhex("00B0000000")
OK = b"\x90\x00"
Story = Callable[[PcscCardReader, CardReaderEmulator], Awaitable[Any]]

pytestmark = pytest.mark.xdist_group("card")


@pytest.fixture(scope="module")
def emulator() -> Iterator[CardReaderEmulator]:
    with_reader = CardReaderEmulator()
    yield with_reader
    with_reader.close()


@pytest.fixture(autouse=True)
def as_new(emulator: CardReaderEmulator) -> Iterator[None]:
    yield
    emulator.take_away()
    fresh = CardReaderState()
    fresh.running, fresh.plugged = emulator.state.running, emulator.state.plugged
    emulator.state.__dict__.update(fresh.__dict__)
    if not (fresh.running and fresh.plugged):
        emulator.plug()


def run(emulator: CardReaderEmulator, story: Story, **options: Any) -> Any:
    async def main() -> Any:
        reader = PcscCardReader(socket=emulator.address, **options)
        try:
            return await asyncio.wait_for(story(reader, emulator), 30)
        finally:
            await reader.close()

    return asyncio.run(main())


async def code_of(call: Awaitable[Any]) -> str:
    with pytest.raises(DeviceError) as caught:
        await call
    return caught.value.code


async def read_again(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
    """The proof of every recovery: a card that is held now is read by the same object."""
    emulator.hold()
    await reader.wait_for_card()
    answers = await reader.transmit([SELECT, READ])
    assert answers == [OK, SAMPLE_FILES[2] + OK]
    assert reader.status().health is Health.READY


@pytest.mark.parametrize("protocol", ["t1", "t0"])
def test_a_file_is_read_whole_over_either_protocol(
    emulator: CardReaderEmulator, protocol: str
) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        await reader.check()
        emulator.state.protocol = protocol
        await read_again(reader, emulator)
        command = b"\0\xf0\0\0\0" + (700).to_bytes(2, "big") + bytes(700) + b"\x04\0"
        assert await reader.transmit([command, READ_SHORT]) == [
            bytes(700) + OK,
            SAMPLE_FILES[2] + OK,
        ]

    run(emulator, story)


def test_a_refusal_of_the_card_ends_the_list(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> list[bytes]:
        emulator.hold()
        await reader.wait_for_card()
        return await reader.transmit([SELECT, bytes.fromhex("00A4000C020099"), READ])

    assert run(emulator, story) == [OK, b"\x6a\x82"]


def test_waiting_ends_when_a_card_comes_or_the_caller_goes() -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> bytes:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.wait_for_card(), 0.2)
        waiting = asyncio.create_task(reader.wait_for_card())
        await asyncio.to_thread(emulator.hold, 1)
        return await waiting

    with closing(CardReaderEmulator()) as beside_the_other:
        assert run(beside_the_other, story)[:2] == b"\x3b\x88"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("torn_at", Fault.CARD_REMOVED),
        ("garbage_at", Fault.CARD_GARBLED),
        ("mute_at", Fault.CARD_MUTE),
    ],
)
def test_trouble_in_the_middle_and_the_next_card_reads(
    emulator: CardReaderEmulator, what: str, code: str
) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        setattr(emulator.state, what, 2)
        emulator.hold()
        await reader.wait_for_card()
        assert await code_of(reader.transmit([SELECT, READ])) == code
        assert await code_of(reader.transmit([SELECT])) == Fault.CARD_REMOVED
        setattr(emulator.state, what, 0)
        await asyncio.to_thread(emulator.take_away)
        await read_again(reader, emulator)

    run(emulator, story, deadline=1.0)


def test_a_slow_card_is_waited_for(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        emulator.state.delay = 0.3
        await read_again(reader, emulator)

    run(emulator, story)


def test_a_card_of_another_protocol(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        emulator.state.protocol = "other"
        emulator.hold()
        assert await code_of(reader.wait_for_card()) == Fault.CARD_PROTOCOL
        emulator.state.protocol = "t1"
        await read_again(reader, emulator)

    run(emulator, story)


def test_two_cards_are_one_too_many(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        emulator.hold(0)
        emulator.hold(1)

        async def until_both_are_seen() -> None:
            while True:
                await reader.wait_for_card()

        assert await code_of(until_both_are_seen()) == Fault.CARD_SEVERAL
        emulator.take_away()
        await read_again(reader, emulator)

    run(emulator, story)


def test_released_is_released(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> str:
        await read_again(reader, emulator)
        await reader.release()
        return await code_of(reader.transmit([SELECT]))

    assert run(emulator, story) == Fault.CARD_REMOVED


def test_pcscd_restarted_while_a_card_is_held_and_while_nobody_asks(
    emulator: CardReaderEmulator,
) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        await read_again(reader, emulator)
        await asyncio.to_thread(emulator.restart)
        assert await code_of(reader.transmit([SELECT])) == Fault.CARD_READER_SERVICE
        await read_again(reader, emulator)
        await reader.release()
        await asyncio.to_thread(emulator.restart)
        await read_again(reader, emulator)

    run(emulator, story)


def test_pcscd_gone_and_back(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        emulator.die()
        assert await code_of(reader.check()) == Fault.CARD_READER_SERVICE
        assert await code_of(reader.wait_for_card()) == Fault.CARD_READER_SERVICE
        assert reader.status().health is Health.ABSENT
        emulator.restart()
        await read_again(reader, emulator)

    run(emulator, story)


def test_a_reader_unplugged_and_back(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        emulator.unplug()
        assert await code_of(reader.check()) == Fault.CARD_READER_ABSENT
        assert reader.status().code == Fault.CARD_READER_ABSENT
        emulator.plug()
        await read_again(reader, emulator)

    run(emulator, story)


def test_the_reader_is_chosen_by_name(emulator: CardReaderEmulator) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> str:
        return await code_of(reader.check())

    assert run(emulator, story, reader="ACS*PICC*") == Fault.CARD_READER_ABSENT
    run(emulator, lambda reader, _: reader.check(), reader="emulated card*")


def test_the_emulated_reader_listens_on_loopback_only(emulator: CardReaderEmulator) -> None:
    port = f":{emulator._daemon.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert {line[1] for line in lines if line[1].endswith(port)} == {f"0100007F{port}"}


def test_the_emulator_is_worked_over_http(emulator: CardReaderEmulator) -> None:
    body = json.dumps({"slot": 0}).encode()
    state = json.load(urllib.request.urlopen(f"{emulator.control_url}/hold", body, 5))
    assert (state["held"], state["running"], state["plugged"]) == (1, True, True)


def test_a_kiosk_without_a_card_reader_says_so() -> None:
    async def main() -> list[str]:
        reader = AbsentCardReader()
        assert reader.status().health is Health.ABSENT
        return [
            await code_of(call)
            for call in (reader.check(), reader.wait_for_card(), reader.transmit([SELECT]))
        ]

    assert asyncio.run(main()) == [Fault.CARD_READER_ABSENT] * 3


def test_a_defect_of_the_child_is_no_card_that_was_taken_away(
    emulator: CardReaderEmulator,
) -> None:
    async def story(reader: PcscCardReader, emulator: CardReaderEmulator) -> None:
        reader._child = Child(ChildSpec("card-reader", "drivers.there_is_no_such:Worker"))
        assert await code_of(reader.transmit([SELECT])) == Fault.CHILD_DEFECT
        assert reader.status().code == Fault.CHILD_DEFECT
        await reader._child.close()

    run(emulator, story)


@pytest.mark.parametrize(
    "pattern", ["uTrust [uTrust CL] ?? ??", "UTRUST [*", "uTrust [uTrust CL] 01 00"]
)
def test_brackets_of_a_name_are_only_themselves(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["uTrust [uTrust CL] 01 00", "uTrust u 01 00"]
    monkeypatch.setattr(scard, "SCardListReaders", lambda *_: (scard.SCARD_S_SUCCESS, names))
    monkeypatch.setattr(Worker, "_opened", lambda _: 0)
    assert Worker(pattern).check() == names[:1]
