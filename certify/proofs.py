"""What timestamps and embedded revocation answers prove about a copy (PAdES, ETSI EN 319 142-1).

A document timestamp shows that all before it existed at its time. The last one is judged as of
now, each earlier one as of the next; signatures are then judged as of the first moment that is
proven for the whole of what they need. Only the roots of the bundle count, never the system's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from asn1crypto import x509
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel, SignatureStatus
from pyhanko_certvalidator import ValidationContext

from certify.copyfile import CopyFile, is_plainly_written
from certify.trust import TrustBundle

BASIC, TIMESTAMPED, LONG_TERM, ARCHIVED = "B-B", "B-T", "B-LT", "B-LTA"


class Stamp(NamedTuple):
    """A document timestamp that holds: the revision it covers, and its time."""

    revision: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Proofs:
    """``stamps``: trusted ones, oldest first; ``moment``: now, or what stands for it.
    ``whole_file``: the last stamp covers everything."""

    stamps: tuple[Stamp, ...]
    moment: datetime
    whole_file: bool = False

    def judged_at(self, signature: EmbeddedPdfSignature) -> datetime:
        """The newest stamp also proves the revocation answers, so it stands for now; a signature
        that was added after all stamps has only now."""
        return self.stamps[-1].time if self.of(signature) else self.moment

    def of(self, signature: EmbeddedPdfSignature) -> datetime | None:
        """The earliest proven time of a signature."""
        later = (stamp.time for stamp in self.stamps if stamp.revision > signature.signed_revision)
        return min(later, default=None)


def prove(pdf: bytes, copy: CopyFile, bundle: TrustBundle, moment: datetime) -> Proofs:
    """The document timestamps that hold, from the newest back to the first that does not."""
    stamps: list[Stamp] = []
    whole, now = False, moment
    for stamp in sorted(copy.timestamps, key=lambda found: found.signed_revision, reverse=True):
        if not is_plainly_written(pdf, stamp):
            break
        status = validate_pdf_timestamp(stamp, context(bundle, moment))
        if not (status.intact and status.valid and status.trusted):
            break
        ended = revoked_at(bundle, status)
        # Of a revoked authority counts only what was stamped before, and only if a newer stamp
        # shows that it was: whoever stole its key sets its clock as well.
        if ended is not None and (not stamps or stamps[0].time >= ended):
            break
        whole = whole or status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        moment = status.timestamp
        stamps.insert(0, Stamp(stamp.signed_revision, moment))
    return Proofs(tuple(stamps), now, whole)


def revoked_at(bundle: TrustBundle, status: SignatureStatus) -> datetime | None:
    """When the first certificate of the path was revoked; None when all are in force. A root is
    never among the revoked, it is left out of the bundle: its serial number may be another's too.
    """
    path = [status.signing_cert, *(status.validation_path or ())]
    below = [cert for cert in path if cert.dump() not in bundle.roots]
    revoked = bundle.revoked_certificates
    times = [revoked[cert.serial_number] for cert in below if cert.serial_number in revoked]
    return min(times, default=None)


def context(bundle: TrustBundle, moment: datetime) -> ValidationContext:
    """Offline; revocation comes from the bundle, and as evidence from the file (``level``)."""
    return ValidationContext(
        trust_roots=_roots(bundle),
        allow_fetching=False,
        revocation_mode="soft-fail",
        moment=moment,
    )


def level(copy: CopyFile, proofs: Proofs, bundle: TrustBundle) -> str:
    """The PAdES level that all signatures reach: long-term ones hold when certificates expired."""
    signatures = list(copy.signatures.values())
    if not signatures or not all(map(proofs.of, signatures)):
        return BASIC
    if not all(
        _has_answers(signature, proofs.judged_at(signature), bundle) for signature in signatures
    ):
        return TIMESTAMPED
    return ARCHIVED if proofs.whole_file and len(proofs.stamps) > 1 else LONG_TERM


def _has_answers(signature: EmbeddedPdfSignature, moment: datetime, bundle: TrustBundle) -> bool:
    """Whether the file itself answers, for each certificate of the path, that it was in force.

    ``require`` and no fetching: a soft failure would pass without any answer.
    """
    try:
        store = DocumentSecurityStore.read_dss(signature.reader)
    except NoDSSFoundError:
        return False
    strict = store.as_validation_context(
        {
            "trust_roots": _roots(bundle),
            "allow_fetching": False,
            "revocation_mode": "require",
            "moment": moment,
        }
    )
    return bool(validate_pdf_signature(signature, strict).trusted)


def _roots(bundle: TrustBundle) -> list[x509.Certificate]:
    return [x509.Certificate.load(root) for root in bundle.roots]
