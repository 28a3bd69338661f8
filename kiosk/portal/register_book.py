"""The register book of a year as it is kept for ever: every number, and why one is missing.

Numbers run on from 1. One that stands in no line was given away in a block to a kiosk (which may
still use it, or whose lease ended), or was burned there before anything came of it, which shows
only when a later number of its block came. What is known is said; an officer may add why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from kiosk.portal.register import Entry, Register
from kiosk.portal.revocations import voids_among
from kiosk.portal.store import LISTED, Store
from kiosk.portal.times import now, shown

SCHEMA = [
    "CREATE TABLE register_notes (year INTEGER NOT NULL, number INTEGER NOT NULL,"
    " words TEXT NOT NULL, staff TEXT NOT NULL, noted_at TEXT NOT NULL,"
    " PRIMARY KEY (year, number)) STRICT",
]
_FREE = "Cấp cho {kiosk}, chưa dùng, còn hạn đến {until}"
_ENDED = "Cấp cho {kiosk}, không dùng, hết hạn {until}"
_SKIPPED = "Cấp cho {kiosk}, đã qua mà không có bản sao về (máy hỏng hoặc dừng giữa chừng)"
_UNKNOWN = "Không có trong sổ, chưa rõ lý do"


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers ``first`` to ``last`` of which nothing stands in the book, and ``why``."""

    first: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class _Block:
    kiosk: str
    first: int
    last: int
    expires: str


class RegisterBook:
    def __init__(self, store: Store, register: Register) -> None:
        self._store = store
        self._register = register

    def book(self, year: int) -> str:
        return self._register.book(year)

    def lines(self, year: int) -> Iterator[Entry | Gap]:
        """In the order of the numbers, none left out, up to the last one that was given."""
        blocks, notes, expected = self._blocks(year), self._notes(year), 1
        for entry in self._entries(year):
            yield from self._gaps(expected, entry.number - 1, blocks, notes, entry.number)
            yield entry
            expected = entry.number + 1
        yield from self._gaps(expected, self._given(year), blocks, notes, 0)

    def counted(self, year: int) -> tuple[int, int]:
        """How many numbers of the year have a copy, and how many have none."""
        entered = missing = 0
        for line in self.lines(year):
            if isinstance(line, Gap):
                missing += line.last - line.first + 1
            else:
                entered += 1
        return entered, missing

    def explain(self, year: int, number: int, words: str, staff: str) -> bool:
        """Why ``number`` is missing, in an officer's words. False when it is not."""
        with self._store.transaction() as db:
            taken = list(
                db.execute("SELECT 1 FROM register WHERE year = ? AND number = ?", (year, number))
            )
            if taken or not 1 <= number <= self._given(year):
                return False
            db.execute(
                "INSERT INTO register_notes VALUES (?, ?, ?, ?, ?) ON CONFLICT (year, number)"
                " DO UPDATE SET words = excluded.words, staff = excluded.staff,"
                " noted_at = excluded.noted_at",
                (year, number, words, staff, now().isoformat()),
            )
        return True

    def _gaps(
        self, first: int, last: int, blocks: list[_Block], notes: dict[int, str], before: int
    ) -> Iterator[Gap]:
        """Neighbours with the same reason are one gap."""
        open_gap: Gap | None = None
        for number in range(first, last + 1):
            why = notes.get(number) or self._why(number, blocks, before)
            if open_gap and open_gap.why == why:
                open_gap = Gap(open_gap.first, number, why)
                continue
            if open_gap:
                yield open_gap
            open_gap = Gap(number, number, why)
        if open_gap:
            yield open_gap

    def _why(self, number: int, blocks: list[_Block], before: int) -> str:
        """``before``: the number of the line that follows, 0 at the end of the book."""
        block = next((block for block in blocks if block.first <= number <= block.last), None)
        if block is None:
            return _UNKNOWN
        if block.first <= before <= block.last:  # a kiosk uses its block in order
            return _SKIPPED.format(kiosk=block.kiosk)
        running = datetime.fromisoformat(block.expires) > now()
        words = _FREE if running else _ENDED
        return words.format(kiosk=block.kiosk, until=shown(block.expires))

    def _entries(self, year: int) -> Iterator[Entry]:
        after = 0
        while found := self._register.entries(year, after):
            voids = voids_among(self._store, [entry.dossier for entry in found])
            for entry in found:
                yield replace(entry, void=voids.get(entry.dossier))
            after = found[-1].number
            if len(found) < LISTED:
                return

    def _given(self, year: int) -> int:
        """The last number that was drawn, 0 when none was."""
        rows = self._store.rows(
            "SELECT next - 1 FROM counters WHERE kind = 'certificate' AND year = ?", (year,)
        )
        return int(rows[0][0]) if rows else 0

    def _blocks(self, year: int) -> list[_Block]:
        return [
            _Block(*row)
            for row in self._store.rows(
                "SELECT kiosk_id, first, last, expires FROM leases"
                " WHERE kind = 'certificate' AND year = ? ORDER BY first",
                (year,),
            )
        ]

    def _notes(self, year: int) -> dict[int, str]:
        return {
            number: f"{words} ({staff}, {shown(noted_at)})"
            for number, words, staff, noted_at in self._store.rows(
                "SELECT number, words, staff, noted_at FROM register_notes WHERE year = ?", (year,)
            )
        }
