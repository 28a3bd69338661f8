"""kill -9 of kiosk and portal at any instant: nothing lost, nothing twice, nothing corrupt."""

from __future__ import annotations

import pytest

from tests.faults.kills import kill_often

CYCLES = 40


@pytest.mark.slow
def test_killed_at_random_instants() -> None:
    tally = kill_often(CYCLES, seed=20261124)
    assert (tally.lost, tally.twice, tally.corrupt) == ((), (), ())
    assert tally.promised >= CYCLES / 10  # a busy machine spends its time on starts
    assert tally.accepted >= tally.promised


def test_a_promise_before_the_commit_is_found() -> None:
    assert kill_often(6, 1, ["run"], "promise-before-the-commit", 1.5).lost


def test_a_portal_that_accepts_again_is_found() -> None:
    assert kill_often(6, 1, ["link"], "accept-again", 1.5).twice
