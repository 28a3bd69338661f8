"""Copies that were taken back: kept here, told to everybody.

Seal page, tracking and desk know it at once. Whoever verifies by himself learns the id codes from
the list that the portal puts behind the trust bundle, as soon as he fetches it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from kiosk.portal.sealed import SealedCopy
from kiosk.portal.store import Store
from kiosk.portal.times import now
from kiosk.portal.vault import Vault

SCHEMA = [
    "CREATE TABLE revocations (dossier TEXT PRIMARY KEY REFERENCES dossiers (id), id_code TEXT,"
    " reason TEXT NOT NULL, officer TEXT NOT NULL, at TEXT NOT NULL) STRICT",
    "CREATE INDEX revocations_by_code ON revocations (id_code)",
]
"""Belongs to that of the inspections, with which it began."""
Void = Literal["revoked", "not-issued"]
"""Why a line of the book is void: its copies were taken back, or none was ever signed."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """``reason`` is for everybody. ``id_code``: what verifiers are told; None where there is
    nothing that they would believe, or the code is that of another copy in the book, which the
    seal page tells from this one."""

    dossier: str
    id_code: str | None
    reason: str
    officer: str
    at: str


def add(store: Store, dossier_id: str, id_code: str | None, reason: str, officer: str) -> None:
    """In the transaction that stops the dossier."""
    with store.transaction() as db:
        db.execute(
            "INSERT INTO revocations (dossier, id_code, reason, officer, at)"
            " VALUES (?, ?, ?, ?, ?)",
            (dossier_id, id_code, reason, officer, now().isoformat()),
        )


def revoked_codes(store: Store) -> frozenset[str]:
    """Id codes of all revoked copies, for verifiers."""
    rows = store.rows("SELECT id_code FROM revocations WHERE id_code IS NOT NULL")
    return frozenset(str(row[0]) for row in rows)


def voids_among(store: Store, dossiers: Collection[str]) -> dict[str, Void]:
    """Of these dossiers. One whose copy no verifier would believe has no id code to void."""
    marks = ", ".join("?" for _ in dossiers) or "NULL"
    rows = store.rows(
        "SELECT revocations.dossier, revocations.id_code, seal FROM revocations"  # noqa: S608 - no input
        " LEFT JOIN sealed_copies ON sealed_copies.dossier = revocations.dossier"
        f" WHERE revocations.dossier IN ({marks})",
        dossiers,
    )
    return {
        dossier: "not-issued" if id_code and seal is None else "revoked"
        for dossier, id_code, seal in rows
    }


def revocation_of(store: Store, dossier_id: str) -> Revocation | None:
    return _revocation(store, "dossier", dossier_id)


def revocation_of_code(store: Store, id_code: str) -> Revocation | None:
    return _revocation(store, "id_code", id_code)


def revocation_of_seal(store: Store, copy: SealedCopy | None, id_code: str) -> Revocation | None:
    """``copy``: the one that bears the seal, if any does. Two copies of one code are revoked one
    by one (:meth:`Inspections.revoke`)."""
    of_copy = revocation_of(store, copy.dossier) if copy else None
    return of_copy or revocation_of_code(store, id_code)


def copy_for_citizen(store: Store, vault: Vault, dossier_id: str) -> bytes | None:
    """The copy as it may be handed out: None before it was issued, and once it is revoked."""
    if revocation_of(store, dossier_id) is not None:
        return None
    try:
        return vault.copy(dossier_id)
    except FileNotFoundError:
        return None


def _revocation(store: Store, column: str, value: str) -> Revocation | None:
    rows = store.rows(
        "SELECT dossier, id_code, reason, officer, at FROM revocations"  # noqa: S608 - no input
        f" WHERE {column} = ? ORDER BY at",
        (value,),
    )
    return Revocation(*rows[0]) if rows else None
