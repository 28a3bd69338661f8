from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kiosk.portal.line import RunningPortal, TestKiosk, settings_in


@pytest.fixture(scope="session")
def stopping() -> Iterator[list[RunningPortal]]:
    """Portals that were told to stop. uvicorn takes 0.2 s for it, so the wait comes once, last."""
    told: list[RunningPortal] = []
    yield told
    for running in told:
        running.wait_for_stop()


@pytest.fixture
def portal(tmp_path: Path, stopping: list[RunningPortal]) -> Iterator[RunningPortal]:
    running = RunningPortal(settings_in(tmp_path))
    yield running
    running.tell_to_stop()
    stopping.append(running)


@pytest.fixture
def kiosk(portal: RunningPortal) -> TestKiosk:
    enrolled = TestKiosk(portal, "kiosk-01")
    assert enrolled.enrol().status_code == 200
    return enrolled


@pytest.fixture
def other_kiosk(portal: RunningPortal) -> TestKiosk:
    enrolled = TestKiosk(portal, "kiosk-02")
    assert enrolled.enrol().status_code == 200
    return enrolled
