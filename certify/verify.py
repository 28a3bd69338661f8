"""Verify a certified copy, strictly: what is not shown to be genuine is not.

A general PDF validator asks whether signatures hold. That is not enough: it is content with a file
from which the agency's signature was cut, or to which anything was appended. Here the seal, which
is signed, says what must be there: the mode decides the signatures, the bundle decides the roots,
the digest decides the pages, and nothing may lie outside of what is signed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from asn1crypto import x509
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from certify.copyfile import (
    CopyFile,
    is_minimal,
    is_plainly_written,
    open_reader,
    read_copy,
)
from certify.errors import CertifyError, Fault
from certify.seal import Seal, abbreviated, check_seal, copy_digest
from certify.statement import CopyFacts
from certify.trust import TrustBundle

OFFICER, AGENCY = "Officer", "Agency"


class State(StrEnum):
    OFFICER_AND_AGENCY = "officer-and-agency"
    INSPECTION_DUE = "agency-inspection-due"
    INSPECTION_OVERDUE = "agency-inspection-overdue"
    NOT_GENUINE = "not-genuine"


class Evidence(NamedTuple):
    check: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code``: the state of a genuine copy, otherwise what failed first (``copy.…``).

    ``facts`` are what the copy states, only when it is genuine.
    """

    ok: bool
    state: State
    code: str
    sentence_vi: str
    sentence_en: str
    evidence: tuple[Evidence, ...]
    facts: CopyFacts | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and between processes."""
        return {
            "ok": self.ok,
            "state": str(self.state),
            "code": self.code,
            "sentence_vi": self.sentence_vi,
            "sentence_en": self.sentence_en,
            "evidence": [list(item) for item in self.evidence],
            "facts": self.facts.to_dict() if self.facts else None,
        }


def verify(
    pdf: bytes, bundle: TrustBundle, *, at: datetime | None = None, paper_seal: str | None = None
) -> Verdict:
    """Judge a copy as of ``at`` (now, if not given).

    ``paper_seal`` is the text of a QR code seen on paper, which must then be the file's own.

    Raises CertifyError: PDF_UNREADABLE (no PDF at all), PDF_ENCRYPTED.
    """
    moment = at or datetime.now(UTC)
    reader = open_reader(pdf)
    try:
        if reader is None:
            raise ValueError("the structure cannot be read")
        copy = read_copy(reader)
    except ValueError as error:
        return _not_genuine((Evidence("structure", False, str(error)),))
    examination = _Examination(pdf, copy, bundle, moment, paper_seal)
    evidence = (Evidence("structure", True, f"{copy.page_count} pages"), *examination.run())
    if not all(item.ok for item in evidence):
        return _not_genuine(evidence)
    state = _state(copy, moment)
    by = f"{copy.facts.inspect_by:%d/%m/%Y}" if copy.facts.inspect_by else ""
    words = {lang: text.format(inspect_by=by) for lang, text in _words()["state"][state].items()}
    return Verdict(True, state, str(state), words["vi"], words["en"], evidence, copy.facts)


class _CheckError(Exception):
    """A check failed; the message says where."""


class _Examination:
    """One copy under examination. Each check gives a short detail or raises _CheckError."""

    def __init__(
        self,
        pdf: bytes,
        copy: CopyFile,
        bundle: TrustBundle,
        moment: datetime,
        paper_seal: str | None,
    ) -> None:
        self._pdf = pdf
        self._copy = copy
        self._bundle = bundle
        self._moment = moment
        self._paper_seal = paper_seal
        self._statuses: dict[str, PdfSignatureStatus] = {}

    def run(self) -> list[Evidence]:
        checks: dict[str, Callable[[Seal], str]] = {
            "signatures": self._signatures,
            "integrity": self._integrity,
            "chain": self._chain,
            "signers": self._signers,
            "facts": self._facts,
            "pages": self._pages,
            "updates": self._updates,
            "whole-file": self._whole_file,
            "revocation": self._revocation,
        }
        try:
            seal = check_seal(self._copy.seal, self._bundle)
        except CertifyError as error:
            name = "revocation" if error.code == Fault.COPY_REVOKED else "seal"
            return [Evidence(name, False, error.detail)]
        same = self._paper_seal in (None, self._copy.seal)
        found = [Evidence("seal", same, seal.id_code if same else "another one on paper")]
        for name, check in checks.items():
            try:
                found.append(Evidence(name, True, check(seal)))
            except _CheckError as error:
                found.append(Evidence(name, False, str(error)))
            except Exception as error:
                # A hostile file may provoke anything in a parser; all of it means "no".
                found.append(Evidence(name, False, type(error).__name__))
        return found

    def _signatures(self, seal: Seal) -> str:
        there = set(self._copy.signatures)
        needed = {OFFICER, AGENCY} if seal.mode == "pre-check" else {AGENCY}
        _need(needed <= there, f"missing: {', '.join(sorted(needed - there))}")
        _need(there <= {OFFICER, AGENCY}, "a signature that does not belong here")
        return ", ".join(sorted(there))

    def _integrity(self, _seal: Seal) -> str:
        for name, signature in self._copy.signatures.items():
            _need(is_plainly_written(self._pdf, signature), f"{name}: odd bytes")
            status = validate_pdf_signature(signature, self._context())
            self._statuses[name] = status
            _need(status.intact and status.valid, name)
        return "all hold"

    def _chain(self, _seal: Seal) -> str:
        self._need_statuses()
        for name, status in self._statuses.items():
            _need(status.trusted, f"{name}: {status.signing_cert.issuer.human_friendly}")
            path = status.validation_path or ()
            _need(is_minimal(self._copy.signatures[name], path), f"{name}: odd message")
        return "all end at a root of the bundle"

    def _signers(self, _seal: Seal) -> str:
        facts = self._copy.facts
        for name, signature in self._copy.signatures.items():
            common_name, organisation = _subject(signature.signer_cert)
            wanted = facts.agency if name == AGENCY else facts.officer or common_name
            _need((common_name, organisation) == (wanted, facts.agency), name)
        return "as the statement names them"

    def _facts(self, seal: Seal) -> str:
        facts = self._copy.facts
        same = {
            "id code": seal.id_code == facts.id_code,
            "number": (seal.number, seal.book) == (facts.number, facts.book),
            "agency": seal.agency_code == facts.agency_code
            and abbreviated(facts.agency).startswith(seal.agency),
            "date": int(facts.issued.timestamp()) == int(seal.issued.timestamp()),
            "mode": (seal.mode, seal.inspect_by) == (facts.mode, facts.inspect_by),
        }
        _need(all(same.values()), ", ".join(name for name, ok in same.items() if not ok))
        return f"number {facts.number}, book {facts.book}"

    def _pages(self, seal: Seal) -> str:
        images = self._copy.images
        _need(len(images) == seal.pages, f"{len(images)} images instead of {seal.pages}")
        _need(self._copy.page_count - seal.pages in (0, 1), f"{self._copy.page_count} sheets")
        _need(copy_digest(images, self._copy.facts) == seal.digest, "digest")
        return f"{seal.pages} pages as sealed"

    def _updates(self, _seal: Seal) -> str:
        """After the first signature only the other one, after both only what archiving adds."""
        self._need_statuses()
        ordered = sorted(self._copy.signatures.values(), key=lambda sig: sig.signed_revision)
        first = ordered[0].docmdp_level
        _need(first in (MDPPerm.FILL_FORMS, MDPPerm.NO_CHANGES), "not certified")
        for index, signature in enumerate(ordered):
            later = {other.field_name for other in ordered[index + 1 :]}
            limit = ModificationLevel.FORM_FILLING if later else ModificationLevel.LTA_UPDATES
            changes = signature.diff_result
            _need(
                isinstance(changes, DiffResult)
                and changes.modification_level <= limit
                and changes.changed_form_fields <= later,
                f"after {signature.field_name}",
            )
        return "none but those allowed"

    def _whole_file(self, _seal: Seal) -> str:
        self._need_statuses()
        signatures = self._copy.signatures.values()
        covering = [sig for sig in signatures if sig.coverage is SignatureCoverageLevel.ENTIRE_FILE]
        _need(bool(covering) or any(map(self._closes, self._copy.timestamps)), "data at the end")
        return "signed to the last byte"

    def _closes(self, stamp: EmbeddedPdfSignature) -> bool:
        """A document timestamp that covers the whole file, as archiving leaves it (PAdES B-LTA)."""
        if not is_plainly_written(self._pdf, stamp):
            return False
        status = validate_pdf_timestamp(stamp, self._context())
        whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        return whole and bool(status.intact and status.valid and status.trusted)

    def _revocation(self, _seal: Seal) -> str:
        for name, status in self._statuses.items():
            path = list(status.validation_path or [])
            serials = {certificate.serial_number for certificate in [status.signing_cert, *path]}
            _need(not serials & self._bundle.revoked_certificates, name)
        return "neither the copy nor a certificate"

    def _context(self) -> ValidationContext:
        return ValidationContext(
            trust_roots=[x509.Certificate.load(root) for root in self._bundle.roots],
            allow_fetching=False,
            revocation_mode="soft-fail",
            moment=self._moment,
        )

    def _need_statuses(self) -> None:
        _need(self._statuses.keys() == self._copy.signatures.keys(), "a signature is broken")
        _need(bool(self._statuses), "no signature")


def _need(condition: Any, detail: str) -> None:
    if not condition:
        raise _CheckError(detail)


def _subject(certificate: x509.Certificate) -> tuple[str, str]:
    names = certificate.subject.native
    return names.get("common_name", ""), names.get("organization_name", "")


def _state(copy: CopyFile, moment: datetime) -> State:
    if OFFICER in copy.signatures:
        return State.OFFICER_AND_AGENCY
    due = copy.facts.inspect_by
    assert due is not None  # the seal, and the facts with it, say post-check
    overdue = moment.astimezone(copy.facts.issued.tzinfo).date() > due
    return State.INSPECTION_OVERDUE if overdue else State.INSPECTION_DUE


def _not_genuine(evidence: tuple[Evidence, ...]) -> Verdict:
    failed = {item.check for item in evidence if not item.ok}
    name = next(name for name in _words()["check"] if name in failed)
    words = _words()["check"][name]
    return Verdict(False, State.NOT_GENUINE, words["code"], words["vi"], words["en"], evidence)


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((resources.files("certify") / "verdicts.toml").read_text("utf-8"))
