"""Thirty faults in a row, drawn at random: each is seen, each is over soon, and nothing leaks."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.drivers.image_devices import encoded, page
from tests.faults.devices import break_often


@pytest.mark.slow
def test_devices_break_and_come_back(tmp_path: Path) -> None:
    sheet, frame = encoded(page(1)), encoded(page(2, (320, 240)), "JPEG")
    tally = break_often(tmp_path, 30, 20261124, sheet, frame)
    assert not tally.unmended
    assert not tally.unseen
    assert tally.handles[1] <= tally.handles[0] + 2  # a connection of an emulator may still close
    assert tally.children[1] <= tally.children[0]
    recoveries = [seconds for times in tally.seconds.values() for seconds in times]
    assert len(recoveries) == 30
    assert statistics.median(recoveries) < 3
