"""The portal's database: one SQLite file, one connection, every change in one transaction.

WAL with ``synchronous=FULL``: what a kiosk was told is on disk survives a power cut. Only the
register book (:mod:`kiosk.portal.register`) writes SQL besides this module, for its own tables.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import apsw

from kiosk.portal.times import now

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE kiosks (id TEXT PRIMARY KEY, public_key TEXT NOT NULL, enrolled_at TEXT NOT NULL)
    STRICT;
CREATE TABLE used_codes (hash TEXT PRIMARY KEY, public_key TEXT NOT NULL, used_at TEXT NOT NULL)
    STRICT;
CREATE TABLE dossiers (
    id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL REFERENCES kiosks (id), code TEXT NOT NULL,
    mode TEXT NOT NULL, procedure TEXT NOT NULL, manifest TEXT NOT NULL, signature TEXT NOT NULL,
    opened_at TEXT NOT NULL, accepted_at TEXT, receipt TEXT, processing INTEGER, number TEXT,
    note TEXT, facts TEXT, original_seen TEXT, decided_at TEXT, inspect_by TEXT) STRICT;
CREATE INDEX dossiers_by_processing ON dossiers (processing, accepted_at);
CREATE TABLE parts (dossier TEXT NOT NULL REFERENCES dossiers (id), name TEXT NOT NULL,
    PRIMARY KEY (dossier, name)) STRICT, WITHOUT ROWID;
CREATE TABLE counters (kind TEXT NOT NULL, year INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (kind, year)) STRICT, WITHOUT ROWID;
CREATE TABLE leases (id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL REFERENCES kiosks (id),
    kind TEXT NOT NULL, year INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    expires TEXT NOT NULL, made_at TEXT NOT NULL) STRICT;
CREATE TABLE register (year INTEGER NOT NULL, book TEXT NOT NULL, number INTEGER NOT NULL,
    dossier TEXT NOT NULL UNIQUE REFERENCES dossiers (id), id_code TEXT NOT NULL UNIQUE,
    paper TEXT NOT NULL, applicant TEXT NOT NULL, copies INTEGER NOT NULL, officer TEXT NOT NULL,
    entered_at TEXT NOT NULL, PRIMARY KEY (year, book, number)) STRICT;
CREATE TABLE staff_calls (kiosk_id TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL) STRICT;
"""


class Processing(IntEnum):
    """States of a dossier as the portals of the provinces number them."""

    RECEIVED = 1
    ACCEPTED = 2
    REFUSED = 3
    PROCESSING = 4
    SUPPLEMENT = 5
    FINANCIAL_DUTY = 6
    WITHDRAWN = 7
    STOPPED = 8
    DONE = 9
    RETURNED = 10


@dataclass(frozen=True, slots=True)
class Dossier:
    """A row of ``dossiers``. ``accepted_at`` and ``receipt`` are None while parts are missing;
    instants are ISO 8601 in UTC; ``facts`` is the JSON of the statement on the copy."""

    id: str
    kiosk_id: str
    code: str
    mode: str
    procedure: str
    manifest: str
    signature: str
    opened_at: str
    accepted_at: str | None
    receipt: str | None
    processing: int | None
    number: str | None
    note: str | None
    facts: str | None
    original_seen: str | None
    decided_at: str | None
    inspect_by: str | None


_COLUMNS = ", ".join(field.name for field in fields(Dossier))


