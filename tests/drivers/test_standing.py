"""Old good news is no news; bad news stays until there is better."""

from __future__ import annotations

import asyncio

import pytest

from drivers import standing
from drivers.contract import Fault, Health
from drivers.document_printer import IppPrinter
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.ipp import IppEmulator
from drivers.receipt_printer import EscposPrinter
from drivers.standing import Standing


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was said just now is too old already."""
    monkeypatch.setattr(standing, "FRESH_SECONDS", -1.0)


def test_a_device_that_says_the_same_again_has_not_changed() -> None:
    one = Standing()
    assert one.status().health is Health.OPENING
    one.set(Health.READY)
    since = one.status().since
    one.set(Health.READY)
    assert one.status().since == since
    one.set(Health.FAULT, "x", paper_inside=True)
    assert one.status().since > since
    assert one.status().paper_inside


@pytest.mark.usefixtures("ages")
def test_only_ready_grows_old_and_its_warning_stays() -> None:
    one = Standing()
    one.set(Health.READY, Fault.RECEIPT_PAPER_LOW)
    assert one.status().health is Health.STALE
    assert one.status().code == Fault.RECEIPT_PAPER_LOW
    for health in (Health.FAULT, Health.ABSENT, Health.BUSY):
        one.set(health)
        assert one.status().health is health


@pytest.mark.usefixtures("ages")
def test_printers_that_nobody_asks_any_more_are_stale() -> None:
    slips, pages = EscposEmulator(), IppEmulator()

    async def asked() -> list[Health]:
        printers = EscposPrinter(address=slips.address), IppPrinter(uri=pages.address)
        for printer in printers:
            await printer.check()
        found = [printer.status().health for printer in printers]
        for printer in printers:
            await printer.close()
        return found

    try:
        assert asyncio.run(asked()) == [Health.STALE, Health.STALE]
    finally:
        slips.close()
        pages.close()
