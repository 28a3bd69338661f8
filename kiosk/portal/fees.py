"""What a dossier costs and where the money stands.

    free
    due ----> paid ----> to-return ----> returned
      '-----> waived

Money that was paid for a dossier which is then refused, stopped or withdrawn goes back; what was
still due is waived. The portal keeps the state and who saw to it; moving money is not its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.receipts import Receipts
from kiosk.portal.store import LISTED, Processing, Store
from kiosk.portal.times import now
from offline_queue.manifest import Manifest

SCHEMA = [
    "CREATE TABLE fees (dossier TEXT PRIMARY KEY REFERENCES dossiers (id), rule TEXT NOT NULL,"
    " amount INTEGER NOT NULL, state TEXT NOT NULL, changed_at TEXT NOT NULL, staff TEXT,"
    " paid_reference TEXT, return_reference TEXT) STRICT",
    "CREATE INDEX fees_by_state ON fees (state, changed_at)",
]
State = Literal["free", "due", "paid", "waived", "to-return", "returned"]
_ON_ARRIVAL: dict[str, State] = {"free": "free", "due-at-desk": "due", "paid": "paid"}
_GIVES_BACK = frozenset({Processing.REFUSED, Processing.STOPPED, Processing.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class FeeLine:
    """``amount`` in đồng. References are those of receipts, never of a bank account."""

    dossier: str
    rule: str
    amount: int
    state: State
    changed_at: str
    staff: str | None
    paid_reference: str | None
    return_reference: str | None


class Fees:
    def __init__(self, store: Store, receipts: Receipts) -> None:
        self._store = store
        self.receipts = receipts

    def open(self, manifest: Manifest) -> None:
        fee = manifest.fee
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO fees VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL)",
                (str(manifest.id), fee.rule, fee.amount, _ON_ARRIVAL[fee.state], now().isoformat()),
            )
            if fee.state == "paid":
                self.receipts.issue(str(manifest.id), "fee", fee.amount, manifest.code, None)

    def fee(self, dossier_id: str) -> FeeLine | None:
        found = self._lines("dossier = ?", dossier_id)
        return found[0] if found else None

    def to_return(self) -> list[FeeLine]:
        """Oldest first."""
        return self._lines("state = ?", "to-return")

    def take(self, dossier_id: str, reference: str, staff: str | None = None) -> None:
        """The money is in, at the desk; a receipt is made.

        Raises RefusedError (NOT_WAITING) when it was not due.
        """
        with self._store.transaction():
            amount = self._move(dossier_id, "due", "paid", staff, paid_reference=reference)
            self.receipts.issue(dossier_id, "fee", amount, reference, staff)

    def give_back(self, dossier_id: str, reference: str, staff: str) -> None:
        """The money was handed back, with a receipt. Raises RefusedError (NOT_WAITING)."""
        with self._store.transaction():
            amount = self._move(
                dossier_id, "to-return", "returned", staff, return_reference=reference
            )
            self.receipts.issue(dossier_id, "return", amount, reference, staff)

    def follow(self, dossier_id: str, state: Processing) -> None:
        """The dossier came into ``state``."""
        if state not in _GIVES_BACK:
            return
        with self._store.transaction() as db:
            for before, after in (("paid", "to-return"), ("due", "waived")):
                db.execute(
                    "UPDATE fees SET state = ?, changed_at = ?"
                    " WHERE dossier = ? AND state = ? AND amount > 0",
                    (after, now().isoformat(), dossier_id, before),
                )

    def _move(
        self, dossier_id: str, before: State, after: State, staff: str | None, **reference: str
    ) -> int:
        """The amount."""
        ((column, value),) = reference.items()
        with self._store.transaction() as db:
            moved = list(
                db.execute(
                    f"UPDATE fees SET state = ?, changed_at = ?, staff = ?, {column} = ?"  # noqa: S608 - a name of our own
                    " WHERE dossier = ? AND state = ? RETURNING amount",
                    (after, now().isoformat(), staff, value, dossier_id, before),
                )
            )
        if not moved:
            raise RefusedError(DeskProblem.NOT_WAITING, f"the fee is not {before}")
        return int(moved[0][0])

    def _lines(self, condition: str, value: str) -> list[FeeLine]:
        return [
            FeeLine(*row)
            for row in self._store.rows(
                f"SELECT * FROM fees WHERE {condition} ORDER BY changed_at LIMIT ?",  # noqa: S608
                (value, LISTED),
            )
        ]
