"""One copy under examination: each check gives a short detail, or refuses with a reason.

Reasons are the keys of ``[refusal]`` in verdicts.toml: every way of being refused has a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from asn1crypto import x509
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from certify import proofs
from certify.copyfile import CopyFile, images_at, is_minimal, is_plainly_written, strange_notes
from certify.errors import CertifyError, Fault
from certify.seal import Seal, abbreviated, check_seal, copy_digest
from certify.trust import TrustBundle

OFFICER, AGENCY = "Officer", "Agency"
_CLOCKS_DIFFER = timedelta(minutes=10)
_SIGNED_AHEAD = timedelta(days=1)  # a statement may be dated the day after it was signed


class Evidence(NamedTuple):
    check: str
    ok: bool
    detail: str


class Findings(NamedTuple):
    """``reason``: of the first refusal; empty when all checks passed."""

    evidence: tuple[Evidence, ...]
    reason: str
    level: str = ""


class _RefusalError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Examination:
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
        self._proofs = proofs.Proofs((), moment)
        self._statuses: dict[str, PdfSignatureStatus] = {}

    def run(self) -> Findings:
        """All checks, in the order of telling; without a valid seal nothing else is asked."""
        try:
            seal = check_seal(self._copy.seal, self._bundle)
        except CertifyError as error:
            reason = SEAL_REASONS[error.code]
            check = "revocation" if error.code == Fault.COPY_REVOKED else "seal"
            return Findings((Evidence(check, False, error.detail),), reason)
        evidence, reasons = [], []
        for name, check_of in self._checks().items():
            ok, detail, reason = _outcome(name, check_of, seal)
            evidence.append(Evidence(name, ok, detail))
            reasons.append(reason)
        reason = next(filter(None, reasons), "")
        level = "" if reason else proofs.level(self._copy, self._proofs, self._bundle)
        return Findings(tuple(evidence), reason, level)

    def _checks(self) -> dict[str, Callable[[Seal], str]]:
        return {
            "seal": self._paper,
            "signatures": self._signatures,
            "integrity": self._integrity,
            "contents": self._contents,
            "chain": self._chain,
            "signers": self._signers,
            "facts": self._facts,
            "pages": self._pages,
            "annotations": self._annotations,
            "updates": self._updates,
            "whole-file": self._whole_file,
            "times": self._times,
            "revocation": self._revocation,
        }

    def _paper(self, seal: Seal) -> str:
        _need(self._paper_seal in (None, self._copy.seal), "seal-on-paper", "another one on paper")
        return seal.id_code

    def _signatures(self, seal: Seal) -> str:
        there = set(self._copy.signatures)
        needed = {OFFICER, AGENCY} if seal.mode == "pre-check" else {AGENCY}
        # The officer signs first: his signature alone is what the file was before the agency's.
        _need(there != {OFFICER} or AGENCY not in needed, "old-revision", f"missing: {AGENCY}")
        missing = ", ".join(sorted(needed - there))
        _need(not missing, "signature-missing", f"missing: {missing}")
        _need(there <= {OFFICER, AGENCY}, "signature-strange", "one that does not belong here")
        return ", ".join(sorted(there))

    def _contents(self, _seal: Seal) -> str:
        for name, signature in self._copy.signatures.items():
            _need(is_plainly_written(self._pdf, signature), "contents-odd", name)
        return "each in its one form"

    def _integrity(self, _seal: Seal) -> str:
        self._proofs = proofs.prove(self._pdf, self._copy, self._bundle, self._moment)
        for name, signature in self._copy.signatures.items():
            context = proofs.context(self._bundle, self._proofs.judged_at(signature))
            status = validate_pdf_signature(signature, context)
            self._statuses[name] = status
            _need(status.intact and status.valid, "signature-broken", name)
        return "all hold"

    def _chain(self, _seal: Seal) -> str:
        self._need_statuses()
        for name, status in self._statuses.items():
            issuer = f"{name}: {status.signing_cert.issuer.human_friendly}"
            named = _subject(status.signing_cert) == self._expected(name, status.signing_cert)
            judged_at = self._proofs.judged_at(self._copy.signatures[name])
            expired = status.signing_cert.not_valid_after < judged_at
            why = "signer-expired" if expired else "signer-same-name" if named else ""
            _need(status.trusted, why or "signer-untrusted", issuer)
            path = status.validation_path or ()
            minimal = is_minimal(self._copy.signatures[name], path)
            _need(minimal, "contents-odd", f"{name}: odd message")
        return "all end at a root of the bundle"

    def _signers(self, _seal: Seal) -> str:
        for name, signature in self._copy.signatures.items():
            found = _subject(signature.signer_cert)
            wanted = self._expected(name, signature.signer_cert)
            _need(found == wanted, "signer-unexpected", name)
            self._need_right(name, signature)
        return "as the statement names them"

    def _need_right(self, name: str, signature: EmbeddedPdfSignature) -> None:
        """Where the bundle lists certificates, any other one is a namesake's."""
        if not self._bundle.signers:
            return
        right = self._bundle.signers.get(sha256(signature.signer_cert.dump()).digest())
        role = "agency" if name == AGENCY else "officer"
        _need(right is not None and right.role == role, "signer-unlisted", name)
        claimed = signature.self_reported_timestamp
        within = right and claimed and right.since <= claimed < right.until
        _need(within, "signer-unlisted", f"{name}: outside its time")

    def _expected(self, role: str, certificate: x509.Certificate) -> tuple[str, str]:
        """Common name and organisation; an inspecting officer may be any of the agency's."""
        facts = self._copy.facts
        officer = facts.officer or _subject(certificate)[0]
        return (facts.agency if role == AGENCY else officer), facts.agency

    def _facts(self, seal: Seal) -> str:
        facts = self._copy.facts
        _need(seal.id_code == facts.id_code, "seal-moved", seal.id_code)
        same = {
            "number": (seal.number, seal.book) == (facts.number, facts.book),
            "agency": seal.agency_code == facts.agency_code
            and abbreviated(facts.agency).startswith(seal.agency),
            "date": int(facts.issued.timestamp()) == int(seal.issued.timestamp()),
            "mode": (seal.mode, seal.inspect_by) == (facts.mode, facts.inspect_by),
        }
        different = ", ".join(name for name, ok in same.items() if not ok)
        _need(not different, "facts-differ", different)
        return f"number {facts.number}, book {facts.book}"

    def _pages(self, seal: Seal) -> str:
        images = self._copy.images
        pages = f"{len(images)} images for {seal.pages} pages"
        _need(len(images) == seal.pages, "page-count", pages)
        sheets = self._copy.page_count - seal.pages
        _need(sheets in (0, 1), "page-count", f"{self._copy.page_count} sheets")
        if copy_digest(images, self._copy.facts) != seal.digest:
            raise _RefusalError(*self._why_pages_differ())
        return f"{seal.pages} pages as sealed"

    def _why_pages_differ(self) -> tuple[str, str]:
        """What the first signature saw tells a shuffled page from a replaced one."""
        first = min(self._copy.signatures.values(), key=lambda sig: sig.signed_revision)
        signed = images_at(first)
        if signed == self._copy.images:
            return "pages-differ", "the seal is of other pages"
        if sorted(signed) == sorted(self._copy.images):
            return "page-order", "the same pages in another order"
        return "image-replaced", "not the image that was signed"

    def _annotations(self, _seal: Seal) -> str:
        strange = strange_notes(self._copy)
        _need(not strange, "annotation-added", ", ".join(strange))
        return "none but the signatures"

    def _updates(self, _seal: Seal) -> str:
        """After the first signature only the other one, after both only what archiving adds."""
        self._need_statuses()
        ordered = sorted(self._copy.signatures.values(), key=lambda sig: sig.signed_revision)
        first = ordered[0].docmdp_level
        allowed = first in (MDPPerm.FILL_FORMS, MDPPerm.NO_CHANGES)
        _need(allowed, "not-certified", ordered[0].field_name)
        for index, signature in enumerate(ordered):
            later = {other.field_name for other in ordered[index + 1 :]}
            limit = ModificationLevel.FORM_FILLING if later else ModificationLevel.LTA_UPDATES
            changes = signature.diff_result
            _need(
                isinstance(changes, DiffResult)
                and changes.modification_level <= limit
                and changes.changed_form_fields <= later,
                "changed-after-signing",
                f"after {signature.field_name}",
            )
        return "none but those allowed"

    def _whole_file(self, _seal: Seal) -> str:
        self._need_statuses()
        signatures = self._copy.signatures.values()
        covered = any(sig.coverage is SignatureCoverageLevel.ENTIRE_FILE for sig in signatures)
        _need(covered or self._proofs.whole_file, "not-fully-signed", "data at the end")
        return "signed to the last byte"

    def _times(self, seal: Seal) -> str:
        """No signature from the future, none before its statement, none after the lease ended."""
        self._need_statuses()
        lease_end = self._bundle.leases.get(seal.key_id)
        for name, status in self._statuses.items():
            claimed = _claimed(status)
            _need(claimed <= self._moment + _CLOCKS_DIFFER, "time-implausible", f"{name}: future")
            early = claimed < seal.issued - _SIGNED_AHEAD
            _need(not early, "time-implausible", f"{name}: before the statement")
            late = name == AGENCY and lease_end is not None and claimed > lease_end
            _need(not late, "lease-expired", f"{name}: after the lease")
        return "plausible"

    def _revocation(self, _seal: Seal) -> str:
        """A revoked certificate still counts for what a timestamp proves to be older."""
        for name, status in self._statuses.items():
            ended = proofs.revoked_at(self._bundle, status)
            if ended is None:
                continue
            why = self._reason(status)
            _need(_claimed(status) < ended, "signed-after-revocation", f"{name}{why}")
            proven = self._proofs.of(self._copy.signatures[name])
            in_time = proven is not None and proven < ended
            _need(in_time, "time-unproven", f"{name}: no timestamp from before the revocation")
        listed = self._bundle.listed
        known = f", codes as of {listed.issued:%Y-%m-%d %H:%M}Z" if listed else ""
        return f"neither the copy nor a certificate{known}"

    def _reason(self, status: PdfSignatureStatus) -> str:
        path = [status.signing_cert, *(status.validation_path or ())]
        reasons = self._bundle.revocation_reasons
        found = {reasons[cert.serial_number] for cert in path if cert.serial_number in reasons}
        return f": {', '.join(sorted(found))}" if found else ""

    def _need_statuses(self) -> None:
        whole = self._statuses.keys() == self._copy.signatures.keys()
        _need(whole and self._statuses, "signature-broken", "a signature is broken")


