"""This kiosk's certificate for TLS, with its key, in one file (0600): ``tls.pem``.

The key is made anew for each certificate and never leaves the file: OpenSSL 3.0 of Debian 12 has no
provider for PKCS#11, so a key on a token cannot serve here (docs/decisions, 0024).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from offline_queue import files
from offline_queue.errors import Fault, QueueError


class Request:
    """A fresh key, and the request (PKCS #10, PEM) that asks for its certificate."""

    def __init__(self, kiosk_id: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kiosk_id)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(name)
        signed = builder.sign(self._key, hashes.SHA256())
        self.pem = signed.public_bytes(serialization.Encoding.PEM).decode()

    def with_certificate(self, pem: str) -> bytes:
        """Certificate and key. Raises QueueError (UNREACHABLE) when it is not for this key."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            theirs = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            raise QueueError(Fault.UNREACHABLE, "a certificate that is none") from None
        if theirs != self._key.public_key():
            raise QueueError(Fault.UNREACHABLE, "a certificate for another key", retryable=True)
        key = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return pem.encode() + key


class Certificate:
    """Renewed when a third of its life is left."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def keep(self, pem: bytes) -> None:
        """Replaces the one before at once, or not at all. Raises QueueError."""
        with files.translated(self.file.name):
            files.write_durably(self.file, [pem])

    def expired(self, at: datetime) -> bool:
        held = self._held()
        return held is not None and at >= held.not_valid_after_utc

    def due(self, at: datetime) -> bool:
        held = self._held()
        if held is None:
            return False
        left: timedelta = held.not_valid_after_utc - at
        return left < (held.not_valid_after_utc - held.not_valid_before_utc) / 3

    def _held(self) -> x509.Certificate | None:
        """A file that cannot be read counts as none: there is a way back by a fresh code."""
        try:
            return x509.load_pem_x509_certificate(self.file.read_bytes())
        except (OSError, ValueError):
            return None