class Store:
    def __init__(self, file: Path, more_tables: Iterable[str] = ()) -> None:
        """``more_tables``: statements that make the tables of other modules."""
        self._lock = threading.RLock()
        self._db = apsw.Connection(str(file))
        self._db.set_busy_timeout(5000)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        with self.transaction() as db:
            version = db.execute("PRAGMA user_version").fetchall()[0][0]
            if version not in (0, SCHEMA_VERSION):
                raise ValueError(f"{file}: schema {version}, this program knows {SCHEMA_VERSION}")
            if version == 0:
                db.execute(_SCHEMA)
                for statement in more_tables:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """All or nothing, one at a time; an inner transaction joins the outer one."""
        with self._lock, self._db:
            yield self._db

    def _rows(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return list(self._db.execute(sql, tuple(values)))

    # Kiosks

    def public_key(self, kiosk_id: str) -> str | None:
        rows = self._rows("SELECT public_key FROM kiosks WHERE id = ?", (kiosk_id,))
        return str(rows[0][0]) if rows else None

    def enrol(self, kiosk_id: str, public_key: str, code_hash: str) -> bool:
        """False when the code was used with another key. The same key again is the same kiosk
        that lost the answer."""
        with self.transaction() as db:
            used = self._rows("SELECT public_key FROM used_codes WHERE hash = ?", (code_hash,))
            if used:
                return bool(used[0][0] == public_key)
            at = now().isoformat()
            db.execute("INSERT INTO used_codes VALUES (?, ?, ?)", (code_hash, public_key, at))
            db.execute(
                "INSERT INTO kiosks VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET public_key = excluded.public_key, enrolled_at = excluded.enrolled_at",
                (kiosk_id, public_key, at),
            )
        return True

    def call_staff(self, kiosk_id: str, reason: str) -> None:
        with self.transaction() as db:
            db.execute(
                "INSERT INTO staff_calls VALUES (?, ?, ?)", (kiosk_id, reason, now().isoformat())
            )

    def staff_calls(self, limit: int) -> list[tuple[str, str, str]]:
        """(kiosk, reason, instant), newest first."""
        rows = self._rows(
            "SELECT kiosk_id, reason, at FROM staff_calls ORDER BY at DESC LIMIT ?", (limit,)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    # Dossiers

    def open_dossier(self, dossier: Dossier) -> Dossier:
        """Insert unless the id is known; answers the row that the database holds."""
        marks = ", ".join("?" for _ in fields(Dossier))
        values = [getattr(dossier, field.name) for field in fields(Dossier)]
        with self.transaction() as db:
            db.execute(f"INSERT OR IGNORE INTO dossiers ({_COLUMNS}) VALUES ({marks})", values)  # noqa: S608 - column names of our own
            held = self.dossier(dossier.id)
        assert held is not None
        return held

    def dossier(self, dossier_id: str) -> Dossier | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM dossiers WHERE id = ?", (dossier_id,))  # noqa: S608
        return Dossier(*rows[0]) if rows else None

    def accepted(self) -> list[Dossier]:
        """All dossiers that have a receipt, newest first."""
        return [
            Dossier(*row)
            for row in self._rows(
                f"SELECT {_COLUMNS} FROM dossiers WHERE receipt IS NOT NULL"  # noqa: S608
                " ORDER BY accepted_at DESC, id DESC"
            )
        ]

    def in_processing(self, mode: str, *states: Processing) -> list[Dossier]:
        """Accepted dossiers of ``mode`` in one of ``states``, oldest first."""
        marks = ", ".join("?" for _ in states)
        return [
            Dossier(*row)
            for row in self._rows(
                f"SELECT {_COLUMNS} FROM dossiers WHERE mode = ? AND processing IN ({marks})"  # noqa: S608
                " ORDER BY accepted_at, id",
                (mode, *map(int, states)),
            )
        ]

    def change(self, dossier_id: str, **values: str | int | None) -> None:
        """Set columns of a dossier. The names come from this program, never from a request."""
        changes = ", ".join(f"{name} = ?" for name in values)
        with self.transaction() as db:
            db.execute(
                f"UPDATE dossiers SET {changes} WHERE id = ?",  # noqa: S608
                (*values.values(), dossier_id),
            )

    def keep_part(self, dossier_id: str, name: str) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO parts VALUES (?, ?)", (dossier_id, name))

    def parts(self, dossier_id: str) -> set[str]:
        """Names of the parts that are on disk."""
        return {
            row[0] for row in self._rows("SELECT name FROM parts WHERE dossier = ?", (dossier_id,))
        }
