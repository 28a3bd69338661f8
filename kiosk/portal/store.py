"""Kiosks, dossiers and calls for staff in the portal's database.

SQL stands here and in modules with tables of their own; :mod:`kiosk.portal.database` says how it
is written so that SQLite and PostgreSQL both take it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

from kiosk.portal.database import Database, Rows, Transaction
from kiosk.portal.times import now
from offline_queue.manifest import Manifest

SCHEMA = [
    "CREATE TABLE kiosks (id TEXT PRIMARY KEY, public_key TEXT NOT NULL,"
    " enrolled_at TEXT NOT NULL) STRICT",
    "CREATE TABLE used_codes (hash TEXT PRIMARY KEY, public_key TEXT NOT NULL,"
    " used_at TEXT NOT NULL) STRICT",
    "CREATE TABLE dossiers ("
    " id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL REFERENCES kiosks (id), code TEXT NOT NULL,"
    " mode TEXT NOT NULL, procedure TEXT NOT NULL, manifest TEXT NOT NULL,"
    " signature TEXT NOT NULL, opened_at TEXT NOT NULL, accepted_at TEXT, receipt TEXT,"
    " processing INTEGER, number TEXT, note TEXT, facts TEXT, original_seen TEXT,"
    " decided_at TEXT, inspect_by TEXT) STRICT",
    "CREATE INDEX dossiers_by_processing ON dossiers (processing, accepted_at)",
    "CREATE INDEX dossiers_by_arrival ON dossiers (accepted_at, id)",
    "CREATE TABLE parts (dossier TEXT NOT NULL REFERENCES dossiers (id), name TEXT NOT NULL,"
    " PRIMARY KEY (dossier, name)) STRICT, WITHOUT ROWID",
    "CREATE TABLE staff_calls (kiosk_id TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL)"
    " STRICT",
]


LISTED = 100
"""Most lines of a list: what a person reads, and what one answer holds."""


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


def manifest_of(dossier: Dossier) -> Manifest:
    return Manifest.decode(dossier.manifest.encode())


_COLUMNS = ", ".join(field.name for field in fields(Dossier))


class Store:
    def __init__(self, database: Database) -> None:
        self._db = database

    def close(self) -> None:
        self._db.close()

    def transaction(self) -> AbstractContextManager[Transaction]:
        """All or nothing; an inner transaction joins the outer one."""
        return self._db.transaction()

    def rows(self, sql: str, values: Iterable[Any] = ()) -> Rows:
        """One statement: in the transaction that is open, else in one of its own."""
        return self._db.rows(sql, values)

    # Kiosks

    def public_key(self, kiosk_id: str) -> str | None:
        rows = self.rows("SELECT public_key FROM kiosks WHERE id = ?", (kiosk_id,))
        return str(rows[0][0]) if rows else None

    def enrol(self, kiosk_id: str, public_key: str, code_hash: str) -> bool:
        """False when the code was used with another key. The same key again is the same kiosk
        that lost the answer."""
        at = now().isoformat()
        with self.transaction() as db:
            if not db.execute(
                "INSERT INTO used_codes VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING hash",
                (code_hash, public_key, at),
            ):
                ((used_for,),) = db.execute(
                    "SELECT public_key FROM used_codes WHERE hash = ?", (code_hash,)
                )
                return bool(used_for == public_key)
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
        rows = self.rows(
            "SELECT kiosk_id, reason, at FROM staff_calls ORDER BY at DESC LIMIT ?", (limit,)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    # Dossiers

    def open_dossier(self, dossier: Dossier) -> Dossier:
        """Insert unless the id is known; answers the row that the database holds."""
        marks = ", ".join("?" for _ in fields(Dossier))
        values = [getattr(dossier, field.name) for field in fields(Dossier)]
        with self.transaction() as db:
            db.execute(
                f"INSERT INTO dossiers ({_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608 - column names of our own
                values,
            )
            held = self.dossier(dossier.id)
        assert held is not None
        return held

    def dossier(self, dossier_id: str) -> Dossier | None:
        """Inside a transaction nobody else can change it until the transaction's end."""
        lock = " FOR UPDATE" if self._db.in_transaction else ""
        rows = self.rows(f"SELECT {_COLUMNS} FROM dossiers WHERE id = ?{lock}", (dossier_id,))  # noqa: S608
        return Dossier(*rows[0]) if rows else None

    def accepted(self, before: str = "") -> list[Dossier]:
        """Dossiers that have a receipt, newest first, at most LISTED; those that came before the
        one with the id ``before``."""
        older = " AND (accepted_at, id) < (SELECT accepted_at, id FROM dossiers WHERE id = ?)"
        return [
            Dossier(*row)
            for row in self.rows(
                f"SELECT {_COLUMNS} FROM dossiers WHERE receipt IS NOT NULL"  # noqa: S608
                f"{older if before else ''} ORDER BY accepted_at DESC, id DESC LIMIT ?",
                (*([before] if before else []), LISTED),
            )
        ]

    def in_processing(self, mode: str, *states: Processing) -> list[Dossier]:
        """Accepted dossiers of ``mode`` in one of ``states``, oldest first, at most LISTED."""
        marks = ", ".join("?" for _ in states)
        return [
            Dossier(*row)
            for row in self.rows(
                f"SELECT {_COLUMNS} FROM dossiers WHERE mode = ? AND processing IN ({marks})"  # noqa: S608
                " ORDER BY accepted_at, id LIMIT ?",
                (mode, *map(int, states), LISTED),
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
            db.execute("INSERT INTO parts VALUES (?, ?) ON CONFLICT DO NOTHING", (dossier_id, name))

    def drop_part(self, dossier_id: str, name: str) -> None:
        with self.transaction() as db:
            db.execute("DELETE FROM parts WHERE dossier = ? AND name = ?", (dossier_id, name))

    def parts(self, dossier_id: str) -> set[str]:
        """Names of the parts that are on disk."""
        return {
            row[0] for row in self.rows("SELECT name FROM parts WHERE dossier = ?", (dossier_id,))
        }
