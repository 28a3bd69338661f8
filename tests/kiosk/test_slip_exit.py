"""A slip that nobody takes: its owner is reminded, the next person does not get it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.absent import AbsentSignals
from drivers.contract import Slip, SlipText
from drivers.emulators.escpos import EscposEmulator
from drivers.receipt_printer import EscposPrinter, Traits
from kiosk import slip_exit
from kiosk.failures import KioskError
from kiosk.settings import Settings
from kiosk.strings import catalogue
from kiosk.views import FaultView

SLIP = Slip((SlipText("Phiếu thử"),))


class Link:
    async def call(self, *_: Any) -> None:
        raise KioskError("link.absent")


@pytest.fixture
def emulator() -> Iterator[EscposEmulator]:
    emulator = EscposEmulator()
    emulator.set(presenter=True)
    yield emulator
    emulator.close()


def kiosk_of(emulator: EscposEmulator) -> Any:
    events: list[str] = []
    printer = EscposPrinter(address=emulator.address, timeout=1.0, traits=Traits(present_steps=12))
    journal = SimpleNamespace(append=lambda event, **_: events.append(event))
    return SimpleNamespace(
        receipt=printer,
        signals=AbsentSignals(),
        journal=journal,
        events=events,
        link=Link(),
        settings=Settings(),
    )


class Session:
    """Shows a notice while ``meanwhile`` happens."""

    def __init__(self, kiosk: Any, meanwhile: Any) -> None:
        self.kiosk, self._meanwhile = kiosk, meanwhile
        self.shown: list[FaultView] = []

    async def race(self, view: FaultView, work: Any) -> None:
        self.shown.append(view)
        self._meanwhile()
        await asyncio.wait_for(work(), 10)


def test_the_reminder_ends_when_the_slip_is_taken(emulator: EscposEmulator) -> None:
    async def story() -> Session:
        session = Session(kiosk_of(emulator), emulator.take_slip)
        await session.kiosk.receipt.print_slip(SLIP)
        await slip_exit.remind(session)  # type: ignore[arg-type]
        return session

    session = asyncio.run(story())
    assert [view.code for view in session.shown] == ["device.receipt.not-taken"]
    assert "continue" in session.shown[0].actions


def test_nobody_is_reminded_of_a_slip_in_the_hand(emulator: EscposEmulator) -> None:
    async def story() -> Session:
        session = Session(kiosk_of(emulator), lambda: None)
        await session.kiosk.receipt.print_slip(SLIP)
        emulator.take_slip()
        await slip_exit.remind(session)  # type: ignore[arg-type]
        return session

    assert asyncio.run(story()).shown == []


@pytest.mark.parametrize(
    ("retracts", "code", "events"),
    [
        (True, "slip-exit.inside", ["slip-pulled-back"]),
        (False, "slip-exit.left", ["slip-left", "staff-called"]),
    ],
)
def test_the_end_of_a_session_leaves_no_slip_without_a_word(
    emulator: EscposEmulator, retracts: bool, code: str, events: list[str]
) -> None:
    emulator.set(retracts=retracts)
    kiosk = kiosk_of(emulator)

    async def story() -> FaultView | None:
        await kiosk.receipt.print_slip(SLIP)
        return await slip_exit.put_away(kiosk)

    notice = asyncio.run(story())
    assert notice is not None
    assert (notice.code, kiosk.events) == (code, events)
    assert emulator.state.at_exit is not retracts
    for language in ("vi", "en"):
        words = catalogue(language)
        assert all(text.key in words for text in (notice.title, notice.happened, notice.todo))


def test_a_printer_that_stops_answering_still_holds_its_slip(emulator: EscposEmulator) -> None:
    kiosk = kiosk_of(emulator)

    async def story() -> FaultView | None:
        await kiosk.receipt.print_slip(SLIP)
        emulator.set(cover_open=True)
        return await slip_exit.put_away(kiosk)

    notice = asyncio.run(story())
    assert notice is not None
    assert (notice.code, kiosk.events) == ("slip-exit.left", ["slip-left", "staff-called"])


def test_a_free_exit_is_no_news(emulator: EscposEmulator) -> None:
    kiosk = kiosk_of(emulator)
    assert asyncio.run(slip_exit.put_away(kiosk)) is None
    emulator.set(silent=True)
    assert asyncio.run(slip_exit.put_away(kiosk)) is None
    assert kiosk.events == []
