"""Every issued copy is lifted to the archive level, PAdES B-LTA, once the answers can be had.

    wanted ---> lifted ---(an officer signs a copy that was inspected)---> wanted
      '--<-- tried again, ever later

Timestamps and the answers of OCSP or CRL come from others, so this is the work of processes of its
own (``kiosk portal archive``); citizens have their copies meanwhile. A worker takes a row by moving
its next instant in one statement, as those of :mod:`kiosk.portal.delivery` do. A lifted copy is the
same file with something appended; it takes the copy's place only if nobody changed it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from certify import archive
from certify.errors import CertifyError
from certify.proofs import ARCHIVED
from certify.verify import verify
from kiosk.portal.store import Processing, Store
from kiosk.portal.times import now
from kiosk.portal.trust import read_bundle
from kiosk.portal.vault import Vault

SCHEMA = [
    "CREATE TABLE archives (dossier TEXT PRIMARY KEY REFERENCES dossiers (id),"
    " tries INTEGER NOT NULL, next_at TEXT NOT NULL, lifted_at TEXT, fault TEXT) STRICT",
    "CREATE INDEX archives_by_turn ON archives (next_at)",
    # What was issued before there was an archive.
    "INSERT INTO archives (dossier, tries, next_at) SELECT id, 0, '' FROM dossiers"
    " WHERE facts IS NOT NULL AND (mode = 'post-check' OR processing IN (9, 10))",
]
_LEASE = timedelta(minutes=10)  # a worker that has not come back by then is gone
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)
_NEVER = "9999"  # after every instant: nothing to do
NOT_LIFTED = "copy.not-lifted"

Lift = Callable[[bytes, tuple[bytes, ...]], bytes]
"""The copy and the roots (DER) to the lifted copy. Raises CertifyError."""


@dataclass(frozen=True, slots=True)
class ArchiveLine:
    """``fault``: why the last try did not succeed. Instants are ISO 8601 in UTC."""

    dossier: str
    tries: int
    next_at: str
    lifted_at: str | None
    fault: str | None


class Archives:
    def __init__(self, store: Store) -> None:
        self._store = store

    def want(self, dossier_id: str) -> None:
        """In the transaction that makes or changes the copy."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO archives (dossier, tries, next_at) VALUES (?, 0, ?)"
                " ON CONFLICT (dossier) DO UPDATE SET tries = 0, next_at = excluded.next_at,"
                " lifted_at = NULL, fault = NULL",
                (dossier_id, now().isoformat()),
            )

    def of(self, dossier_id: str) -> ArchiveLine | None:
        rows = self._store.rows(
            "SELECT dossier, tries, next_at, lifted_at, fault FROM archives WHERE dossier = ?",
            (dossier_id,),
        )
        return ArchiveLine(*rows[0]) if rows else None

    def take(self) -> ArchiveLine | None:
        """The next one whose turn it is, for this worker alone. What was revoked is nobody's turn,
        nor what an officer has inspected until his signature is in it."""
        at, gone = now().isoformat(), (now() + _LEASE).isoformat()
        with self._store.transaction() as db:
            rows = db.execute(
                "UPDATE archives SET tries = tries + 1, next_at = ? WHERE dossier = ("
                "SELECT archives.dossier FROM archives"
                " JOIN dossiers ON dossiers.id = archives.dossier"
                " LEFT JOIN inspections ON inspections.dossier = archives.dossier"
                " WHERE next_at <= ? AND dossiers.processing <> ?"
                " AND (inspections.at IS NULL OR inspections.signed_at IS NOT NULL)"
                " ORDER BY next_at LIMIT 1) AND next_at <= ?"
                " RETURNING dossier, tries, next_at, lifted_at, fault",
                (gone, at, int(Processing.STOPPED), at),
            )
        return ArchiveLine(*rows[0]) if rows else None

    def lifted(self, line: ArchiveLine) -> None:
        with self._store.transaction() as db:
            db.execute(
                "UPDATE archives SET lifted_at = ?, next_at = ?, fault = NULL WHERE dossier = ?",
                (now().isoformat(), _NEVER, line.dossier),
            )

    def missed(self, line: ArchiveLine, fault: str) -> None:
        """Again later, for as long as it takes."""
        again = now() + min(_FIRST_PAUSE * 2 ** min(line.tries - 1, 12), _LONGEST_PAUSE)
        with self._store.transaction() as db:
            db.execute(
                "UPDATE archives SET next_at = ?, fault = ? WHERE dossier = ?",
                (again.isoformat(), fault, line.dossier),
            )


class Worker:
    """Lifts what waits; any number may run, in any process."""

    def __init__(
        self, store: Store, vault: Vault, archives: Archives, trust_dir: Path, lift: Lift
    ) -> None:
        self._store = store
        self._vault = vault
        self._archives = archives
        self._trust_dir = trust_dir
        self._lift = lift
        self.failed = 0
        """Tries that did not succeed; each is repeated later."""

    def work(self) -> int:
        """Try everything whose turn it is, once; answers how many were lifted."""
        count = 0
        while (line := self._archives.take()) is not None:
            try:
                count += self._replaced(line)
            except CertifyError as error:
                self._miss(line, error.code)
            except Exception as error:  # one bad copy does not hold up the others
                self._miss(line, type(error).__name__)
        return count

    def _replaced(self, line: ArchiveLine) -> bool:
        before = self._vault.copy(line.dossier)
        bundle = read_bundle(self._trust_dir)
        after = self._lift(before, bundle.roots)
        verdict = verify(after, bundle)
        if not after.startswith(before) or verdict.level != ARCHIVED:
            self._miss(line, NOT_LIFTED if verdict.ok else verdict.code)
            return False
        with self._store.transaction():
            self._store.dossier(line.dossier)  # so that nobody else changes it before the end
            if self._vault.copy(line.dossier) != before or self._is_being_signed(line.dossier):
                self._archives.want(line.dossier)
                return False
            self._vault.keep_copy(line.dossier, after)
            self._archives.lifted(line)
        return True

    def _is_being_signed(self, dossier_id: str) -> bool:
        """The officer's desk has the copy as it was."""
        found = "SELECT 1 FROM inspections WHERE dossier = ? AND signed_at IS NULL"
        return bool(self._store.rows(found, (dossier_id,)))

    def _miss(self, line: ArchiveLine, fault: str) -> None:
        self.failed += 1
        self._archives.missed(line, fault)


def lift_at(tsa_url: str) -> Lift:
    """With timestamps of the authority at that address (RFC 3161)."""
    return lambda pdf, roots: archive.lift(pdf, tsa_url, roots)
