"""Staff accounts: roles, a password (argon2id, RFC 9106), and a second factor (TOTP, RFC 6238).

An administrator makes an account and hands over a one-time enrolment secret; the person chooses
the password and adds the second factor alone, in a page. No password ever stands in a command
line, and nobody outside learns whether an account exists.

Wrong tries lock an account for ever longer, but only for the line that they come from; a browser
in which the person logged in before has a count of its own. So a stranger locks out nobody else.
Tries from unknown browsers are limited for the whole account besides, whatever their lines.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.limits import Limit, Limits
from kiosk.portal.second_factor import SecondFactor
from kiosk.portal.secret import code_digest, derive, keyed, new_code
from kiosk.portal.store import Store
from kiosk.portal.times import now

SCHEMA = [
    "CREATE TABLE staff (name TEXT PRIMARY KEY, full_name TEXT NOT NULL, role TEXT NOT NULL,"
    " password TEXT, totp TEXT, last_step INTEGER NOT NULL, failures INTEGER NOT NULL,"
    " locked_until TEXT, enrol_hash TEXT, enrol_until TEXT, made_at TEXT NOT NULL,"
    " disabled_at TEXT, epoch INTEGER NOT NULL) STRICT",
    "CREATE TABLE staff_actions (id TEXT PRIMARY KEY, at TEXT NOT NULL, staff TEXT NOT NULL,"
    " action TEXT NOT NULL, subject TEXT NOT NULL) STRICT",
    "CREATE INDEX staff_actions_by_time ON staff_actions (at)",
    "CREATE TABLE login_tries (staff TEXT NOT NULL REFERENCES staff (name), source TEXT NOT NULL,"
    " tries INTEGER NOT NULL, at TEXT NOT NULL, locked_until TEXT,"
    " PRIMARY KEY (staff, source)) STRICT",
]
"""``failures`` and ``locked_until`` of ``staff`` are of an older program; ``source`` is an HMAC."""

PER_ACCOUNT = Limit("login.account", most=100, seconds=3600)
LONGEST_LOCK = timedelta(hours=1)
_FREE_TRIES = 5
_FIRST_LOCK = timedelta(seconds=30)
_FORGOTTEN = timedelta(days=1)
_ENROL_LIFE = timedelta(hours=72)
_PASSWORD_LENGTH = range(12, 257)
_NAME = re.compile(r"[a-z][a-z0-9.-]{1,31}")


class Role(StrEnum):
    OFFICER = "officer"
    CHIEF = "chief"
    AUDITOR = "auditor"
    ADMIN = "admin"


class May(StrEnum):
    LOOK = "look"
    DECIDE = "decide"
    EXPORT = "export"
    COUNT = "count"
    FLEET = "fleet"
    STAFF = "staff"


_RIGHTS = {
    Role.OFFICER: {May.LOOK, May.DECIDE, May.COUNT, May.FLEET},
    Role.CHIEF: {May.LOOK, May.DECIDE, May.EXPORT, May.COUNT, May.FLEET},
    Role.AUDITOR: {May.LOOK, May.EXPORT, May.COUNT},
    Role.ADMIN: {May.COUNT, May.FLEET, May.STAFF},  # keeps accounts, sees no citizen
}


@dataclass(frozen=True, slots=True)
class Staff:
    """``full_name`` as in the person's signing certificate: copies name it."""

    name: str
    full_name: str
    role: Role

    def may(self, what: May) -> bool:
        return what in _RIGHTS[self.role]


@dataclass(frozen=True, slots=True)
class Account:
    """A line of the administrator's page."""

    staff: Staff
    enrolled: bool
    disabled: bool


