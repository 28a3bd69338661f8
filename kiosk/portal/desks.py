"""Desk processes: each has a secret that belongs to one account and one signing certificate.

Names of people are no names: two officers may be called alike. So an approval is entered here with
its account, a desk is shown the approved cases of its own account alone, and it signs only with
the certificate for which its secret was made.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from kiosk.portal.accounts import Accounts, May, Role, Staff
from kiosk.portal.secret import digest
from kiosk.portal.store import LISTED, Dossier, Processing, Store
from kiosk.portal.times import now

SCHEMA = [
    "CREATE TABLE desk_secrets (digest TEXT PRIMARY KEY,"
    " staff TEXT NOT NULL REFERENCES staff (name), certificate TEXT NOT NULL,"
    " made_at TEXT NOT NULL, revoked_at TEXT) STRICT",
    "CREATE TABLE approvals (dossier TEXT PRIMARY KEY REFERENCES dossiers (id),"
    " staff TEXT NOT NULL REFERENCES staff (name)) STRICT",
    "CREATE INDEX approvals_by_staff ON approvals (staff)",
    "CREATE TABLE desk_troubles (dossier TEXT PRIMARY KEY REFERENCES approvals (dossier),"
    " code TEXT NOT NULL, at TEXT NOT NULL) STRICT",
    "CREATE TABLE desk_beats (staff TEXT PRIMARY KEY REFERENCES staff (name),"
    " at TEXT NOT NULL) STRICT",
]
PRESENT_FOR = timedelta(seconds=60)
"""So long after its last word a desk still counts as attended."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who is calling. ``certificate``: SHA-256 of the officer's signing certificate (DER), hex."""

    staff: Staff
    certificate: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a desk did not sign: a failure code. Until somebody says "again", it does not try."""

    dossier: str
    code: str
    at: str


class Desks:
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def add(self, name: str, certificate: str, *, by: str) -> str:
        """Answers the secret, which is kept as a digest alone. Raises ValueError for an account
        that is unknown or disabled, or does not decide."""
        if not self._staff(name).may(May.DECIDE):
            raise ValueError(f"{name} does not decide")
        secret = secrets.token_urlsafe(32)
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO desk_secrets (digest, staff, certificate, made_at)"
                " VALUES (?, ?, ?, ?)",
                (digest(secret), name, certificate, now().isoformat()),
            )
            self._accounts.note(by, "desk.add", f"{name} {certificate[:16]}")
        return secret

    def add_for(self, name: str, certificate: bytes, *, by: str) -> str:
        """As :meth:`add`, with the certificate itself (PEM or DER). Raises ValueError besides when
        it names somebody else."""
        loaded = _loaded(certificate)
        names = [str(each.value) for each in loaded.subject.get_attributes_for_oid(_COMMON_NAME)]
        if names != [self._staff(name).full_name]:
            raise ValueError(f"the certificate does not name {name}: {names}")
        return self.add(name, loaded.fingerprint(SHA256()).hex(), by=by)

    def revoke(self, name: str, *, by: str) -> None:
        """All secrets of the account are void. Raises ValueError when it has none."""
        with self._store.transaction() as db:
            if not db.execute(
                "UPDATE desk_secrets SET revoked_at = ? WHERE staff = ? AND revoked_at IS NULL"
                " RETURNING digest",
                (now().isoformat(), name),
            ):
                raise ValueError(f"{name} has no desk secret")
            self._accounts.note(by, "desk.revoke", name)

    def desk_of(self, secret: str) -> Desk | None:
        """None for a secret that is unknown or revoked, or whose account was disabled."""
        rows = self._store.rows(
            "SELECT staff.name, staff.full_name, staff.role, desk_secrets.certificate"
            " FROM desk_secrets JOIN staff ON staff.name = desk_secrets.staff"
            " WHERE desk_secrets.digest = ? AND desk_secrets.revoked_at IS NULL"
            " AND staff.disabled_at IS NULL",
            (digest(secret),),
        )
        return Desk(Staff(rows[0][0], rows[0][1], Role(rows[0][2])), rows[0][3]) if rows else None

    def approved(self, dossier_id: str, name: str) -> None:
        """In the transaction of an approval or inspection. The first one stays."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO approvals VALUES (?, ?) ON CONFLICT DO NOTHING", (dossier_id, name)
            )

    def is_approver(self, name: str, dossier_id: str) -> bool:
        found = "SELECT 1 FROM approvals WHERE dossier = ? AND staff = ?"
        return bool(self._store.rows(found, (dossier_id, name)))

    def to_sign(self, name: str) -> list[Dossier]:
        """What this account approved or inspected and nobody signed yet, oldest first, at most
        LISTED. What its desk could not sign waits for :meth:`again`."""
        rows = self._store.rows(
            "SELECT dossiers.id FROM approvals JOIN dossiers ON dossiers.id = approvals.dossier"
            " LEFT JOIN desk_troubles ON desk_troubles.dossier = approvals.dossier"
            " WHERE approvals.staff = ? AND dossiers.processing = ? AND desk_troubles.at IS NULL"
            " ORDER BY dossiers.accepted_at, dossiers.id LIMIT ?",
            (name, int(Processing.PROCESSING), LISTED),
        )
        found = [self._store.dossier(row[0]) for row in rows]
        return [dossier for dossier in found if dossier]

    def not_signed(self, dossier_id: str, code: str) -> None:
        """A desk could not sign it. The newest reason stands."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO desk_troubles (dossier, code, at) VALUES (?, ?, ?)"
                " ON CONFLICT (dossier) DO UPDATE SET code = excluded.code, at = excluded.at",
                (dossier_id, code, now().isoformat()),
            )

    def troubles(self) -> dict[str, Trouble]:
        """Of the cases that still wait for a signature, by dossier."""
        rows = self._store.rows(
            "SELECT dossier, desk_troubles.code, at FROM desk_troubles"
            " JOIN dossiers ON dossiers.id = dossier WHERE dossiers.processing = ?"
            " ORDER BY at LIMIT ?",
            (int(Processing.PROCESSING), LISTED),
        )
        return {row[0]: Trouble(*row) for row in rows}

    def trouble(self, dossier_id: str) -> Trouble | None:
        rows = self._store.rows(
            "SELECT dossier, code, at FROM desk_troubles WHERE dossier = ?", (dossier_id,)
        )
        return Trouble(*rows[0]) if rows else None

    def again(self, dossier_id: str) -> None:
        """Its desk tries once more."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM desk_troubles WHERE dossier = ?", (dossier_id,))

    def beat(self, name: str) -> None:
        """A desk of this account is at work, with its token."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO desk_beats (staff, at) VALUES (?, ?)"
                " ON CONFLICT (staff) DO UPDATE SET at = excluded.at",
                (name, now().isoformat()),
            )

    def unattended(self) -> frozenset[str]:
        """Cases that wait for the signature of a desk that is not at work."""
        rows = self._store.rows(
            "SELECT approvals.dossier FROM approvals"
            " JOIN dossiers ON dossiers.id = approvals.dossier"
            " LEFT JOIN desk_beats ON desk_beats.staff = approvals.staff"
            " WHERE dossiers.processing = ? AND (desk_beats.at IS NULL OR desk_beats.at <= ?)",
            (int(Processing.PROCESSING), (now() - PRESENT_FOR).isoformat()),
        )
        return frozenset(str(row[0]) for row in rows)

    def is_attended(self) -> bool:
        """Is an officer there who could sign now?"""
        since = (now() - PRESENT_FOR).isoformat()
        return bool(self._store.rows("SELECT 1 FROM desk_beats WHERE at > ? LIMIT 1", (since,)))

    def _staff(self, name: str) -> Staff:
        for account in self._accounts.accounts():
            if account.staff.name == name and not account.disabled:
                return account.staff
        raise ValueError(f"{name} does not exist or is disabled")


_COMMON_NAME = NameOID.COMMON_NAME


def _loaded(certificate: bytes) -> x509.Certificate:
    if certificate.lstrip().startswith(b"-----"):
        return x509.load_pem_x509_certificate(certificate)
    return x509.load_der_x509_certificate(certificate)
