"""Numbers that the register book lacks, and why: each stands in a block that a kiosk leased.

At the desk a number is drawn and entered in one transaction, so it leaves no gap. A kiosk burns a
number before anybody sees it; what becomes of the copy, its dossier tells when it arrives.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from kiosk.portal.store import Store
from kiosk.portal.times import now


class Why(StrEnum):
    """``OPEN``: the kiosk may still use them. ``BURNED``: later ones of the block came, so these
    were used up for copies that were not finished or have not arrived. ``LAPSED``: the block ended
    first; they are never given again. ``UNEXPLAINED``: in no block."""

    OPEN = "open"
    BURNED = "burned"
    LAPSED = "lapsed"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Gap:
    """``first`` to ``last`` inclusive. ``expires``: of the block, ISO 8601, or empty."""

    first: int
    last: int
    why: Why
    kiosk_id: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    last: int
    kiosk_id: str
    expires: str


def gaps(store: Store, year: int) -> list[Gap]:
    """All gaps of a year below the next number, in order."""
    used = [
        int(row[0])
        for row in store.rows("SELECT number FROM register WHERE year = ? ORDER BY number", (year,))
    ]
    blocks = [
        _Block(int(first), int(last), str(kiosk), str(expires))
        for first, last, kiosk, expires in store.rows(
            "SELECT first, last, kiosk_id, expires FROM leases"
            " WHERE kind = 'certificate' AND year = ? ORDER BY first",
            (year,),
        )
    ]
    found: list[Gap] = []
    for before, after in pairwise([0, *used, _next(store, year)]):
        if after - before > 1:
            found += _explained(before + 1, after - 1, blocks, used)
    return found


def _next(store: Store, year: int) -> int:
    rows = store.rows("SELECT next FROM counters WHERE kind = 'certificate' AND year = ?", (year,))
    return int(rows[0][0]) if rows else 1


def _explained(first: int, last: int, blocks: Sequence[_Block], used: Sequence[int]) -> list[Gap]:
    """One gap for each block that a run of missing numbers touches, and for what lies between."""
    found: list[Gap] = []
    for block in blocks:
        if block.last < first or block.first > last:
            continue
        if block.first > first:
            found.append(Gap(first, block.first - 1, Why.UNEXPLAINED))
            first = block.first
        end = min(last, block.last)
        why = _why(block, end, used)
        found.append(Gap(first, end, why, block.kiosk_id, block.expires))
        first = end + 1
    return [*found, Gap(first, last, Why.UNEXPLAINED)] if first <= last else found


def _why(block: _Block, last: int, used: Sequence[int]) -> Why:
    place = bisect_right(used, last)
    if place < len(used) and used[place] <= block.last:
        return Why.BURNED
    return Why.OPEN if datetime.fromisoformat(block.expires) > now() else Why.LAPSED
