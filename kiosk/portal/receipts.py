"""Electronic receipts (biên lai điện tử): one for money that came in, one for money given back.

Their numbers run on through the year in a series of their own. A receipt is made in the transaction
that moves the money's state, and once for each dossier and direction; it is never changed. A fee
that was given back keeps its receipt, beside that of the return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kiosk.portal.register import Register
from kiosk.portal.store import Store
from kiosk.portal.times import now, this_year

SCHEMA = [
    "CREATE TABLE receipts (year INTEGER NOT NULL, number INTEGER NOT NULL,"
    " dossier TEXT NOT NULL REFERENCES dossiers (id), kind TEXT NOT NULL, amount INTEGER NOT NULL,"
    " reference TEXT NOT NULL, staff TEXT, made_at TEXT NOT NULL,"
    " PRIMARY KEY (year, number), UNIQUE (dossier, kind)) STRICT",
]
Kind = Literal["fee", "return"]


@dataclass(frozen=True, slots=True)
class FeeReceipt:
    """``amount`` in đồng. ``reference``: of the payment, or of the slip at the desk. ``staff``: who
    took or gave the money; None when no person did."""

    year: int
    number: int
    dossier: str
    kind: Kind
    amount: int
    reference: str
    staff: str | None
    made_at: str


class Receipts:
    def __init__(self, store: Store, register: Register) -> None:
        self._store = store
        self._register = register

    def issue(
        self, dossier_id: str, kind: Kind, amount: int, reference: str, staff: str | None
    ) -> FeeReceipt:
        """The receipt; the one that is there already when it was made before."""
        with self._store.transaction() as db:
            if found := self.of(dossier_id).get(kind):
                return found
            year = this_year()
            receipt = FeeReceipt(
                year, self._register.draw("receipt", year), dossier_id, kind, amount, reference,
                staff, now().isoformat(),
            )  # fmt: skip
            db.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    receipt.year, receipt.number, dossier_id, kind, amount, reference, staff,
                    receipt.made_at,
                ),
            )  # fmt: skip
        return receipt

    def of(self, dossier_id: str) -> dict[Kind, FeeReceipt]:
        rows = self._store.rows("SELECT * FROM receipts WHERE dossier = ?", (dossier_id,))
        receipts = [FeeReceipt(*row) for row in rows]
        return {receipt.kind: receipt for receipt in receipts}
