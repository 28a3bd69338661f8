"""What the portal answers to kiosks besides taking in dossiers: tracking, one-time codes, names of
businesses, papers kept for next time, ratings.

A person is known here by an HMAC of the citizen number under a key of this portal, so that the
tables name nobody. That a person was proven is the word of an enrolled kiosk.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from kiosk.portal.answers import ANSWERS, Person
from kiosk.portal.errors import RefusedError
from kiosk.portal.files import write_once
from kiosk.portal.store import Dossier, Store
from kiosk.portal.times import now
from kiosk.portal.vault import Vault
from offline_queue.errors import QueueError
from offline_queue.intake import PaperInfo, PaperKeep, Problem, Rating, TrackAsk, TrackedDossier
from offline_queue.manifest import Manifest

SCHEMA = [
    "CREATE TABLE dossier_persons (dossier TEXT PRIMARY KEY, person TEXT NOT NULL,"
    " accepted_at TEXT NOT NULL) STRICT",
    "CREATE INDEX dossiers_of_person ON dossier_persons (person)",
    "CREATE INDEX latest_dossier_person ON dossier_persons (accepted_at)",
    "CREATE INDEX dossiers_by_code ON dossiers (code)",
    "CREATE TABLE tracking_misses (subject TEXT NOT NULL, at TEXT NOT NULL) STRICT",
    "CREATE INDEX misses_of_subject ON tracking_misses (subject, at)",
    "CREATE TABLE confirmations (id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL,"
    " recipient TEXT NOT NULL, code TEXT NOT NULL, tries_left INTEGER NOT NULL,"
    " made_at TEXT NOT NULL, expires TEXT NOT NULL) STRICT",
    "CREATE INDEX confirmations_of_recipient ON confirmations (recipient, made_at)",
    "CREATE TABLE business_names (name TEXT NOT NULL, commune TEXT NOT NULL,"
    " PRIMARY KEY (name, commune)) STRICT",
    "CREATE TABLE kept_papers (id TEXT PRIMARY KEY, person TEXT NOT NULL, dossier TEXT NOT NULL,"
    " paper INTEGER NOT NULL, kept_at TEXT NOT NULL, expires TEXT NOT NULL,"
    " UNIQUE (dossier, paper)) STRICT",
    "CREATE INDEX papers_of_person ON kept_papers (person)",
    "CREATE TABLE ratings (id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL,"
    " procedure TEXT NOT NULL, stars INTEGER NOT NULL, at TEXT NOT NULL) STRICT",
]
MISSES_OF_A_CODE = 5
MISSES_OF_A_KIOSK = 60
MISS_WINDOW = timedelta(hours=1)
_MAY_COME_LATE = timedelta(minutes=10)
"""Between the instant in ``accepted_at`` and its commit: looked at again."""


class Sealed(BaseModel):
    """What is needed here of ``answers.json``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    applicant: Person
    slip_secret: str = ""


