"""kill -9 and power cuts in numbers: what was promised and lost must be 0.

``KIOSK_BENCH_CYCLES`` (2,000 kills) and ``KIOSK_BENCH_CUTS`` (10,000 cuts) change the numbers.
"""

from __future__ import annotations

import os

import pytest

from offline_queue import store
from tests.bench.measure import Row
from tests.faults.kills import kill_often
from tests.faults.power import Tally, cut_often

CYCLES = int(os.environ.get("KIOSK_BENCH_CYCLES", "2000"))
CUTS = int(os.environ.get("KIOSK_BENCH_CUTS", "10000"))
SEED = 20261124


def run() -> list[Row]:
    return [*_kills(), *_power()]


def _kills() -> list[Row]:
    tally = kill_often(CYCLES, SEED)
    hasty = kill_often(10, SEED, ["run"], "promise-before-the-commit", 1.5)
    again = kill_often(10, SEED, ["link"], "accept-again", 1.5)
    note = f"{tally.cycles} kills of run, link, portal; {tally.promised} dossiers promised"
    return [
        Row("kill -9: lost", len(tally.lost), "dossiers", note),
        Row("kill -9: accepted twice", len(tally.twice), "dossiers", f"{tally.accepted} accepted"),
        Row("kill -9: corrupt", len(tally.corrupt), "", " ".join(tally.corrupt[:3])),
        Row("lost, promised before the commit (must be over 0)", len(hasty.lost), "dossiers"),
        Row("twice, a portal that forgets (must be over 0)", len(again.twice), "dossiers"),
    ]


def _power() -> list[Row]:
    tally = cut_often(CUTS, SEED)
    rows = [_row("as shipped", tally)]
    with pytest.MonkeyPatch.context() as patch:
        lax = tuple(pragma.replace("= full", "= normal") for pragma in store.PRAGMAS)
        patch.setattr(store, "PRAGMAS", lax)
        rows.append(_row("synchronous=NORMAL (must be over 0)", cut_often(100, SEED)))
    rows.append(_row("no fsync of files (must be over 0)", cut_often(100, SEED, "file")))
    rows.append(_row("no fsync of folders (must be over 0)", cut_often(100, SEED, "folder")))
    return rows


def _row(what: str, tally: Tally) -> Row:
    note = f"{tally.cuts} cuts, {tally.promises} promises looked at"
    return Row(f"power: broken, {what}", len(tally.broken), "", note)
