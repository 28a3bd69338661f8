"""Cases at the officer desk: a dossier waits, a person decides, the desk process signs.

    RECEIVED -> ACCEPTED   (an officer has opened it), from either of the two:
             -> PROCESSING (approved: number and id code given, copy not signed yet) -> DONE
             -> REFUSED    (decree 23/2015, article 22)
             -> SUPPLEMENT (something is missing, or the scan is not good enough)
             -> FINANCIAL_DUTY (something has to be paid first) -> ACCEPTED
    no result yet -> WITHDRAWN by the citizen, STOPPED by the agency
    DONE -> RETURNED       (handed over at the desk)

By law an officer compares the original with the copy, so an approval says how the original was
seen. The decision is a person's, in a page or through ``/desk/api``; assembling and signing is
the work of :mod:`kiosk.portal.desk`, on a token that this server never sees. A dossier that asks
for no copy (a filing) is finished by the officer.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal

from certify.numbers import new_id_code
from certify.statement import CopyFacts
from kiosk.portal import revocations
from kiosk.portal.answers import ANSWERS, TEXT, Answers
from kiosk.portal.attestations import Attestations, OriginalSeen
from kiosk.portal.copies import OTHER_PAGES, CopyVerifier, opened
from kiosk.portal.delivery import Kind
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.following import Following
from kiosk.portal.register import Register, entry_of, shown_number
from kiosk.portal.sealed import GenuineSeal, SealedCopies
from kiosk.portal.settings import PortalSettings
from kiosk.portal.store import LISTED, Dossier, Processing, Store, manifest_of
from kiosk.portal.times import VIETNAM, now
from kiosk.portal.vault import Vault, pages_of

Ended = Literal[Processing.WITHDRAWN, Processing.STOPPED]
_OPEN = (Processing.RECEIVED, Processing.ACCEPTED)
_NO_RESULT = (
    *_OPEN,
    Processing.PROCESSING,
    Processing.SUPPLEMENT,
    Processing.FINANCIAL_DUTY,
)
_NEVER_ISSUED = "Bản sao này chưa được cấp."
PORTAL_MAKER = 0
"""The portal stands as kiosk 0 in the id codes that it gives."""


class Cases:
    def __init__(
        self,
        settings: PortalSettings,
        store: Store,
        vault: Vault,
        register: Register,
        verifier: CopyVerifier,
        sealed: SealedCopies,
        following: Following,
        attestations: Attestations,
    ) -> None:
        self._settings = settings
        self._store = store
        self._vault = vault
        self._register = register
        self._verifier = verifier
        self._sealed = sealed
        self._following = following
        self._attestations = attestations

    def waiting(self) -> list[Dossier]:
        """Copies that wait for an officer's decision, oldest first."""
        return self._store.in_processing("pre-check", *_OPEN)

    def filings(self) -> list[Dossier]:
        """Dossiers that ask for no copy and wait for an officer, oldest first."""
        return self._store.in_processing("filing", *_OPEN)

    def incomplete(self) -> list[Dossier]:
        """Dossiers whose citizens were asked for more, oldest first."""
        return self._of_citizens(Processing.SUPPLEMENT)

    def to_pay(self) -> list[Dossier]:
        """Dossiers whose citizens have a financial duty first, oldest first."""
        return self._of_citizens(Processing.FINANCIAL_DUTY)

    def next_waiting(self) -> Dossier | None:
        """What an officer takes up next."""
        return next(iter(self.waiting() or self.filings()), None)

    def is_waiting(self, dossier: Dossier) -> bool:
        return dossier.mode != "post-check" and dossier.processing in _OPEN

    def may_end(self, dossier: Dossier) -> bool:
        return dossier.mode != "post-check" and dossier.processing in _NO_RESULT

    def approved(self) -> list[Dossier]:
        """Cases that wait for the desk process to sign."""
        return self._store.in_processing("pre-check", Processing.PROCESSING)

    def case(self, dossier_id: str) -> Dossier:
        """An accepted dossier. Raises RefusedError (NOT_FOUND)."""
        dossier = self._store.dossier(dossier_id)
        if dossier is None or dossier.receipt is None:
            raise RefusedError(DeskProblem.NOT_FOUND, "no such case")
        return dossier

    def answers(self, dossier: Dossier) -> Answers:
        return Answers.model_validate_json(self._open(dossier, ANSWERS))

    def text(self, dossier: Dossier) -> bytes:
        """The part ``text.json`` (certify.pages)."""
        return self._open(dossier, TEXT)

    def page(self, dossier: Dossier, name: str) -> bytes:
        """A page image (JPEG). Raises RefusedError (NOT_FOUND)."""
        if name not in pages_of(manifest_of(dossier)):
            raise RefusedError(DeskProblem.NOT_FOUND, "no such page")
        return self._open(dossier, name)

    def opened(self, dossier_id: str, officer: str) -> Dossier:
        """An officer looks at the case, who may decide it: the first one to do so is told to the
        citizen who waits for it."""
        with self._store.transaction():
            dossier = self.case(dossier_id)
            if dossier.mode == "post-check" or dossier.processing != Processing.RECEIVED:
                return dossier
            self._move(dossier, Processing.ACCEPTED, officer)
            return self.case(dossier_id)

    def approve(
        self, dossier_id: str, original_seen: OriginalSeen, officer: str | None = None
    ) -> CopyFacts:
        """Give number and id code. Approving again answers the same facts.

        Raises RefusedError: NOT_WAITING, or NOT_SEEN when the original was not seen as the
        procedure wants it.
        """
        named, case = officer or self._settings.officer, self.case(dossier_id)
        attested = self._attestations.make(case, original_seen, named)
        applicant = self.answers(case).applicant
        with self._store.transaction():
            dossier = self.case(dossier_id)
            if dossier.mode == "pre-check" and dossier.facts is not None:
                return facts_of(dossier.facts)
            self._require_waiting(dossier, "pre-check")
            facts = self._new_facts(dossier, named)
            if not self._register.enter(entry_of(facts, manifest_of(dossier), applicant.full_name)):
                raise RefusedError(DeskProblem.NOT_WAITING, "it stands in the register already")
            self._attestations.keep(attested)
            self._move(
                dossier,
                Processing.PROCESSING,
                facts.officer,
                facts=json.dumps(facts.to_dict()),
                number=shown_number(facts),
                original_seen=original_seen,
                decided_at=now().isoformat(),
            )
        return facts

    def refuse(self, dossier_id: str, reason: str, officer: str | None = None) -> None:
        """``reason`` is told to the citizen. Raises RefusedError (NOT_WAITING)."""
        self._answer(dossier_id, Processing.REFUSED, "refusal", reason, officer)

    def ask_for_more(self, dossier_id: str, missing: str, officer: str | None = None) -> None:
        """``missing`` is told to the citizen. Raises RefusedError (NOT_WAITING)."""
        self._answer(dossier_id, Processing.SUPPLEMENT, "supplement", missing, officer)

    def ask_to_pay(self, dossier_id: str, duty: str, officer: str | None = None) -> None:
        """A financial duty comes first. ``duty``, told to the citizen: what to pay, and where.
        Raises RefusedError (NOT_WAITING)."""
        self._answer(dossier_id, Processing.FINANCIAL_DUTY, "duty", duty, officer)

    def duty_done(self, dossier_id: str, reference: str, officer: str | None = None) -> None:
        """``reference``: of the receipt that was shown. Raises RefusedError (NOT_WAITING)."""
        with self._store.transaction():
            dossier = self.case(dossier_id)
            if dossier.processing != Processing.FINANCIAL_DUTY:
                raise RefusedError(DeskProblem.NOT_WAITING, "nothing was to be paid")
            self._store.change(dossier.id, processing=Processing.ACCEPTED, note=None)
            self._following.moved(dossier.id, Processing.ACCEPTED, officer, reference)

    def end(
        self,
        dossier_id: str,
        state: Ended,
        why: str,
        officer: str | None = None,
    ) -> None:
        """``why`` is told to the citizen. What was approved and cannot be signed ends so too: its
        number stays in the book as void. Raises RefusedError (NOT_WAITING)."""
        self._answer(dossier_id, state, "refusal", why, officer, _NO_RESULT)

    def finish(self, dossier_id: str, officer: str | None = None) -> None:
        """A filing is done. Raises RefusedError (NOT_WAITING)."""
        with self._store.transaction():
            dossier = self.case(dossier_id)
            self._require_waiting(dossier, "filing")
            self._move(dossier, Processing.DONE, officer, decided_at=now().isoformat())

    def hand_over(self, dossier_id: str, officer: str | None = None) -> None:
        """The citizen has the result in hand. Raises RefusedError (NOT_WAITING)."""
        with self._store.transaction():
            dossier = self.case(dossier_id)
            if dossier.processing != Processing.DONE:
                raise RefusedError(DeskProblem.NOT_WAITING, "there is nothing to hand over")
            self._move(dossier, Processing.RETURNED, officer)

    def attach_copy(self, dossier_id: str, pdf: bytes) -> None:
        """The signed copy of an approved case; it must verify and state exactly what was
        approved. The first good copy stays. Raises RefusedError (NOT_WAITING, BAD_COPY)."""
        dossier = self.case(dossier_id)
        if dossier.facts is None or dossier.mode != "pre-check":
            raise RefusedError(DeskProblem.NOT_WAITING, "the case was not approved")
        if dossier.processing != Processing.PROCESSING:  # a good copy is there already
            return
        images = self._vault.images(manifest_of(dossier))
        fault = self._verifier.fault_of(pdf, images, facts_of(dossier.facts))
        if not self._attestations.are_of(dossier.id, images):
            fault = OTHER_PAGES
        if fault:
            raise RefusedError(DeskProblem.BAD_COPY, fault)
        answers = self.answers(dossier)
        seal = GenuineSeal(opened(pdf).seal, facts_of(dossier.facts).id_code)
        with self._store.transaction():
            if self.case(dossier_id).processing == Processing.PROCESSING:
                self._vault.keep_copy(dossier.id, pdf)
                self._sealed.keep(dossier.id, seal)
                self._store.change(dossier.id, processing=Processing.DONE)
                self._following.signed(dossier.id)
                self._following.tell(dossier.id, "result", answers)

    def _answer(
        self,
        dossier_id: str,
        state: Processing,
        kind: Kind,
        words: str,
        officer: str | None,
        states: tuple[Processing, ...] = _OPEN,
    ) -> None:
        answers = self.answers(self.case(dossier_id))
        with self._store.transaction():
            dossier = self.case(dossier_id)
            self._require_waiting(dossier, "pre-check", "filing", states=states)
            self._move(dossier, state, officer, note=words, decided_at=now().isoformat())
            if dossier.facts is not None:
                self._void(dossier.id, facts_of(dossier.facts), officer)
            self._following.tell(dossier.id, kind, answers)

    def _void(self, dossier_id: str, facts: CopyFacts, officer: str | None) -> None:
        """Should a desk have signed it already and not told, nobody takes that copy."""
        by = officer or self._settings.officer
        revocations.add(self._store, dossier_id, facts.id_code, _NEVER_ISSUED, by)

    def _move(
        self, dossier: Dossier, state: Processing, officer: str | None, **values: str | int | None
    ) -> None:
        self._store.change(dossier.id, processing=state, **values)
        note = values.get("note")
        self._following.moved(dossier.id, state, officer, str(note) if note else None)

    def _of_citizens(self, state: Processing) -> list[Dossier]:
        modes = ("pre-check", "filing")
        found = [dossier for mode in modes for dossier in self._store.in_processing(mode, state)]
        return sorted(found, key=lambda dossier: dossier.accepted_at or "")[:LISTED]

    def _require_waiting(
        self, dossier: Dossier, *modes: str, states: tuple[Processing, ...] = _OPEN
    ) -> None:
        if dossier.mode not in modes or dossier.processing not in states:
            raise RefusedError(DeskProblem.NOT_WAITING, "the case does not wait for a decision")

    def _new_facts(self, dossier: Dossier, officer: str) -> CopyFacts:
        issued = datetime.now(VIETNAM).replace(microsecond=0)
        return CopyFacts(
            id_code=self._new_id_code(),
            number=self._register.draw("certificate", issued.year),
            year=issued.year,
            book=self._register.book(issued.year),
            agency=self._settings.agency,
            place=self._settings.place,
            officer=officer,
            officer_title=self._settings.officer_title,
            issued=issued,
            copies=manifest_of(dossier).copies,
            mode="pre-check",
            inspect_by=None,
            dossier_code=dossier.code,
        )

    def _new_id_code(self) -> str:
        """One that stands in no line of the book."""
        while True:
            id_code = new_id_code(PORTAL_MAKER, self._register.draw("id-code", 0))
            if self._register.entry_of(id_code) is None:
                return id_code

    def _open(self, dossier: Dossier, name: str) -> bytes:
        return self._vault.open_part(manifest_of(dossier), name)


def facts_of(text: str) -> CopyFacts:
    return CopyFacts.from_dict(json.loads(text))
