"""What happens the moment a dossier is accepted: it enters the casebook, and a copy that a kiosk
issued the register book.

A post-check copy was handed out already, so nothing here can refuse the dossier: what does not
fit (a copy that does not verify, a number that was never leased) becomes a note for the officer.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from certify.statement import CopyFacts
from kiosk.portal.answers import COPY, Answers
from kiosk.portal.copies import Checked, CopyVerifier
from kiosk.portal.following import Following
from kiosk.portal.register import Register, entry_of, shown_number
from kiosk.portal.store import Dossier, Processing, Store
from kiosk.portal.vault import Vault
from kiosk.portal.vouched import is_vouched
from offline_queue.manifest import Manifest

_log = logging.getLogger(__name__)
_NOT_VERIFIED = "Bản sao cấp tại kiosk không kiểm tra được, cán bộ cần xem lại"
_NOT_THIS_CASE = "Bản sao cấp tại kiosk không khớp hồ sơ, cán bộ cần xem lại"
_NOT_LEASED = "Số chứng thực không thuộc dãy số đã cấp cho kiosk, cán bộ cần xem lại"
_CODE_TWICE = "Mã hồ sơ trùng với một hồ sơ khác, cán bộ cần xem lại"
_NUMBER_TWICE = "Số chứng thực đã có trong sổ, cán bộ cần xem lại"


@dataclass(frozen=True, slots=True)
class Arrival:
    manifest: Manifest
    answers: Answers
    issued: Checked | None
    """What the copy is worth that the kiosk issued, if it did."""


class Arrivals:
    def __init__(
        self,
        store: Store,
        vault: Vault,
        register: Register,
        verifier: CopyVerifier,
        following: Following,
    ) -> None:
        self._store = store
        self._vault = vault
        self._register = register
        self._verifier = verifier
        self._following = following

    def examine(self, manifest: Manifest, answers: Answers) -> Arrival:
        """The slow part, before the transaction of acceptance."""
        if manifest.mode != "post-check":
            return Arrival(manifest, answers, None)
        copy = self._vault.open_part(manifest, COPY)
        images, text = self._vault.images(manifest), self._vault.text(manifest)
        checked = self._verifier.check(copy, images, text)
        if checked.facts is not None:
            self._vault.keep_copy(str(manifest.id), copy)
        return Arrival(manifest, answers, checked)

    def record(self, arrival: Arrival, dossier: Dossier) -> None:
        """Inside that transaction. ``dossier``: as it stands in the database now."""
        self._following.arrived(arrival.manifest, arrival.answers, dossier)
        if is_vouched(arrival.manifest):
            # Whoever was vouched for without knowing hears of it.
            self._following.tell(dossier.id, "vouched", arrival.answers)
        if self._following.is_code_taken(arrival.manifest):
            self._store.change(dossier.id, note=_CODE_TWICE)
        if arrival.issued is not None:
            self._record_copy(arrival, arrival.issued, dossier)

    def _record_copy(self, arrival: Arrival, issued: Checked, dossier: Dossier) -> None:
        """Number and line in the book, or a note why not."""
        facts = issued.facts
        if facts is None:
            _log.error("a copy from a kiosk does not verify: %s", issued.fault)
            self._store.change(dossier.id, note=_NOT_VERIFIED)
            return
        if note := self._entered(arrival, facts, dossier):
            self._store.change(dossier.id, note=note)
            return
        assert facts.inspect_by is not None  # CopyFacts demands it of post-check
        self._store.change(
            dossier.id,
            facts=json.dumps(facts.to_dict()),
            number=shown_number(facts),
            inspect_by=facts.inspect_by.isoformat(),
            processing=Processing.PROCESSING,
        )
        self._following.issued_at_kiosk(dossier.id)
        self._following.tell(dossier.id, "result", arrival.answers)

    def _entered(self, arrival: Arrival, facts: CopyFacts, dossier: Dossier) -> str | None:
        """None when the copy stands in the book, else why it cannot."""
        manifest = arrival.manifest
        stated = (facts.mode, facts.dossier_code, facts.copies, facts.book)
        book = self._register.book(facts.year)
        if stated != (manifest.mode, manifest.code, manifest.copies, book):
            return _NOT_THIS_CASE
        if not self._register.leased(dossier.kiosk_id, facts.year, facts.number):
            return _NOT_LEASED
        if not self._register.enter(entry_of(facts, manifest, arrival.answers.applicant.full_name)):
            return _NUMBER_TWICE
        return None
