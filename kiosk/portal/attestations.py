"""How an officer saw the original, and of which scan that is said.

By law a person compares the original with the copy, so what an approval or an inspection says of
it is bound to the digest of the scanned pages, with which desk and portal compare the pages of the
copy. Both get pages and digest from this database: it guards against a mix-up of pages, and only as
far as the line here is right. A procedure says which ways of seeing suffice for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from kiosk.portal.catalogue import Catalogue
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.store import Dossier, Store, manifest_of
from kiosk.portal.times import now
from kiosk.portal.vault import Vault

SCHEMA = [
    "CREATE TABLE attestations (dossier TEXT PRIMARY KEY REFERENCES dossiers (id),"
    " original_seen TEXT NOT NULL, scan TEXT NOT NULL, officer TEXT NOT NULL,"
    " at TEXT NOT NULL) STRICT",
]
OriginalSeen = Literal["at-the-desk", "at-the-kiosk", "by-video", "not-seen"]


@dataclass(frozen=True, slots=True)
class Attestation:
    """``scan``: :func:`scan_digest` of what the officer had before him. ``officer``: full name."""

    dossier: str
    original_seen: str
    scan: str
    officer: str
    at: str


class Attestations:
    def __init__(self, store: Store, vault: Vault, catalogue: Catalogue) -> None:
        self._store = store
        self._vault = vault
        self._catalogue = catalogue

    def sufficient(self, procedure: str) -> tuple[str, ...]:
        """The ways of seeing the original that the procedure takes."""
        return self._catalogue.procedure(procedure).original_seen

    def make(self, dossier: Dossier, seen: OriginalSeen, officer: str) -> Attestation:
        """Before the transaction of the decision, since the pages are opened for it. Raises
        RefusedError: NOT_SEEN when nobody saw the original, or not as the procedure wants it."""
        if seen == "not-seen":
            raise RefusedError(DeskProblem.NOT_SEEN, "the original must have been seen")
        if seen not in self.sufficient(dossier.procedure):
            raise RefusedError(DeskProblem.NOT_SEEN, f"{seen} does not suffice here")
        scan = scan_digest(self._vault.images(manifest_of(dossier)))
        return Attestation(dossier.id, seen, scan, officer, now().isoformat())

    def keep(self, made: Attestation) -> None:
        """In that transaction. The first one stays."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO attestations (dossier, original_seen, scan, officer, at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (made.dossier, made.original_seen, made.scan, made.officer, made.at),
            )

    def of(self, dossier_id: str) -> Attestation | None:
        rows = self._store.rows(
            "SELECT dossier, original_seen, scan, officer, at FROM attestations WHERE dossier = ?",
            (dossier_id,),
        )
        return Attestation(*rows[0]) if rows else None

    def are_of(self, dossier_id: str, images: Sequence[bytes]) -> bool:
        """Are these the pages that the officer spoke of?"""
        made = self.of(dossier_id)
        return made is not None and made.scan == scan_digest(images)


def scan_digest(images: Sequence[bytes]) -> str:
    """SHA-256 (hex) over the SHA-256 of each page image, in order: no page can be moved, left out
    or replaced."""
    return sha256(b"".join(sha256(image).digest() for image in images)).hexdigest()
