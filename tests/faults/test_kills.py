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


def test_a_promise_before_the_commit_is_found() -> None:
    assert kill_often(10, 1, ["run"], "promise-before-the-commit").lost


def test_a_portal_that_accepts_again_is_found() -> None:
    assert kill_often(8, 1, ["link"], "accept-again").twice
