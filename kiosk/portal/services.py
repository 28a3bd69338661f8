"""What the portal answers to kiosks besides taking in dossiers: names of businesses, papers kept
for next time, ratings.

A person is known here as in the casebook, by an HMAC, so that the tables name nobody. That a
person was proven is the word of an enrolled kiosk.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from kiosk.portal.casebook import Casebook
from kiosk.portal.errors import RefusedError
from kiosk.portal.store import Dossier, Store, manifest_of
from kiosk.portal.times import now
from kiosk.portal.vault import Vault
from offline_queue.intake import PaperInfo, PaperKeep, Problem, Rating

SCHEMA = [
    "CREATE TABLE business_names (name TEXT NOT NULL, commune TEXT NOT NULL,"
    " PRIMARY KEY (name, commune)) STRICT",
    "CREATE TABLE kept_papers (id TEXT PRIMARY KEY, person TEXT NOT NULL, dossier TEXT NOT NULL,"
    " paper INTEGER NOT NULL, kept_at TEXT NOT NULL, expires TEXT NOT NULL,"
    " UNIQUE (dossier, paper)) STRICT",
    "CREATE INDEX papers_of_person ON kept_papers (person)",
    "CREATE TABLE ratings (id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL,"
    " procedure TEXT NOT NULL, stars INTEGER NOT NULL, at TEXT NOT NULL) STRICT",
]


class Services:
    def __init__(self, store: Store, vault: Vault, casebook: Casebook, paper_days: int) -> None:
        self._store = store
        self._vault = vault
        self._casebook = casebook
        self._paper_life = timedelta(days=paper_days)

    # Business names

    def add_business_names(self, commune: str, names: list[str]) -> None:
        with self._store.transaction() as db:
            for name in names:
                db.execute(
                    "INSERT INTO business_names VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (_compared(name), _compared(commune)),
                )

    def name(self, name: str, commune: str) -> Literal["free", "taken", "unknown"]:
        """An empty list proves nothing: "unknown" for a commune whose names were never brought."""
        place = _compared(commune)
        if self._store.rows(
            "SELECT 1 FROM business_names WHERE name = ? AND commune = ?", (_compared(name), place)
        ):
            return "taken"
        known = "SELECT 1 FROM business_names WHERE commune = ? LIMIT 1"
        return "free" if self._store.rows(known, (place,)) else "unknown"

    # Papers kept for next time

    def keep_paper(self, keep: PaperKeep) -> PaperInfo:
        """The pages stay where they are, encrypted in their dossier; the same paper again is the
        same entry. Raises RefusedError (NOT_FOUND) unless it is this person's accepted dossier."""
        dossier = self._store.dossier(str(keep.dossier_id))
        if (
            dossier is None
            or dossier.receipt is None
            or not self._is_of(dossier, keep.citizen_number)
        ):
            raise RefusedError(Problem.NOT_FOUND, "no such dossier of this person")
        if keep.paper >= len(manifest_of(dossier).papers):
            raise RefusedError(Problem.NOT_FOUND, "no such paper")
        at = now()
        values = (
            str(uuid4()),
            self._casebook.citizen(keep.citizen_number),
            dossier.id,
            keep.paper,
            at.isoformat(),
            (at + self._paper_life).isoformat(),
        )
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO kept_papers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values
            )
        (kept,) = [
            info
            for info, held, paper in self._kept(keep.citizen_number)
            if (held.id, paper) == (dossier.id, keep.paper)
        ]
        return kept

    def papers(self, citizen_number: str) -> tuple[PaperInfo, ...]:
        return tuple(info for info, _, _ in self._kept(citizen_number))

    def page(self, citizen_number: str, paper_id: UUID, page: int) -> bytes:
        """JPEG; ``page`` counts from 1. Raises RefusedError (NOT_FOUND)."""
        for info, dossier, paper in self._kept(citizen_number):
            if info.id == paper_id and 1 <= page <= info.pages:
                manifest = manifest_of(dossier)
                return self._vault.open_part(manifest, manifest.papers[paper].pages[page - 1])
        raise RefusedError(Problem.NOT_FOUND, "no such page of this person")

    def _kept(self, citizen_number: str) -> list[tuple[PaperInfo, Dossier, int]]:
        rows = self._store.rows(
            "SELECT id, dossier, paper, kept_at, expires FROM kept_papers"
            " WHERE person = ? AND expires > ? ORDER BY kept_at",
            (self._casebook.citizen(citizen_number), now().isoformat()),
        )
        found = []
        for paper_id, dossier_id, paper, kept_at, expires in rows:
            dossier = self._store.dossier(dossier_id)
            if dossier is None:
                continue
            shown = manifest_of(dossier).papers[paper]
            info = PaperInfo(
                id=UUID(paper_id),
                paper_class=shown.paper_class,
                pages=len(shown.pages),
                kept_at=datetime.fromisoformat(kept_at),
                expires=datetime.fromisoformat(expires),
            )
            found.append((info, dossier, paper))
        return found

    # Ratings

    def rate(self, kiosk_id: str, rating_id: UUID, rating: Rating) -> None:
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO ratings VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    str(rating_id),
                    kiosk_id,
                    rating.procedure,
                    rating.stars,
                    rating.at.isoformat(),
                ),
            )

    def ratings(self) -> list[tuple[str, float, int]]:
        """(procedure, mean of the stars, how many rated), the unhappiest first."""
        rows = self._store.rows(
            "SELECT procedure, SUM(stars), COUNT(*) FROM ratings GROUP BY procedure"
        )
        found = [(row[0], int(row[1]) / row[2], int(row[2])) for row in rows]
        return sorted(found, key=lambda line: (line[1], line[0]))

    # Within

    def _is_of(self, dossier: Dossier, citizen_number: str) -> bool:
        line, person = self._casebook.line(dossier.id), self._casebook.citizen(citizen_number)
        return line is not None and bool(person) and hmac.compare_digest(line.citizen, person)


def _compared(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
