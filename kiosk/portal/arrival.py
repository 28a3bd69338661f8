"""What happens the moment a dossier is accepted: it enters the casebook, and a copy that a kiosk
issued the register book.

A post-check copy was handed out already, so nothing here can refuse the dossier: what does not
fit (a copy that does not verify, a number that was never leased) becomes a note for the officer.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from certify.numbers import kiosks_id_code, maker_of
from certify.statement import CopyFacts
from certify.trust import Policy
from kiosk.portal.answers import COPY, Answers
from kiosk.portal.cases import PORTAL_MAKER
from kiosk.portal.copies import Checked, CopyVerifier
from kiosk.portal.following import Following
from kiosk.portal.register import Register, entry_of, shown_number
from kiosk.portal.revocations import revocation_of_code
from kiosk.portal.sealed import GenuineSeal, SealedCopies
from kiosk.portal.store import Dossier, Processing, Store
from kiosk.portal.times import VIETNAM
from kiosk.portal.trust import read_policy
from kiosk.portal.vault import Vault
from kiosk.portal.vouched import is_vouched
from offline_queue.manifest import Manifest

_log = logging.getLogger(__name__)
_NOT_VERIFIED = "Bản sao cấp tại kiosk không kiểm tra được, cán bộ cần xem lại"
_NOT_THIS_CASE = "Bản sao cấp tại kiosk không khớp hồ sơ, cán bộ cần xem lại"
_NOT_LEASED = "Số chứng thực không thuộc dãy số đã cấp cho kiosk, cán bộ cần xem lại"
_LEASE_ENDED = "Dãy số của kiosk đã hết hạn khi cấp bản sao, cán bộ cần xem lại"
_NOT_ITS_CODE = "Mã bản sao không phải của kiosk này, cán bộ cần xem lại"
_CODE_REVOKED = "Mã bản sao đã bị thu hồi, cán bộ cần xem lại"
_OUTSIDE_POLICY = "Kiosk cấp bản sao không đúng chính sách ({what}), cán bộ cần xem kỹ"
_CODE_TWICE = "Mã hồ sơ trùng với một hồ sơ khác, cán bộ cần xem lại"
_NUMBER_TWICE = "Số chứng thực đã có trong sổ, cán bộ cần xem lại"


@dataclass(frozen=True, slots=True)
class Arrival:
    manifest: Manifest
    answers: Answers
    issued: Checked | None
    """What the copy is worth that the kiosk issued, if it did."""
    seal: GenuineSeal | None = None
    """Of that copy, even when it is not what it should be: it may have to be revoked."""
    outside_policy: str | None = None
    """Words for the officer."""


class Arrivals:
    def __init__(
        self,
        store: Store,
        vault: Vault,
        register: Register,
        verifier: CopyVerifier,
        sealed: SealedCopies,
        following: Following,
        trust_dir: Path,
    ) -> None:
        self._trust_dir = trust_dir
        self._store = store
        self._vault = vault
        self._register = register
        self._verifier = verifier
        self._sealed = sealed
        self._following = following

    def examine(self, manifest: Manifest, answers: Answers) -> Arrival:
        """The slow part, before the transaction of acceptance."""
        if manifest.mode != "post-check":
            return Arrival(manifest, answers, None)
        copy = self._vault.open_part(manifest, COPY)
        checked = self._verifier.check(copy, self._vault.images(manifest))
        if checked.facts is not None:
            self._vault.keep_copy(str(manifest.id), copy)
        seal = self._sealed.genuine_seal(copy)
        policy, facts = read_policy(self._trust_dir), checked.facts
        outside = _outside(policy, manifest, facts) if facts else None
        return Arrival(manifest, answers, checked, seal, outside)

    def record(self, arrival: Arrival, dossier: Dossier) -> None:
        """Inside that transaction. ``dossier``: as it stands in the database now."""
        self._following.arrived(arrival.manifest, arrival.answers, dossier)
        if is_vouched(arrival.manifest):
            # Whoever was vouched for without knowing hears of it.
            self._following.tell(dossier.id, "vouched", arrival.answers)
        if self._following.is_code_taken(arrival.manifest):
            self._store.change(dossier.id, note=_CODE_TWICE)
        if arrival.seal is not None:
            self._sealed.keep(dossier.id, arrival.seal)
        if arrival.issued is not None:
            self._record_copy(arrival, arrival.issued, dossier)

    def _record_copy(self, arrival: Arrival, issued: Checked, dossier: Dossier) -> None:
        """Number and line in the book, or a note why not."""
        facts = issued.facts
        if facts is None:
            _log.error("a copy from a kiosk does not verify: %s", issued.fault)
            self._store.change(dossier.id, note=_NOT_VERIFIED)
            return
        note = self._objection(arrival.manifest, facts, dossier) or self._entered(arrival, facts)
        if note:
            self._store.change(dossier.id, note=note)
            return
        assert facts.inspect_by is not None  # CopyFacts demands it of post-check
        self._store.change(
            dossier.id,
            facts=json.dumps(facts.to_dict()),
            number=shown_number(facts),
            inspect_by=facts.inspect_by.isoformat(),
            processing=Processing.PROCESSING,
            note=arrival.outside_policy,
        )
        self._following.issued_at_kiosk(dossier.id)
        self._following.tell(dossier.id, "result", arrival.answers)

    def _objection(self, manifest: Manifest, facts: CopyFacts, dossier: Dossier) -> str | None:
        """Why the copy must not enter the book, if there is a reason."""
        lease_end = self._register.lease_end(dossier.kiosk_id, facts.year, facts.number)
        stated = (facts.mode, facts.dossier_code, facts.copies, facts.book)
        book = self._register.book(facts.year)
        if stated != (manifest.mode, manifest.code, manifest.copies, book):
            return _NOT_THIS_CASE
        if lease_end is None:
            return _NOT_LEASED
        if facts.issued > lease_end:
            return _LEASE_ENDED
        if not _is_kiosks_code(facts):
            return _NOT_ITS_CODE
        if revocation_of_code(self._store, facts.id_code):
            return _CODE_REVOKED
        return None

    def _entered(self, arrival: Arrival, facts: CopyFacts) -> str | None:
        """None when the copy stands in the book, else why it cannot."""
        applicant = arrival.answers.applicant.full_name
        entered = self._register.enter(entry_of(facts, arrival.manifest, applicant))
        return None if entered else _NUMBER_TWICE


def _is_kiosks_code(facts: CopyFacts) -> bool:
    """Is the id code made from the certificate number, as kiosks do? The portal's own codes, and
    those of other kiosks' numbers, are not this kiosk's to give."""
    maker = maker_of(facts.id_code)
    its_code = kiosks_id_code(maker, facts.year, facts.number)
    return maker != PORTAL_MAKER and facts.id_code == its_code


def _outside(policy: Policy | None, manifest: Manifest, facts: CopyFacts) -> str | None:
    """What the kiosk did that the policy of today does not allow, in words for the officer. The
    kiosk may have held an older one: it is no reason to keep the copy out of the book."""
    if policy is None or facts.inspect_by is None:
        return None
    days = (facts.inspect_by - facts.issued.astimezone(VIETNAM).date()).days
    papers = {paper.paper_class for paper in manifest.papers}
    found = {
        "không được cấp trước khi kiểm tra": facts.mode not in policy.modes,
        "loại giấy": not papers <= policy.post_check_papers,
        "hạn kiểm tra quá dài": days > policy.post_check_inspect_days,
    }
    what = [words for words, breached in found.items() if breached]
    return _OUTSIDE_POLICY.format(what=", ".join(what)) if what else None
