"""What the portal notes of a dossier beside the dossier itself: for whom, due when, what happened.

People are HMACs of their citizen number, so that theirs can be found and nobody can be read. The
slip secret is kept as a salted scrypt digest. Days are those of Vietnam.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import uuid4

from kiosk.portal.answers import Answers
from kiosk.portal.catalogue import Catalogue, due_at
from kiosk.portal.secret import derive, keyed
from kiosk.portal.store import Processing, Store
from kiosk.portal.times import VIETNAM, now
from kiosk.portal.vouched import VOUCHED_WORDS, is_vouched
from offline_queue.manifest import Manifest

SCHEMA = [
    "CREATE TABLE casebook (dossier TEXT PRIMARY KEY REFERENCES dossiers (id),"
    " code TEXT NOT NULL, agency TEXT NOT NULL, procedure TEXT NOT NULL, citizen TEXT NOT NULL,"
    " salt TEXT NOT NULL, secret TEXT NOT NULL, received_at TEXT NOT NULL,"
    " received_day TEXT NOT NULL, due_at TEXT NOT NULL, ended_at TEXT, ended_day TEXT,"
    " officer TEXT, parent TEXT) STRICT",
    "CREATE INDEX casebook_by_code ON casebook (code)",
    "CREATE INDEX casebook_by_citizen ON casebook (citizen, received_at)",
    "CREATE INDEX casebook_by_day ON casebook (received_day)",
    "CREATE INDEX casebook_by_end ON casebook (ended_day)",
    "CREATE TABLE case_events (id TEXT PRIMARY KEY, dossier TEXT NOT NULL REFERENCES dossiers (id),"
    " at TEXT NOT NULL, state INTEGER NOT NULL, staff TEXT, words TEXT) STRICT",
    "CREATE INDEX case_events_by_dossier ON case_events (dossier, at)",
]
ENDS = frozenset(
    {
        Processing.REFUSED,
        Processing.WITHDRAWN,
        Processing.STOPPED,
        Processing.DONE,
        Processing.RETURNED,
    }
)
_SALT_BYTES = 16
_SCRYPT = {"n": 2**12, "r": 8, "p": 1}  # about 10 ms and 4 MiB: strangers make the portal do it


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A row of ``casebook``; instants are ISO 8601 in UTC, days ISO dates."""

    dossier: str
    code: str
    agency: str
    procedure: str
    citizen: str
    salt: str
    secret: str
    received_at: str
    received_day: str
    due_at: str
    ended_at: str | None
    ended_day: str | None
    officer: str | None
    parent: str | None

    @property
    def late(self) -> bool:
        return (self.ended_at or now().isoformat()) > self.due_at


@dataclass(frozen=True, slots=True)
class CaseEvent:
    at: str
    state: int
    staff: str | None
    words: str | None


_COLUMNS = ", ".join(field.name for field in fields(CaseLine))


class Casebook:
    def __init__(
        self,
        store: Store,
        secret: bytes,
        catalogue: Catalogue,
        holidays: Collection[date] = (),
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self._people = derive(secret, "citizens")
        self._holidays = holidays

    def open(self, manifest: Manifest, answers: Answers, received: datetime) -> None:
        """On arrival, in the transaction of acceptance. Times count from the portal's clock."""
        salt = secrets.token_hex(_SALT_BYTES)
        facts = self.catalogue.procedure(manifest.procedure)
        due = due_at(received, facts, self._holidays).astimezone(received.tzinfo)
        with self._store.transaction() as db:
            db.execute(
                f"INSERT INTO casebook ({_COLUMNS})"  # noqa: S608 - names of our own
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?)",
                (
                    str(manifest.id), manifest.code, manifest.agency, facts.id,
                    self.citizen(answers.applicant.citizen_number), salt,
                    digest(answers.slip_secret, salt) if answers.slip_secret else "",
                    received.isoformat(), _day(received), due.isoformat(),
                    str(manifest.parent) if manifest.parent else None,
                ),
            )  # fmt: skip
        words = VOUCHED_WORDS if is_vouched(manifest) else None
        self.event(str(manifest.id), Processing.RECEIVED, words=words)

    def event(
        self,
        dossier_id: str,
        state: Processing,
        staff: str | None = None,
        words: str | None = None,
    ) -> None:
        """``staff``: the full name of who did it. The first end of a dossier is its end."""
        at = now()
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO case_events VALUES (?, ?, ?, ?, ?, ?)",
                (str(uuid4()), dossier_id, at.isoformat(), int(state), staff, words),
            )
            if staff:
                db.execute("UPDATE casebook SET officer = ? WHERE dossier = ?", (staff, dossier_id))
            if state in ENDS:
                db.execute(
                    "UPDATE casebook SET ended_at = ?, ended_day = ?"
                    " WHERE dossier = ? AND ended_at IS NULL",
                    (at.isoformat(), _day(at), dossier_id),
                )

    def line(self, dossier_id: str) -> CaseLine | None:
        """None for what came before there was a casebook."""
        found = self._lines("dossier = ?", dossier_id)
        return found[0] if found else None

    def of_code(self, code: str) -> list[CaseLine]:
        return self._lines("code = ?", code)

    def of_citizen(self, citizen_number: str) -> list[CaseLine]:
        """Newest first."""
        return self._lines("citizen = ?", self.citizen(citizen_number)) if citizen_number else []

    def children(self, dossier_id: str) -> list[CaseLine]:
        return self._lines("parent = ?", dossier_id)

    def received(self, first: date, last: date) -> list[CaseLine]:
        """What came in on these days, oldest first."""
        return [
            CaseLine(*row)
            for row in self._store.rows(
                f"SELECT {_COLUMNS} FROM casebook WHERE received_day BETWEEN ? AND ?"  # noqa: S608
                " ORDER BY received_at, dossier",
                (first.isoformat(), last.isoformat()),
            )
        ]

    def events(self, dossier_id: str) -> list[CaseEvent]:
        """Oldest first."""
        return [
            CaseEvent(*row)
            for row in self._store.rows(
                "SELECT at, state, staff, words FROM case_events WHERE dossier = ? ORDER BY at",
                (dossier_id,),
            )
        ]

    def citizen(self, citizen_number: str) -> str:
        """Empty for nobody: people without a number are not the same person."""
        return keyed(self._people, citizen_number) if citizen_number else ""

    def _lines(self, condition: str, value: str) -> list[CaseLine]:
        return [
            CaseLine(*row)
            for row in self._store.rows(
                f"SELECT {_COLUMNS} FROM casebook WHERE {condition}"  # noqa: S608 - no input
                " ORDER BY received_at DESC",
                (value,),
            )
        ]


def is_secret(line: CaseLine, offered: str) -> bool:
    return hmac.compare_digest(digest(offered, line.salt), line.secret)


def digest(secret: str, salt: str) -> str:
    """scrypt: 50 random bits, so a stolen table is not searched in an afternoon."""
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), dklen=32, **_SCRYPT).hex()


def _day(instant: datetime) -> str:
    return instant.astimezone(VIETNAM).date().isoformat()
