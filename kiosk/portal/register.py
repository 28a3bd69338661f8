"""The register book of certified copies, and the blocks of numbers leased to kiosks.

Decree 23/2015: one number per document, continuous through the year from 1, the book kept for
ever. Numbers given at the desk and blocks leased to kiosks come from the same counter, so no
number exists twice; a number of a block is entered in the book when its dossier arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from certify.statement import CopyFacts
from kiosk.portal.revocations import Void
from kiosk.portal.store import LISTED, Store
from kiosk.portal.times import end_of_year, now
from offline_queue.intake import Lease
from offline_queue.manifest import Manifest

SCHEMA = [
    "CREATE TABLE counters (kind TEXT NOT NULL, year INTEGER NOT NULL, next INTEGER NOT NULL,"
    " PRIMARY KEY (kind, year)) STRICT, WITHOUT ROWID",
    "CREATE TABLE leases (id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL REFERENCES kiosks (id),"
    " kind TEXT NOT NULL, year INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " expires TEXT NOT NULL, made_at TEXT NOT NULL) STRICT",
    "CREATE INDEX leases_by_kiosk ON leases (kiosk_id, kind, year)",
    "CREATE TABLE register (year INTEGER NOT NULL, book TEXT NOT NULL, number INTEGER NOT NULL,"
    " dossier TEXT NOT NULL UNIQUE REFERENCES dossiers (id), id_code TEXT NOT NULL UNIQUE,"
    " paper TEXT NOT NULL, applicant TEXT NOT NULL, copies INTEGER NOT NULL,"
    " officer TEXT NOT NULL, entered_at TEXT NOT NULL, PRIMARY KEY (year, book, number)) STRICT",
]

Kind = Literal["dossier", "certificate"]
Series = Kind | Literal["id-code", "receipt"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the book. ``entered_at`` is ISO 8601 in UTC; ``void``: why the line no
    longer counts, which only the whole book says."""

    year: int
    book: str
    number: int
    dossier: str
    id_code: str
    paper: str
    applicant: str
    copies: int
    officer: str
    entered_at: str
    void: Void | None = None


class Register:
    """``book`` names the book of a year: a format with ``{year}``."""

    def __init__(self, store: Store, book: str) -> None:
        self._store = store
        self._book = book

    def book(self, year: int) -> str:
        return self._book.format(year=year)

    def draw(self, series: Series, year: int, count: int = 1) -> int:
        """Take the next ``count`` numbers; answers the first. They are never given again."""
        with self._store.transaction() as db:
            ((following,),) = db.execute(
                "INSERT INTO counters (kind, year, next) VALUES (?, ?, ?) ON CONFLICT (kind, year)"
                " DO UPDATE SET next = counters.next + ? RETURNING next",
                (series, year, 1 + count, count),
            )
        assert isinstance(following, int)
        return following - count

    def lease(self, kiosk_id: str, kind: Kind, year: int, count: int, life: timedelta) -> Lease:
        """A block for one kiosk. It ends with ``life`` or with the year, whichever is first."""
        with self._store.transaction() as db:
            first = self.draw(kind, year, count)
            lease = Lease(
                id=uuid4(),
                kind=kind,
                year=year,
                first=first,
                last=first + count - 1,
                book=self.book(year),
                expires=min(now() + life, end_of_year(year)),
            )
            db.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    str(lease.id), kiosk_id, kind, year, lease.first, lease.last,
                    lease.expires.isoformat(), now().isoformat(),
                ),
            )  # fmt: skip
        return lease

    def lease_end(self, kiosk_id: str, year: int, number: int) -> datetime | None:
        """Until when that kiosk had this certificate number, None when it never had it."""
        rows = self._store.rows(
            "SELECT expires FROM leases WHERE kind = 'certificate' AND kiosk_id = ?"
            " AND year = ? AND ? BETWEEN first AND last",
            (kiosk_id, year, number),
        )
        return datetime.fromisoformat(rows[0][0]) if rows else None

    def may_come(self, year: int, number: int, id_code: str) -> bool:
        """May a kiosk have issued this number, of which no line tells yet?"""
        if number >= 2**63:  # more than the databases compare
            return False
        leased = self._store.rows(
            "SELECT 1 FROM leases WHERE kind = 'certificate' AND year = ?"
            " AND ? BETWEEN first AND last",
            (year, number),
        )
        entered = self._store.rows(
            "SELECT 1 FROM register WHERE id_code = ? OR (year = ? AND number = ?)",
            (id_code, year, number),
        )
        return bool(leased) and not entered

    def enter(self, entry: Entry) -> bool:
        """Write a line; False when number, dossier or id code already stand in the book."""
        with self._store.transaction() as db:
            return bool(
                db.execute(
                    "INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING RETURNING number",
                    (
                        entry.year, entry.book, entry.number, entry.dossier, entry.id_code,
                        entry.paper, entry.applicant, entry.copies, entry.officer,
                        entry.entered_at,
                    ),
                )
            )  # fmt: skip

    def signed_by(self, dossier_id: str, officer: str) -> None:
        """Who inspected a copy that a kiosk issued; until then nobody stands in its line."""
        with self._store.transaction() as db:
            db.execute("UPDATE register SET officer = ? WHERE dossier = ?", (officer, dossier_id))

    def entry_of(self, id_code: str) -> Entry | None:
        rows = self._store.rows("SELECT * FROM register WHERE id_code = ?", (id_code,))
        return Entry(*rows[0]) if rows else None

    def entries(self, year: int, after: int = 0) -> list[Entry]:
        """In the order of their numbers, at most LISTED; those with a number over ``after``."""
        return [
            Entry(*row)
            for row in self._store.rows(
                "SELECT * FROM register WHERE year = ? AND number > ? ORDER BY number LIMIT ?",
                (year, after, LISTED),
            )
        ]


def shown_number(facts: CopyFacts) -> str:
    """As the statement on the copy prints it."""
    return f"{facts.number:02d}"


def entry_of(facts: CopyFacts, manifest: Manifest, applicant: str) -> Entry:
    return Entry(
        year=facts.year,
        book=facts.book,
        number=facts.number,
        dossier=str(manifest.id),
        id_code=facts.id_code,
        paper=", ".join(paper.paper_class for paper in manifest.papers),
        applicant=applicant,
        copies=facts.copies,
        officer=facts.officer,
        entered_at=now().isoformat(),
    )