SEAL_REASONS: dict[str, str] = {
    Fault.COPY_REVOKED: "revoked",
    Fault.LEASE_EXPIRED: "lease-expired",
    Fault.SEAL_ALTERED: "seal-altered",
    Fault.SEAL_HOST: "seal-host",
    Fault.SEAL_INVALID: "seal-invalid",
    Fault.SEAL_KEY_UNKNOWN: "seal-key-unknown",
    Fault.SEAL_RIGHT: "seal-right",
}


def _outcome(name: str, check: Callable[[Seal], str], seal: Seal) -> tuple[bool, str, str]:
    """Ok, detail, reason."""
    try:
        return True, check(seal), ""
    except _RefusalError as refusal:
        return False, str(refusal), refusal.reason
    except Exception as error:
        # A hostile file may provoke anything in a parser; all of it means "no".
        return False, type(error).__name__, "damaged"


def _need(condition: Any, reason: str, detail: str) -> None:
    if not condition:
        raise _RefusalError(reason, detail)


def _claimed(status: PdfSignatureStatus) -> datetime:
    """The time the signer's own clock showed. Raises ValueError when the signature tells none."""
    if status.signer_reported_dt is None:
        raise ValueError("no signing time")
    return status.signer_reported_dt


def _subject(certificate: x509.Certificate) -> tuple[str, str]:
    names = certificate.subject.native
    return names.get("common_name", ""), names.get("organization_name", "")
