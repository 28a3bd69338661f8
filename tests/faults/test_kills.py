"""kill -9 of kiosk and portal at any instant: nothing lost, nothing twice, nothing corrupt."""

from __future__ import annotations

import pytest

from tests.faults.kills import kill_often

CYCLES = 40


@pytest.mark.slow
def test_killed_at_random_instants() -> None:
    tally = kill_often(CYCLES, seed=20261124)
    assert (tally.lost, tally.twice, tally.corrupt) == ((), (), ())
    assert tally.promised >= CYCLES / 4
    assert tally.accepted >= tally.promised
