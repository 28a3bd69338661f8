"""Logins of staff: a random token in a cookie, its digest in the database.

A login ends after some hours, after some minutes without use, when the person leaves, and when
the account is reset or disabled.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from kiosk.portal.accounts import Role, Staff
from kiosk.portal.secret import digest
from kiosk.portal.store import Store
from kiosk.portal.times import now

SCHEMA = [
    "CREATE TABLE logins (digest TEXT PRIMARY KEY, staff TEXT NOT NULL REFERENCES staff (name),"
    " seen_at TEXT NOT NULL, expires TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT",
]
_SEEN_EVERY = timedelta(seconds=60)


class Logins:
    def __init__(self, store: Store, *, hours: int, idle_minutes: int) -> None:
        self._store = store
        self._life = timedelta(hours=hours)
        self._idle = timedelta(minutes=idle_minutes)

    def open(self, staff: Staff) -> str:
        """The cookie's value. Resetting the account makes it void."""
        token = secrets.token_urlsafe(32)
        at = now()
        with self._store.transaction() as db:
            db.execute("DELETE FROM logins WHERE expires < ?", (at.isoformat(),))
            db.execute(
                "INSERT INTO logins (digest, staff, seen_at, expires, epoch)"
                " SELECT ?, name, ?, ?, epoch FROM staff WHERE name = ?",
                (digest(token), at.isoformat(), (at + self._life).isoformat(), staff.name),
            )
        return token

    def staff_of(self, token: str) -> Staff | None:
        """None for a token that is unknown or over."""
        with self._store.transaction() as db:
            rows = list(
                db.execute(
                    "SELECT staff.name, staff.full_name, staff.role, logins.seen_at"
                    " FROM logins JOIN staff ON staff.name = logins.staff"
                    " AND staff.epoch = logins.epoch"
                    " WHERE logins.digest = ? AND logins.expires > ? AND staff.disabled_at IS NULL",
                    (digest(token), now().isoformat()),
                )
            )
            if not rows:
                return None
            name, full_name, role, seen_at = rows[0]
            unused = now() - datetime.fromisoformat(seen_at)
            if unused > self._idle:
                return None
            if unused > _SEEN_EVERY:
                self._see(token)
        return Staff(name, full_name, Role(role))

    def close(self, token: str) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM logins WHERE digest = ?", (digest(token),))

    def _see(self, token: str) -> None:
        with self._store.transaction() as db:
            db.execute(
                "UPDATE logins SET seen_at = ? WHERE digest = ?",
                (now().isoformat(), digest(token)),
            )
