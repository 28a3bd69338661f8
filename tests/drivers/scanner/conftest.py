"""The emulated scanner that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers import scanner as scanner_module
from drivers.emulators.escl import EsclScanner
from tests.drivers.scanner.story import SHEETS


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner_module, "_BUSY_PATIENCE", 0.0)


@pytest.fixture(scope="module")
def emulator() -> Iterator[EsclScanner]:
    with EsclScanner() as device:
        yield device


@pytest.fixture
def device(emulator: EsclScanner) -> EsclScanner:
    """Three sheets in the feeder, no fault."""
    emulator.repair()
    emulator.load(SHEETS)
    emulator.state.pages_delivered = 0
    return emulator