class Services:
    def __init__(self, store: Store, vault: Vault, keys: Path, paper_days: int) -> None:
        self._store = store
        self._vault = vault
        self._paper_life = timedelta(days=paper_days)
        file = keys / "person.key"
        if not file.exists():
            write_once(file, secrets.token_bytes(32))
        self._person_key = file.read_bytes()

    # Tracking

    def track(self, kiosk_id: str, asked: TrackAsk) -> tuple[TrackedDossier, ...]:
        """Raises RefusedError: NOT_FOUND for any pair that does not fit, TOO_MANY after that
        happened too often, BAD_REQUEST when neither a pair nor a person is named."""
        if asked.citizen_number:
            return tuple(_tracked(found) for found in self._of_person(asked.citizen_number))
        if not asked.code or not asked.secret:
            raise RefusedError(Problem.BAD_REQUEST, "code and secret, or citizen_number")
        subjects = {f"code:{asked.code}": MISSES_OF_A_CODE, f"kiosk:{kiosk_id}": MISSES_OF_A_KIOSK}
        self._require_few_misses(subjects)
        for dossier in self._by_code(asked.code):
            secret = self._sealed(dossier).slip_secret
            if secret and hmac.compare_digest(secret.encode(), _plain_secret(asked.secret)):
                return (_tracked(dossier),)
        self._note_misses(subjects)
        raise RefusedError(Problem.NOT_FOUND, "no dossier with this code and secret")

    def _by_code(self, code: str) -> list[Dossier]:
        rows = self._store.rows(
            "SELECT id FROM dossiers WHERE code = ? AND receipt IS NOT NULL", (code,)
        )
        return self._dossiers(row[0] for row in rows)

    def _of_person(self, citizen_number: str) -> list[Dossier]:
        self._index_new()
        rows = self._store.rows(
            "SELECT dossier FROM dossier_persons WHERE person = ?"
            " ORDER BY accepted_at DESC LIMIT 20",
            (self._person(citizen_number),),
        )
        return self._dossiers(row[0] for row in rows)

    def _index_new(self) -> None:
        """Whose dossier it is stands in its encrypted part: opened once, when first needed."""
        (latest,) = self._store.rows("SELECT MAX(accepted_at) FROM dossier_persons")[0]
        since = (datetime.fromisoformat(latest) - _MAY_COME_LATE).isoformat() if latest else ""
        rows = self._store.rows(
            "SELECT id FROM dossiers WHERE receipt IS NOT NULL AND accepted_at >= ?"
            " AND id NOT IN (SELECT dossier FROM dossier_persons WHERE accepted_at >= ?)",
            (since, since),
        )
        for dossier in self._dossiers(row[0] for row in rows):
            person = self._person(self._sealed(dossier).applicant.citizen_number)
            with self._store.transaction() as db:
                db.execute(
                    "INSERT INTO dossier_persons VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (dossier.id, person, dossier.accepted_at),
                )

    def _require_few_misses(self, subjects: dict[str, int]) -> None:
        since = (now() - MISS_WINDOW).isoformat()
        self._store.rows("DELETE FROM tracking_misses WHERE at < ?", (since,))
        count = "SELECT COUNT(*) FROM tracking_misses WHERE subject = ?"
        for subject, limit in subjects.items():
            if self._store.rows(count, (subject,))[0][0] >= limit:
                wait = int(MISS_WINDOW.total_seconds())
                raise RefusedError(Problem.TOO_MANY, "ask again later", retry_after=wait)

    def _note_misses(self, subjects: dict[str, int]) -> None:
        with self._store.transaction() as db:
            for subject in subjects:
                db.execute(
                    "INSERT INTO tracking_misses VALUES (?, ?)", (subject, now().isoformat())
                )

    # Business names

    def add_business_names(self, commune: str, names: list[str]) -> None:
        with self._store.transaction() as db:
            for name in names:
                db.execute(
                    "INSERT INTO business_names VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (_compared(name), _compared(commune)),
                )

    def is_taken(self, name: str, commune: str) -> bool:
        found = self._store.rows(
            "SELECT 1 FROM business_names WHERE name = ? AND commune = ?",
            (_compared(name), _compared(commune)),
        )
        return bool(found)

    # Papers kept for next time

    def keep_paper(self, keep: PaperKeep) -> PaperInfo:
        """The pages stay where they are, encrypted in their dossier; the same paper again is the
        same entry. Raises RefusedError (NOT_FOUND) unless it is this person's accepted dossier."""
        dossier = self._store.dossier(str(keep.dossier_id))
        if dossier is None or dossier.receipt is None or not self._is_of(dossier, keep):
            raise RefusedError(Problem.NOT_FOUND, "no such dossier of this person")
        if keep.paper >= len(_manifest(dossier).papers):
            raise RefusedError(Problem.NOT_FOUND, "no such paper")
        at = now()
        values = (
            str(uuid4()),
            self._person(keep.citizen_number),
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
                manifest = _manifest(dossier)
                return self._vault.open_part(manifest, manifest.papers[paper].pages[page - 1])
        raise RefusedError(Problem.NOT_FOUND, "no such page of this person")

    def _kept(self, citizen_number: str) -> list[tuple[PaperInfo, Dossier, int]]:
        rows = self._store.rows(
            "SELECT id, dossier, paper, kept_at, expires FROM kept_papers"
            " WHERE person = ? AND expires > ? ORDER BY kept_at",
            (self._person(citizen_number), now().isoformat()),
        )
        found = []
        for paper_id, dossier_id, paper, kept_at, expires in rows:
            for dossier in self._dossiers([dossier_id]):
                shown = _manifest(dossier).papers[paper]
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

    def ratings(self) -> list[tuple[str, str, int]]:
        """(kiosk, procedure, stars) of all."""
        rows = self._store.rows("SELECT kiosk_id, procedure, stars FROM ratings ORDER BY at, id")
        return [(row[0], row[1], row[2]) for row in rows]

    # Within

    def _dossiers(self, ids: Iterable[str]) -> list[Dossier]:
        found = [self._store.dossier(each) for each in ids]
        return [dossier for dossier in found if dossier is not None]

    def _sealed(self, dossier: Dossier) -> Sealed:
        try:
            return Sealed.model_validate_json(self._vault.open_part(_manifest(dossier), ANSWERS))
        except (QueueError, ValidationError):  # it opened when it was accepted
            raise RefusedError(Problem.UNAVAILABLE, "a dossier cannot be read") from None

    def _is_of(self, dossier: Dossier, keep: PaperKeep) -> bool:
        number = self._sealed(dossier).applicant.citizen_number
        return hmac.compare_digest(number.encode(), keep.citizen_number.encode())

    def _person(self, citizen_number: str) -> str:
        return hmac.new(self._person_key, citizen_number.encode(), hashlib.sha256).hexdigest()


def _manifest(dossier: Dossier) -> Manifest:
    return Manifest.decode(dossier.manifest.encode())


def _tracked(dossier: Dossier) -> TrackedDossier:
    assert dossier.accepted_at is not None
    assert dossier.processing is not None
    return TrackedDossier(
        code=dossier.code,
        procedure=dossier.procedure,
        processing=dossier.processing,
        accepted_at=datetime.fromisoformat(dossier.accepted_at),
        number=dossier.number,
        note=dossier.note,
    )


def _plain_secret(typed: str) -> bytes:
    """As people type it: small letters, O and I for digits (Crockford), the printed dash."""
    return typed.upper().translate(str.maketrans("OIL", "011", "- ")).encode()


def _compared(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
