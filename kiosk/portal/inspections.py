"""Copies that were handed out before an officer saw them: inspected by a day, or revoked.

    issued at a kiosk --confirm--> confirmed --the desk signs--> inspected (DONE)
            |                          |                             |
            '--------------------------+-----------revoke------------'-----> revoked (STOPPED)

An inspection is a person's word, given in a page; the desk process then fills the officer's open
field on the token. The portal takes that file only as an addition to the very copy that the
citizen has. A copy that was approved beforehand may be revoked too, once it is issued. What is
revoked shows at once where seals lead and in tracking; others know it from the list behind the
trust bundle (:mod:`kiosk.portal.revocations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.portal import revocations
from kiosk.portal.accounts import Staff
from kiosk.portal.answers import ANSWERS, Answers
from kiosk.portal.attestations import Attestations, OriginalSeen
from kiosk.portal.cases import facts_of
from kiosk.portal.copies import OTHER_PAGES, CopyVerifier
from kiosk.portal.desks import Desk, Desks
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.following import Following
from kiosk.portal.register import Register
from kiosk.portal.sealed import SealedCopies
from kiosk.portal.store import LISTED, Dossier, Processing, Store, manifest_of
from kiosk.portal.times import VIETNAM, now
from kiosk.portal.vault import Vault

SCHEMA = [
    "CREATE TABLE inspections (dossier TEXT PRIMARY KEY REFERENCES dossiers (id),"
    " staff TEXT NOT NULL REFERENCES staff (name), at TEXT NOT NULL, signed_at TEXT) STRICT",
    *revocations.SCHEMA,
]
_ISSUED = (Processing.DONE, Processing.RETURNED)
_NOT_INSPECTED = (Processing.RECEIVED, Processing.PROCESSING)


@dataclass(frozen=True, slots=True)
class Inspection:
    """``staff``: the account that confirmed. Instants are ISO 8601 in UTC."""

    dossier: str
    staff: str
    at: str
    signed_at: str | None


class Inspections:
    def __init__(
        self,
        store: Store,
        vault: Vault,
        register: Register,
        verifier: CopyVerifier,
        sealed: SealedCopies,
        attestations: Attestations,
        following: Following,
        desks: Desks,
    ) -> None:
        self._store = store
        self._vault = vault
        self._register = register
        self._verifier = verifier
        self._sealed = sealed
        self._attestations = attestations
        self._following = following
        self._desks = desks

    def due(self) -> list[Dossier]:
        """What an officer has yet to inspect: overdue first, then what cannot be inspected because
        something is wrong with it, then by day. At most LISTED."""
        return self._dossiers(
            "mode = 'post-check' AND processing IN (?, ?) AND inspections.at IS NULL"
            " ORDER BY CASE WHEN inspect_by < ? THEN 0 WHEN inspect_by IS NULL THEN 1 ELSE 2 END,"
            " inspect_by, accepted_at, id",
            *map(int, _NOT_INSPECTED),
            _today(),
        )

    def overdue(self) -> int:
        """How many."""
        ((count,),) = self._store.rows(
            "SELECT count(*) FROM dossiers LEFT JOIN inspections ON inspections.dossier = id"
            " WHERE mode = 'post-check' AND processing = ? AND inspections.at IS NULL"
            " AND inspect_by < ?",
            (int(Processing.PROCESSING), _today()),
        )
        return int(count)

    def to_sign(self) -> list[Dossier]:
        """Confirmed, and not signed yet, oldest first, at most LISTED."""
        return self._dossiers(
            "processing = ? AND inspections.at IS NOT NULL AND signed_at IS NULL"
            " ORDER BY accepted_at, id",
            int(Processing.PROCESSING),
        )

    def of(self, dossier_id: str) -> Inspection | None:
        rows = self._store.rows(
            "SELECT dossier, staff, at, signed_at FROM inspections WHERE dossier = ?", (dossier_id,)
        )
        return Inspection(*rows[0]) if rows else None

    def may_inspect(self, dossier: Dossier) -> bool:
        return (
            dossier.mode == "post-check"
            and dossier.processing == Processing.PROCESSING
            and self.of(dossier.id) is None
        )

    def may_revoke(self, dossier: Dossier) -> bool:
        issued = dossier.facts is not None and dossier.processing in _ISSUED
        return issued or (dossier.mode == "post-check" and dossier.processing in _NOT_INSPECTED)

    def confirm(self, dossier_id: str, seen: OriginalSeen, staff: Staff) -> None:
        """The copy is as its original; this account's desk signs it. Raises RefusedError:
        NOT_WAITING, or NOT_SEEN when the original was not seen as the procedure wants it."""
        made = self._attestations.make(self._accepted(dossier_id), seen, staff.full_name)
        with self._store.transaction() as db:
            dossier = self._accepted(dossier_id)
            if not self.may_inspect(dossier):
                raise RefusedError(DeskProblem.NOT_WAITING, "it does not wait for an inspection")
            self._attestations.keep(made)
            db.execute(
                "INSERT INTO inspections (dossier, staff, at) VALUES (?, ?, ?)",
                (dossier.id, staff.name, made.at),
            )
            self._desks.approved(dossier.id, staff.name)
            self._store.change(dossier.id, original_seen=seen, decided_at=made.at)
            self._following.moved(dossier.id, Processing.PROCESSING, staff.full_name)

    def attach(self, dossier: Dossier, pdf: bytes, desk: Desk) -> None:
        """The copy with the officer's signature, from the desk of the account that confirmed. The
        first good one stays. Raises RefusedError (NOT_WAITING, BAD_COPY)."""
        line = self.of(dossier.id)
        if line is None or dossier.facts is None or line.staff != desk.staff.name:
            raise RefusedError(DeskProblem.NOT_WAITING, "this account did not inspect it")
        if line.signed_at is not None:
            return
        before, images = self._vault.copy(dossier.id), self._vault.images(manifest_of(dossier))
        fault = self._verifier.inspection_fault_of(
            pdf, before, images, facts_of(dossier.facts), desk.certificate
        )
        if not self._attestations.are_of(dossier.id, images):
            fault = OTHER_PAGES
        if fault:
            raise RefusedError(DeskProblem.BAD_COPY, fault)
        self._finish(dossier.id, before, pdf, desk.staff.full_name)

    def _finish(self, dossier_id: str, before: bytes, pdf: bytes, officer: str) -> None:
        with self._store.transaction() as db:
            dossier = self._accepted(dossier_id)
            same = self._vault.copy(dossier.id) == before
            if dossier.processing != Processing.PROCESSING or not same:
                raise RefusedError(DeskProblem.NOT_WAITING, "it was changed meanwhile")
            self._vault.keep_copy(dossier.id, pdf)
            db.execute(
                "UPDATE inspections SET signed_at = ? WHERE dossier = ?",
                (now().isoformat(), dossier.id),
            )
            self._store.change(dossier.id, processing=Processing.DONE)
            self._register.signed_by(dossier.id, officer)
            self._following.signed(dossier.id)

    def revoke(self, dossier_id: str, reason: str, officer: str) -> None:
        """Nobody may take this copy any more. ``reason`` is told to everybody who asks, so it
        names nobody. Raises RefusedError (NOT_WAITING)."""
        dossier = self._accepted(dossier_id)
        id_code = self._id_code(dossier)
        answers = Answers.model_validate_json(self._vault.open_part(manifest_of(dossier), ANSWERS))
        with self._store.transaction():
            if not self.may_revoke(self._accepted(dossier_id)):
                raise RefusedError(DeskProblem.NOT_WAITING, "there is no copy to revoke")
            revocations.add(self._store, dossier.id, id_code, reason, officer)
            self._store.change(dossier.id, processing=Processing.STOPPED, note=reason)
            self._following.moved(dossier.id, Processing.STOPPED, officer, reason)
            self._following.tell(dossier.id, "refusal", answers)

    def _id_code(self, dossier: Dossier) -> str | None:
        """None for a copy whose seal nobody believes, or whose code stands in the book for another
        one, which must stay good."""
        if dossier.facts is not None:
            return facts_of(dossier.facts).id_code
        id_code = self._sealed.id_code_of(dossier.id)
        entry = self._register.entry_of(id_code) if id_code else None
        return id_code if entry is None or entry.dossier == dossier.id else None

    def _accepted(self, dossier_id: str) -> Dossier:
        dossier = self._store.dossier(dossier_id)
        if dossier is None or dossier.receipt is None:
            raise RefusedError(DeskProblem.NOT_FOUND, "no such case")
        return dossier

    def _dossiers(self, condition: str, *values: str | int) -> list[Dossier]:
        rows = self._store.rows(
            "SELECT id FROM dossiers LEFT JOIN inspections ON inspections.dossier = id"  # noqa: S608 - no input
            f" WHERE {condition} LIMIT ?",
            (*values, LISTED),
        )
        found = [self._store.dossier(row[0]) for row in rows]
        return [dossier for dossier in found if dossier]


def is_overdue(inspect_by: str) -> bool:
    """``inspect_by``: an ISO date, the last day."""
    return inspect_by < _today()


def _today() -> str:
    return datetime.now(VIETNAM).date().isoformat()
