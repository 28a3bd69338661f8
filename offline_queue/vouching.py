"""An officer's word for a person, signed by the officer's card: made on the kiosk, checked there
and at the portal.

The card's certificate must be issued by a root that the trust bundle names for staff. The signed
statement names the dossier, so it is good for that one only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from offline_queue.manifest import canonical

Reason = Literal["no-phone", "card", "face", "help"]
REASONS: tuple[Reason, ...] = ("no-phone", "card", "face", "help")
"""Nothing but the card at hand; a chip that is not read; a face that is not matched; a person who
needs help with all of it."""
_PURPOSE = "mot-cua/vouching/1"


class VouchError(ValueError):
    """The word counts for nothing; the message says why, without personal data."""


class Vouch(BaseModel):
    """``certificate`` (DER) and ``signature`` (ECDSA with SHA-256, DER), both base64."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dossier: UUID
    kiosk_id: str = Field(max_length=200)
    citizen_number: str = Field(max_length=12)
    reason: Reason
    at: AwareDatetime
    certificate: str = Field("", max_length=16_384)
    signature: str = Field("", max_length=1024)

    @property
    def statement(self) -> bytes:
        """What the card signs."""
        said = self.model_dump(mode="json", exclude={"certificate", "signature"})
        return canonical({"purpose": _PURPOSE, **said})

    @property
    def card(self) -> str:
        """The first 16 hex digits of the certificate's SHA-256: names the card in clear places."""
        return certificate_of(self.certificate).fingerprint(hashes.SHA256()).hex()[:16]


def checked(vouch: Vouch, roots: Collection[bytes], revoked: Collection[tuple[bytes, int]]) -> str:
    """Who vouches, as the certificate names the officer. Raises VouchError."""
    certificate = certificate_of(vouch.certificate)
    check_issued(certificate, roots, revoked, vouch.at)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey), "certificate_of"
    try:
        key.verify(_decoded(vouch.signature), vouch.statement, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise VouchError("signature") from None
    return name_on(certificate)


def certificate_of(text: str) -> x509.Certificate:
    """Raises VouchError for what is no certificate of a P-256 key."""
    try:
        certificate = x509.load_der_x509_certificate(_decoded(text))
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise VouchError("certificate") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise VouchError("kind of key")
    return certificate


def check_issued(
    certificate: x509.Certificate,
    roots: Collection[bytes],
    revoked: Collection[tuple[bytes, int]],
    at: datetime,
) -> None:
    """Raises VouchError."""
    root = next((root for root in map(_root, roots) if root and _issued(root, certificate)), None)
    if root is None:
        raise VouchError("issuer")
    if (root.fingerprint(hashes.SHA256()), certificate.serial_number) in revoked:
        raise VouchError("revoked")
    for each in (certificate, root):
        if not each.not_valid_before_utc <= at <= each.not_valid_after_utc:
            raise VouchError("expired")


def name_on(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _root(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        return None


def _issued(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
        return root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VouchError("base64") from None