class Accounts:
    """``issuer`` names the agency in the authenticator."""

    def __init__(
        self,
        store: Store,
        secret: bytes,
        issuer: str,
        limits: Limits,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._limits = limits
        self._second = SecondFactor(derive(secret, "staff-totp"), issuer)
        self._sources = derive(secret, "login-sources")
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def add(self, name: str, full_name: str, role: Role, *, by: str) -> str:
        """Answers the one-time enrolment secret. Raises ValueError for a name that is taken or
        not of the form ``[a-z][a-z0-9.-]*``."""
        if not _NAME.fullmatch(name) or not full_name.strip():
            raise ValueError("a name has 2 to 32 of a-z, 0-9, '.', '-' and starts with a letter")
        code = new_code()
        with self._store.transaction() as db:
            if not list(
                db.execute(
                    "INSERT INTO staff (name, full_name, role, last_step, failures, epoch,"
                    " enrol_hash, enrol_until, made_at) VALUES (?, ?, ?, 0, 0, 0, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING RETURNING name",
                    (name, full_name.strip(), role, code_digest(code), _until(), now().isoformat()),
                )
            ):
                raise ValueError(f"{name} exists")
            self.note(by, "staff.add", name)
        return code

    def reset(self, name: str, *, by: str) -> str:
        """A new enrolment secret; password, second factor and logins are void. Raises
        ValueError."""
        code = new_code()
        with self._store.transaction() as db:
            if not list(
                db.execute(
                    "UPDATE staff SET password = NULL, totp = NULL, enrol_hash = ?,"
                    " enrol_until = ?, disabled_at = NULL, epoch = epoch + 1"
                    " WHERE name = ? RETURNING name",
                    (code_digest(code), _until(), name),
                )
            ):
                raise ValueError(f"{name} does not exist")
            db.execute("DELETE FROM login_tries WHERE staff = ?", (name,))
            self.note(by, "staff.reset", name)
        return code

    def disable(self, name: str, *, by: str) -> None:
        """Logins under way end with it. Raises ValueError, and RefusedError: OWN_ACCOUNT, or
        LAST_ADMIN for the only one who could let anybody in again."""
        if name == by:
            raise RefusedError(DeskProblem.OWN_ACCOUNT, "nobody disables their own account")
        with self._store.transaction() as db:
            admins = [
                row[0]
                for row in db.execute(
                    "SELECT name FROM staff WHERE role = 'admin' AND disabled_at IS NULL"
                    " AND password IS NOT NULL AND enrol_hash IS NULL"
                )
            ]
            if admins == [name]:
                raise RefusedError(DeskProblem.LAST_ADMIN, "no administrator would be left")
            if not list(
                db.execute(
                    "UPDATE staff SET disabled_at = ?, password = NULL, totp = NULL,"
                    " enrol_hash = NULL, epoch = epoch + 1 WHERE name = ? RETURNING name",
                    (now().isoformat(), name),
                )
            ):
                raise ValueError(f"{name} does not exist")
            self.note(by, "staff.disable", name)

    def accounts(self) -> list[Account]:
        with self._store.transaction() as db:
            return [
                Account(Staff(row[0], row[1], Role(row[2])), bool(row[3]), bool(row[4]))
                for row in db.execute(
                    "SELECT name, full_name, role, password, disabled_at FROM staff ORDER BY name"
                )
            ]

    def begin(self, name: str, code: str, password: str) -> str:
        """First half of an enrolment: keeps the password, answers the ``otpauth`` address of the
        second factor. Nobody can log in before :meth:`finish`.

        Raises RefusedError (NOT_ALLOWED), and ValueError for a password that is too weak.
        """
        if len(password) not in _PASSWORD_LENGTH or name in password.lower():
            raise ValueError("weak")
        self._require_code(name, code)
        hidden = self._second.new(name)
        hashed = self._hasher.hash(_normal(password))
        with self._store.transaction() as db:
            db.execute(
                "UPDATE staff SET password = ?, totp = ? WHERE name = ? AND enrol_hash = ?",
                (hashed, hidden, name, code_digest(code)),
            )
        return self._second.address(name, hidden)

    def pending(self, name: str, code: str) -> str:
        """The ``otpauth`` address again. Raises RefusedError (NOT_ALLOWED)."""
        row = self._require_code(name, code)
        if row["totp"] is None:
            raise _not_allowed()
        return self._second.address(name, row["totp"])

    def finish(self, name: str, code: str, digits: str) -> bool:
        """Second half: the person's device shows the right digits. False when it does not.
        Raises RefusedError (NOT_ALLOWED)."""
        row = self._require_code(name, code)
        if row["totp"] is None:
            raise _not_allowed()
        step = self._second.step(name, row["totp"], digits)
        if step is None:
            return False
        with self._store.transaction() as db:
            done = list(
                db.execute(
                    "UPDATE staff SET enrol_hash = NULL, enrol_until = NULL, last_step = ?"
                    " WHERE name = ? AND enrol_hash = ? RETURNING name",
                    (step, name, code_digest(code)),
                )
            )
            self.note(name, "staff.enrolled", name)
        return bool(done)

    def log_in(self, name: str, password: str, digits: str, line: str, device: str = "") -> Staff:
        """``line``: where the try comes from; ``device``: what :meth:`device_of` gave this browser.
        Raises RefusedError (NOT_ALLOWED): the same, after the same work, whatever was wrong."""
        row = self._row(name) or {}
        usable = bool(row) and not row["disabled_at"] and not row["enrol_hash"]
        known = usable and row["password"] and row["totp"]
        right = self._is_password(row["password"] if known else self._nobody, password)
        step = self._second.step(name, row["totp"], digits) if known else None
        source, tries = self._source(name, row, line, device), 0
        if known and source:
            tries = self._count_try(name, source)
        if tries and right and step and self._take(name, step, source):
            return Staff(name, row["full_name"], Role(row["role"]))
        if lock_after(tries):
            self.note(name, "staff.locked")
        raise _not_allowed()

    def device_of(self, name: str) -> str:
        """For the browser of a person who is in: its tries count alone until the account is
        reset. Raises ValueError for an account that does not exist."""
        row = self._row(name)
        if row is None:
            raise ValueError(f"{name} does not exist")
        device = secrets.token_urlsafe(16)
        return f"{device}.{self._seal(name, row['epoch'], device)}"

    def note(self, staff: str, action: str, subject: str = "") -> None:
        """For the auditor. ``subject`` holds no citizen's data: a name of staff, an id, a day."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO staff_actions VALUES (?, ?, ?, ?, ?)",
                (str(uuid4()), now().isoformat(), staff, action, subject),
            )

    def actions(self, limit: int) -> list[tuple[str, str, str, str]]:
        """(instant, staff, action, subject), newest first."""
        with self._store.transaction() as db:
            return [
                (row[0], row[1], row[2], row[3])
                for row in db.execute(
                    "SELECT at, staff, action, subject FROM staff_actions ORDER BY at DESC LIMIT ?",
                    (limit,),
                )
            ]

    def _row(self, name: str) -> dict[str, Any] | None:
        columns = (
            "full_name", "role", "password", "totp", "enrol_hash", "enrol_until",
            "disabled_at", "epoch",
        )  # fmt: skip
        with self._store.transaction() as db:
            rows = list(
                db.execute(f"SELECT {', '.join(columns)} FROM staff WHERE name = ?", (name,))  # noqa: S608 - names of our own
            )
        return dict(zip(columns, rows[0], strict=True)) if rows else None

    def _require_code(self, name: str, code: str) -> dict[str, Any]:
        row = self._row(name)
        if row is None or not secrets.compare_digest(row["enrol_hash"] or "", code_digest(code)):
            raise _not_allowed()
        if row["enrol_until"] < now().isoformat():
            raise _not_allowed()
        return row

    def _is_password(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    def _seal(self, name: str, epoch: int, device: str) -> str:
        return keyed(self._sources, f"seal:{name}:{epoch}:{device}")

    def _source(self, name: str, row: dict[str, Any], line: str, device: str) -> str:
        """Whose count a try belongs to; empty when the account hears no unknown browser now."""
        token, _, seal = device.partition(".")
        right = self._seal(name, row.get("epoch", 0), token)
        if row and secrets.compare_digest(right.encode(), seal.encode()):
            return keyed(self._sources, f"device:{token}")
        allowed = self._limits.allows(PER_ACCOUNT, name)
        return keyed(self._sources, f"line:{line}") if allowed else ""

    def _take(self, name: str, step: int, source: str) -> bool:
        """False when these digits were used before."""
        with self._store.transaction() as db:
            taken = list(
                db.execute(
                    "UPDATE staff SET last_step = ? WHERE name = ? AND last_step < ?"
                    " RETURNING name",
                    (step, name, step),
                )
            )
            if taken:
                mine = "DELETE FROM login_tries WHERE staff = ? AND source = ?"
                db.execute(mine, (name, source))
                self.note(name, "staff.login")
        return bool(taken)

    def _count_try(self, name: str, source: str) -> int:
        """The how manieth try in a row this is, before it is known to be right: many at once get
        no more than one after another would. 0 while the source is locked."""
        at = now()
        with self._store.transaction() as db:
            old = (at - _FORGOTTEN).isoformat()
            db.execute("DELETE FROM login_tries WHERE staff = ? AND at < ?", (name, old))
            found = db.execute(
                "INSERT INTO login_tries (staff, source, tries, at) VALUES (?, ?, 1, ?)"
                " ON CONFLICT (staff, source) DO UPDATE SET tries = login_tries.tries + 1,"
                " at = excluded.at WHERE COALESCE(login_tries.locked_until, '') <= excluded.at"
                " RETURNING tries",
                (name, source, at.isoformat()),
            )
            if not found:
                return 0
            tries = int(found[0][0])
            if lock := lock_after(tries):
                db.execute(
                    "UPDATE login_tries SET locked_until = ? WHERE staff = ? AND source = ?",
                    ((at + lock).isoformat(), name, source),
                )
        return tries


def lock_after(failures: int) -> timedelta:
    """How long an account is locked after so many wrong tries in a row."""
    if failures < _FREE_TRIES:
        return timedelta(0)
    doublings = min(failures - _FREE_TRIES, 10)
    return min(_FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def _normal(password: str) -> str:
    """Keyboards write Vietnamese letters composed or decomposed; both are the same password."""
    return unicodedata.normalize("NFC", password)


def _until() -> str:
    until: datetime = now() + _ENROL_LIFE
    return until.isoformat()


def _not_allowed() -> RefusedError:
    return RefusedError(DeskProblem.NOT_ALLOWED, "name, password or digits are not right")
