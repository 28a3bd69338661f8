"""Failure codes owned by this package; their words are in ``config/failures.toml``."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    ARCHIVE_UNAVAILABLE = "certify.archive-unavailable"
    BUNDLE_EXPIRED = "certify.bundle-expired"
    BUNDLE_INVALID = "certify.bundle-invalid"
    COPY_REVOKED = "certify.copy-revoked"
    ID_CODE_INVALID = "certify.id-code-invalid"
    KEY_UNKNOWN = "certify.key-unknown"
    LEASE_CONFLICT = "certify.lease-conflict"
    LEASE_EXPIRED = "certify.lease-expired"
    NUMBERS_BROKEN = "certify.numbers-broken"
    NUMBERS_EXHAUSTED = "certify.numbers-exhausted"
    PACK_INVALID = "certify.pack-invalid"
    PAGE_TOO_LARGE = "certify.page-too-large"
    PAGE_TOO_SMALL = "certify.page-too-small"
    PAGE_UNREADABLE = "certify.page-unreadable"
    PDF_ENCRYPTED = "certify.pdf-encrypted"
    PDF_UNREADABLE = "certify.pdf-unreadable"
    SEAL_ALTERED = "certify.seal-altered"
    SEAL_HOST = "certify.seal-host"
    SEAL_INVALID = "certify.seal-invalid"
    SEAL_KEY_UNKNOWN = "certify.seal-key-unknown"
    SEAL_RIGHT = "certify.seal-right"
    SIGNATURE_INVALID = "certify.signature-invalid"
    SIGNER_ABSENT = "certify.signer-absent"
    SIGNER_LOCKED = "certify.signer-locked"
    SIGNER_MISMATCH = "certify.signer-mismatch"
    SIGNER_REFUSED = "certify.signer-refused"
    SIGNER_UNCONFIRMED = "certify.signer-unconfirmed"
    SIGNER_UNREACHABLE = "certify.signer-unreachable"
    TOO_MANY_PAGES = "certify.too-many-pages"


class CertifyError(Exception):
    def __init__(self, code: str, detail: str = "", *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = str(code)
        self.detail = detail
        self.retryable = retryable
