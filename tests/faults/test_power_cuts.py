"""Power goes at any instant, with any part of what was not synced: nothing promised is lost."""

from __future__ import annotations

from typing import Literal

import pytest

from offline_queue import store
from tests.faults.power import cut_often

CUTS = 400


@pytest.mark.slow
def test_nothing_that_was_promised_is_lost() -> None:
    tally = cut_often(CUTS, seed=20261124)
    assert tally.broken == ()
    assert tally.cuts == CUTS
    assert tally.promises > 10 * CUTS


@pytest.mark.parametrize("skip", ["file", "folder"])
def test_a_forgotten_fsync_is_found(skip: Literal["file", "folder"]) -> None:
    assert cut_often(CUTS, seed=1, skip=skip).broken


def test_a_database_that_does_not_sync_its_commits_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lax = tuple(pragma.replace("= full", "= normal") for pragma in store.PRAGMAS)
    assert lax != store.PRAGMAS
    monkeypatch.setattr(store, "PRAGMAS", lax)
    assert any("lost" in problem for problem in cut_often(CUTS, seed=2).broken)
