"""Lift a copy to the archive level, PAdES B-LTA (ETSI EN 319 142-1), as a new revision.

First a document timestamp proves the signatures, then the answers of OCSP or CRL for every
certificate are put into the file, and an archive timestamp closes over them. Nothing that was
signed is touched. Needs the network: the portal's work, never the kiosk's.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimestampRequestError
from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper
from pyhanko.sign.validation import add_validation_info
from pyhanko.sign.validation.errors import ValidationInfoReadingError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError
from pyhanko_certvalidator.fetchers.requests_fetchers import RequestsFetcherBackend

from certify.errors import CertifyError, Fault

_SECONDS = 10


def lift(pdf: bytes, tsa_url: str, roots: Sequence[bytes]) -> bytes:
    """The copy with timestamps and revocation answers appended; ``roots``: DER certificates.

    Raises CertifyError: ARCHIVE_UNAVAILABLE (TSA, OCSP or CRL do not answer, or say "revoked";
    retryable), PDF_UNREADABLE.
    """
    tsa = HTTPTimeStamper(tsa_url, timeout=_SECONDS)  # type: ignore[no-untyped-call]
    try:
        stamped = _stamp(pdf, tsa, _online(roots))
        # The last stamp closes the file, so nothing may follow it.
        return _stamp(_with_answers(stamped, roots), tsa, None)
    except (
        PathError,
        ValidationError,
        ValidationInfoReadingError,
        TimestampRequestError,
        SigningError,
        OSError,
    ) as error:
        detail = type(error).__name__
        raise CertifyError(Fault.ARCHIVE_UNAVAILABLE, detail, retryable=True) from None
    except (PdfError, ValueError, KeyError) as error:
        raise CertifyError(Fault.PDF_UNREADABLE, type(error).__name__) from None


def _stamp(pdf: bytes, tsa: HTTPTimeStamper, answers: ValidationContext | None) -> bytes:
    """With ``answers``, those for the authority's own certificates are appended after the stamp."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=True)
    stamper = PdfTimeStamper(tsa)
    done = stamper.timestamp_pdf(writer, "sha256", validation_context=answers)
    return bytes(done.getvalue())


def _with_answers(pdf: bytes, roots: Sequence[bytes]) -> bytes:
    for name in [sig.field_name for sig in _signatures(pdf)]:
        signature = next(sig for sig in _signatures(pdf) if sig.field_name == name)
        out = io.BytesIO()
        # An entry for each signature (VRI) would have to be changed by the next lifting, which
        # after a signature is no allowed update; the common store alone serves verifiers as well.
        add_validation_info(signature, _online(roots), add_vri_entry=False, output=out)
        pdf = out.getvalue()
    return pdf


def _signatures(pdf: bytes) -> Any:
    return PdfFileReader(io.BytesIO(pdf), strict=True).embedded_regular_signatures


def _online(roots: Sequence[bytes]) -> ValidationContext:
    """``require``: without an answer for each certificate the copy is not lifted at all."""
    return ValidationContext(
        trust_roots=[x509.Certificate.load(root) for root in roots],
        allow_fetching=True,
        revocation_mode="require",
        fetcher_backend=RequestsFetcherBackend(per_request_timeout=_SECONDS),
    )
