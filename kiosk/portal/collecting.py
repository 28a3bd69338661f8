"""A copy is fetched with slip and card, at any kiosk of the agency, phone or no phone.

The slip's code and secret say which dossier, the number on the card whose it is: neither opens
anything alone, and whoever has the wrong one learns nothing. What was printed is counted, so that
a copy that was asked for twice is printed twice, whoever prints it.
"""

from __future__ import annotations

from uuid import UUID

from kiosk.portal.casebook import Casebook
from kiosk.portal.errors import RefusedError
from kiosk.portal.revocations import copy_for_citizen
from kiosk.portal.store import Dossier, Processing, Store, manifest_of
from kiosk.portal.times import now
from kiosk.portal.tracking import Tracking, kiosk_line, public_note
from kiosk.portal.vault import Vault
from offline_queue.intake import CollectAsk, CollectReply, PrintsDone, Problem

SCHEMA = [
    "CREATE TABLE prints (id TEXT PRIMARY KEY, dossier TEXT NOT NULL REFERENCES dossiers (id),"
    " kiosk_id TEXT NOT NULL, copies INTEGER NOT NULL, at TEXT NOT NULL) STRICT",
    "CREATE INDEX prints_by_dossier ON prints (dossier)",
]


class Collecting:
    def __init__(self, store: Store, vault: Vault, casebook: Casebook, tracking: Tracking) -> None:
        self._store = store
        self._vault = vault
        self._casebook = casebook
        self._tracking = tracking

    def look(self, ask: CollectAsk, kiosk_id: str) -> CollectReply:
        """Raises RefusedError: NOT_FOUND for any three that do not belong together, TOO_MANY."""
        dossier = self._dossier(ask, kiosk_id)
        return CollectReply(
            id=UUID(dossier.id),
            processing=dossier.processing or Processing.RECEIVED,
            issued=_is_issued(dossier),
            number=dossier.number,
            note=public_note(dossier),
            left=self._left(dossier),
        )

    def copy(self, ask: CollectAsk, kiosk_id: str) -> bytes:
        """To be printed now. Raises RefusedError as :meth:`look`, NOT_FOUND also for what was not
        issued, was revoked, or is printed as often as it was asked for."""
        dossier = self._dossier(ask, kiosk_id)
        ready = _is_issued(dossier) and self._left(dossier)
        pdf = copy_for_citizen(self._store, self._vault, dossier.id) if ready else None
        if pdf is None:
            raise RefusedError(Problem.NOT_FOUND, "no copy is to be printed")
        return pdf

    def _left(self, dossier: Dossier) -> int:
        return max(0, manifest_of(dossier).copies - self.printed(dossier.id))

    def printed(self, dossier_id: str) -> int:
        ((copies,),) = self._store.rows(
            "SELECT coalesce(sum(copies), 0) FROM prints WHERE dossier = ?", (dossier_id,)
        )
        return int(copies)

    def settle(self, print_id: UUID, done: PrintsDone, kiosk_id: str) -> None:
        """So many came out of that kiosk's printer; told again, it counts once. Raises
        RefusedError (NOT_FOUND)."""
        with self._store.transaction() as db:
            dossier = self._store.dossier(str(done.dossier_id))
            if dossier is None or dossier.receipt is None:
                raise RefusedError(Problem.NOT_FOUND, "no such dossier")
            db.execute(
                "INSERT INTO prints (id, dossier, kiosk_id, copies, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (str(print_id), dossier.id, kiosk_id, done.copies, now().isoformat()),
            )

    def _dossier(self, ask: CollectAsk, kiosk_id: str) -> Dossier:
        citizen, line = self._casebook.citizen(ask.citizen_number), kiosk_line(kiosk_id)
        for known in self._tracking.opened_by(citizen, ask.code, ask.secret, line):
            dossier = self._store.dossier(known.dossier)
            assert dossier is not None  # a foreign key says so
            return dossier
        raise RefusedError(Problem.NOT_FOUND, "no dossier with this slip and card")


def _is_issued(dossier: Dossier) -> bool:
    """A copy that a kiosk issued is one from the beginning, inspected or not."""
    issued_at_kiosk = dossier.mode == "post-check" and dossier.processing == Processing.PROCESSING
    ended_well = dossier.processing in (Processing.DONE, Processing.RETURNED)
    return dossier.facts is not None and (issued_at_kiosk or ended_well)
