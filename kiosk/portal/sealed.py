"""Which copy bears a seal: known by the seal's whole text.

An id code alone does not tell. A kiosk whose disk was copied issues two copies under one code, and
whoever has a seal key can put any code upon other pages; only the very text belongs to one file.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from certify.copyfile import open_reader, read_copy
from certify.errors import CertifyError
from certify.seal import check_seal
from kiosk.portal.store import Store
from kiosk.portal.trust import read_bundle

SCHEMA = [
    "CREATE TABLE sealed_copies (dossier TEXT PRIMARY KEY REFERENCES dossiers (id),"
    " seal TEXT NOT NULL, id_code TEXT NOT NULL) STRICT",
    "CREATE INDEX sealed_copies_by_seal ON sealed_copies (seal)",
]


@dataclass(frozen=True, slots=True)
class GenuineSeal:
    """``text``: all of the QR code."""

    text: str
    id_code: str


@dataclass(frozen=True, slots=True)
class SealedCopy:
    """``in_book``: the register has a line for it; else something is wrong with it."""

    dossier: str
    in_book: bool


class SealedCopies:
    def __init__(self, store: Store, trust_dir: Path) -> None:
        self._store = store
        self._trust_dir = trust_dir

    def genuine_seal(self, pdf: bytes) -> GenuineSeal | None:
        """The seal in what is said to be a copy, if the agency's verifiers believe it, whatever
        the rest is worth. Raises CertifyError or OSError when the portal has no valid bundle."""
        bundle = read_bundle(self._trust_dir)
        try:
            reader = open_reader(pdf)
            text = read_copy(reader).seal if reader else ""
            return GenuineSeal(text, check_seal(text, bundle).id_code)
        except (CertifyError, ValueError):
            return None

    def keep(self, dossier_id: str, seal: GenuineSeal) -> None:
        """This dossier's copy bears it. The first one stays."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO sealed_copies (dossier, seal, id_code) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (dossier_id, _digest(seal.text), seal.id_code),
            )

    def id_code_of(self, dossier_id: str) -> str | None:
        """None when no copy is here, or none with a genuine seal."""
        rows = self._store.rows(
            "SELECT id_code FROM sealed_copies WHERE dossier = ?", (dossier_id,)
        )
        return str(rows[0][0]) if rows else None

    def bearing(self, text: str) -> SealedCopy | None:
        """The copy that bears this very seal. One file may come with two dossiers: the one in the
        book counts."""
        rows = self._store.rows(
            "SELECT sealed_copies.dossier, register.number FROM sealed_copies"
            " LEFT JOIN register ON register.dossier = sealed_copies.dossier"
            " AND register.id_code = sealed_copies.id_code WHERE seal = ?"
            " ORDER BY CASE WHEN register.number IS NULL THEN 1 ELSE 0 END, sealed_copies.dossier",
            (_digest(text),),
        )
        return SealedCopy(rows[0][0], rows[0][1] is not None) if rows else None


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
