"""Paper near its end, and slips that nobody takes out of the exit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import DeviceError, Fault, Health, Slip, SlipCode, SlipText
from drivers.emulators.escpos import EscposEmulator
from drivers.receipt_printer import EscposPrinter, Traits
from drivers.receipt_roll import PaperRoll
from drivers.receipt_slip import length_dots, render_slip

SLIP = Slip((SlipText("Phiếu thử"), SlipCode("KIOSK-TEST-0001"), SlipText("Một dòng nữa")))
LENGTH = length_dots(render_slip(SLIP, 576))
MM = LENGTH * 25.4 / 203


@pytest.fixture
def emulator() -> Iterator[EscposEmulator]:
    emulator = EscposEmulator()
    yield emulator
    emulator.close()


def printer_of(emulator: EscposEmulator, **options: Any) -> EscposPrinter:
    return EscposPrinter(address=emulator.address, timeout=1.0, **options)


def print_slip(printer: EscposPrinter) -> str:
    """The failure code, or nothing."""
    try:
        asyncio.run(printer.print_slip(SLIP))
    except DeviceError as error:
        return error.code
    return ""


def test_the_length_that_is_counted_is_the_length_on_paper(emulator: EscposEmulator) -> None:
    print_slip(printer_of(emulator))
    assert emulator.receipts[0].height == LENGTH


def test_a_slip_that_would_break_off_is_not_begun(emulator: EscposEmulator, tmp_path: Path) -> None:
    """The roll of the emulator really ends where the settings say: nothing tears."""
    near_end = round(3 * MM + 40)
    printer = printer_of(emulator, near_end_mm=near_end, roll_file=tmp_path / "roll.json")
    assert (print_slip(printer), printer.paper_left()) == ("", None)
    emulator.set(paper="near-end", paper_after_lines=int(near_end * 203 / 25.4 / 30))
    assert [print_slip(printer) for _ in range(4)] == ["", "", "", Fault.RECEIPT_PAPER_SHORT]
    assert len(emulator.receipts) == 4
    assert emulator.state.paper == "near-end"
    assert emulator.scraps == []


def test_what_is_left_is_remembered_over_a_restart_and_forgotten_with_the_roll(
    emulator: EscposEmulator, tmp_path: Path
) -> None:
    file = tmp_path / "roll.json"
    near_end = round(MM + 40)
    emulator.set(paper="near-end")
    assert print_slip(printer_of(emulator, near_end_mm=near_end, roll_file=file)) == ""
    restarted = printer_of(emulator, near_end_mm=near_end, roll_file=file)
    assert restarted.paper_left() == pytest.approx(40, abs=2)
    assert print_slip(restarted) == Fault.RECEIPT_PAPER_SHORT
    asyncio.run(restarted.check())  # it works, and warns
    assert (restarted.status().health, restarted.status().code) == (
        Health.READY,
        Fault.RECEIPT_PAPER_LOW,
    )
    emulator.refill()
    assert print_slip(restarted) == ""
    assert not file.exists()
    assert restarted.paper_left() is None


def test_without_a_length_in_the_settings_nothing_is_refused(emulator: EscposEmulator) -> None:
    emulator.set(paper="near-end")
    printer = printer_of(emulator)
    assert [print_slip(printer) for _ in range(3)] == ["", "", ""]
    assert printer.paper_left() is None


def test_a_coarser_printer_takes_more_paper_for_the_same_dots() -> None:
    fine, coarse = PaperRoll(1000, 203), PaperRoll(1000, 180)
    for roll in (fine, coarse):
        roll.saw(near_end=True, out=False)
        roll.take(2030)
    assert (fine.left_mm, coarse.left_mm) == (746, 714)


def test_an_unreadable_count_is_no_count_and_an_unwritable_one_stops_nothing(
    tmp_path: Path,
) -> None:
    spoilt = tmp_path / "roll.json"
    spoilt.write_text("[]")
    assert PaperRoll(1000, 203, spoilt).left_mm is None
    roll = PaperRoll(1000, 203, tmp_path / "gone" / "roll.json")
    roll.saw(near_end=True, out=False)
    assert roll.left_mm == 1000


def test_paper_that_ran_out_was_another_roll() -> None:
    roll = PaperRoll(100, 203)
    roll.saw(near_end=True, out=False)
    roll.take(1000)
    with pytest.raises(DeviceError) as caught:
        roll.require(200)
    assert caught.value.code == Fault.RECEIPT_PAPER_SHORT
    roll.saw(near_end=True, out=True)
    roll.saw(near_end=True, out=False)
    roll.require(200)


def presenting(emulator: EscposEmulator, *, retracts: bool = True) -> EscposPrinter:
    emulator.set(presenter=True, retracts=retracts)
    return printer_of(emulator, traits=Traits(present_steps=12))


def test_a_slip_in_the_exit_is_a_warning_until_it_is_taken(emulator: EscposEmulator) -> None:
    printer = presenting(emulator)
    assert not asyncio.run(printer.slip_waits())
    print_slip(printer)
    assert printer.status().code == Fault.RECEIPT_NOT_TAKEN
    assert asyncio.run(printer.slip_waits())
    emulator.take_slip()
    assert not asyncio.run(printer.slip_waits())
    assert (printer.status().health, printer.status().code) == (Health.READY, None)
    assert emulator.state.unknown == []


def test_a_slip_is_pulled_back_where_the_printer_can(emulator: EscposEmulator) -> None:
    printer = presenting(emulator)
    print_slip(printer)
    assert asyncio.run(printer.take_back())
    assert (emulator.state.retracted, emulator.state.at_exit) == (1, False)
    stubborn = presenting(emulator, retracts=False)
    print_slip(stubborn)
    assert not asyncio.run(stubborn.take_back())
    assert stubborn.status().code == Fault.RECEIPT_NOT_TAKEN


def test_the_next_slip_never_pushes_another_persons_out(emulator: EscposEmulator) -> None:
    printer = presenting(emulator)
    print_slip(printer)
    assert print_slip(printer) == ""
    assert (emulator.state.retracted, len(emulator.receipts)) == (1, 2)
    emulator.set(retracts=False)
    assert print_slip(printer) == Fault.RECEIPT_NOT_TAKEN
    assert len(emulator.receipts) == 2
    emulator.take_slip()
    assert print_slip(printer) == ""


def test_a_presenter_that_says_nothing_is_silence(emulator: EscposEmulator) -> None:
    printer = printer_of(emulator, traits=Traits(present_steps=12))  # the device has none
    with pytest.raises(DeviceError) as caught:
        asyncio.run(printer.check())
    assert caught.value.code == Fault.RECEIPT_SILENT


def test_a_printer_without_a_presenter_is_not_asked(emulator: EscposEmulator) -> None:
    printer = printer_of(emulator)
    print_slip(printer)
    assert not asyncio.run(printer.slip_waits())
    assert asyncio.run(printer.take_back())
    assert emulator.state.unknown == []
