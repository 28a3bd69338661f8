"""kill -9 of either program at any instant: nothing lost, nothing twice, nothing corrupt."""

from __future__ import annotations

from pathlib import Path

from tests.faults.kills import kill_often

CYCLES = 40


def test_killed_at_random_instants(tmp_path: Path) -> None:
    tally = kill_often(tmp_path, CYCLES, seed=20261124)
    assert (tally.lost, tally.twice, tally.corrupt) == (0, 0, 0)
    assert tally.reported >= CYCLES / 4
    assert tally.accepted >= tally.reported
