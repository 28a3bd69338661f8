"""What has to follow when a dossier arrives or comes into another state.

Called inside the transaction that changes the dossier: history, fee, supplement and outbox of
deliveries change with it, or nothing does.
"""

from __future__ import annotations

from datetime import datetime

from kiosk.portal.answers import Answers
from kiosk.portal.archiving import Archives
from kiosk.portal.casebook import Casebook
from kiosk.portal.delivery import Deliveries, Kind
from kiosk.portal.fees import Fees
from kiosk.portal.store import Dossier, Processing
from kiosk.portal.supplements import Supplements
from offline_queue.manifest import Manifest


class Following:
    def __init__(
        self,
        casebook: Casebook,
        fees: Fees,
        supplements: Supplements,
        deliveries: Deliveries,
        archives: Archives,
    ) -> None:
        self._casebook = casebook
        self._fees = fees
        self._supplements = supplements
        self._deliveries = deliveries
        self._archives = archives

    def arrived(self, manifest: Manifest, answers: Answers, dossier: Dossier) -> None:
        assert dossier.accepted_at is not None  # set in this transaction
        self._casebook.open(manifest, answers, datetime.fromisoformat(dossier.accepted_at))
        self._fees.open(manifest)
        parent_state = self._supplements.arrive(manifest, dossier)
        if parent_state is not None:
            self._fees.follow(str(manifest.parent), parent_state)

    def is_code_taken(self, manifest: Manifest) -> bool:
        """Codes come from leased blocks; one is there twice when a kiosk's disk was copied."""
        lines = self._casebook.of_code(manifest.code)
        return any(line.dossier != str(manifest.id) for line in lines)

    def moved(
        self, dossier_id: str, state: Processing, officer: str | None, words: str | None = None
    ) -> None:
        self._casebook.event(dossier_id, state, officer, words)
        self._fees.follow(dossier_id, state)

    def issued_at_kiosk(self, dossier_id: str) -> None:
        """The citizen has the copy already; an officer will inspect it."""
        self._casebook.event(dossier_id, Processing.DONE)
        self._archives.want(dossier_id)

    def signed(self, dossier_id: str) -> None:
        """The copy is there, or the officer's signature was added to it."""
        self.moved(dossier_id, Processing.DONE, None)
        self._archives.want(dossier_id)

    def tell(self, dossier_id: str, kind: Kind, answers: Answers) -> None:
        self._deliveries.announce(dossier_id, kind, answers)
