"""ES256 signatures over named statements: manifests by a kiosk, receipts and keys by the portal.

The signed bytes are ``purpose``, a zero byte and the statement, so that a signature made for one
purpose never verifies for another (FIPS 186-5 ECDSA P-256, SHA-256, DER).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEYS = "mot-cua/keys/1"
MANIFEST = "mot-cua/manifest/1"
RECEIPT = "mot-cua/receipt/1"
REQUEST = "mot-cua/request/1"

_ALGORITHM = ec.ECDSA(hashes.SHA256())


def sign(key: ec.EllipticCurvePrivateKey, purpose: str, statement: bytes) -> bytes:
    return key.sign(purpose.encode() + b"\0" + statement, _ALGORITHM)


def verify(
    key: ec.EllipticCurvePublicKey, purpose: str, statement: bytes, signature: bytes
) -> bool:
    try:
        key.verify(signature, purpose.encode() + b"\0" + statement, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def public_pem(key: ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def load_public(pem: str) -> ec.EllipticCurvePublicKey:
    """Raises ValueError when ``pem`` is not a P-256 public key."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("not a P-256 public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("not a P-256 public key")
    return key
