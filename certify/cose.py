"""COSE_Sign1 with ES256 (RFC 9052, RFC 9053), deterministic CBOR (RFC 8949, 4.2.3).

``purpose`` is the external_aad: it is signed but not carried, so that a statement signed for one
purpose never passes for another. Seals, which strangers' tools read too, leave it empty.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from certify.errors import CertifyError, Fault

PublicKey = ec.EllipticCurvePublicKey

RawSigner = Callable[[bytes], bytes]
"""Signs a message with ES256: r and s, 32 bytes each, big-endian."""

SIGNATURE_SIZE = 64
_TAG_SIGN1 = 18
_ALG, _KID = 1, 4
_ES256 = -7
_ECDSA = ec.ECDSA(hashes.SHA256())


def sign1(payload: bytes, sign: RawSigner, kid: bytes, *, purpose: bytes = b"") -> bytes:
    protected = encode({_ALG: _ES256, _KID: kid})
    signature = sign(_to_be_signed(protected, payload, purpose))
    return encode(cbor2.CBORTag(_TAG_SIGN1, [protected, {}, payload, signature]))


def verify1(
    data: bytes, keys: Mapping[bytes, ec.EllipticCurvePublicKey], *, purpose: bytes = b""
) -> bytes:
    """The payload, once the signature of a key in ``keys`` holds.

    Raises CertifyError: KEY_UNKNOWN, SIGNATURE_INVALID.
    """
    protected, payload, signature = _parts(data)
    kid = _kid(protected)
    key = keys.get(kid)
    if key is None:
        raise CertifyError(Fault.KEY_UNKNOWN, kid.hex())
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), _to_be_signed(protected, payload, purpose), _ECDSA)
    except InvalidSignature:
        raise CertifyError(Fault.SIGNATURE_INVALID, "the signature does not hold") from None
    return payload


def unverified_payload(data: bytes) -> bytes:
    """The payload without any check: only for showing, never for deciding.

    Raises CertifyError (SIGNATURE_INVALID) when ``data`` is no COSE_Sign1 of ours.
    """
    return _parts(data)[1]


def unverified_key_id(data: bytes) -> bytes:
    """The name of the key that is said to have signed. Raises CertifyError (SIGNATURE_INVALID)."""
    return _kid(_parts(data)[0])


def software_signer(key: ec.EllipticCurvePrivateKey) -> RawSigner:
    """Signs with a key in memory: the portal's own keys, sandbox and tests."""

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def key_id(key: ec.EllipticCurvePublicKey) -> bytes:
    """The name of a key everywhere in this project: 8 bytes of SHA-256 over its public half."""
    return sha256(encode_public(key))[:8]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def encode_public(key: ec.EllipticCurvePublicKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def decode_public(der: bytes) -> ec.EllipticCurvePublicKey:
    """Raises ValueError when ``der`` is not a P-256 public key."""
    key = serialization.load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("not a P-256 public key")
    return key


def encode(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """Raises ValueError on anything but one item in deterministic encoding: a statement then has
    one form in bytes only, and nothing can hide behind it."""
    try:
        value = cbor2.loads(data)
        same = encode(value) == data
    except (cbor2.CBORError, TypeError, RecursionError) as error:
        raise ValueError(f"not CBOR: {type(error).__name__}") from None
    if not same:
        raise ValueError("not in deterministic encoding")
    return value


def first_length(data: bytes) -> int:
    """Bytes of the first item of a CBOR sequence (RFC 8742). Raises ValueError."""
    stream = io.BytesIO(data)
    try:
        cbor2.load(stream)
    except (cbor2.CBORError, TypeError, RecursionError) as error:
        raise ValueError(f"not CBOR: {type(error).__name__}") from None
    return stream.tell()


def _to_be_signed(protected: bytes, payload: bytes, purpose: bytes) -> bytes:
    return encode(["Signature1", protected, purpose, payload])


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Protected header, payload and signature. The unprotected header must be empty: nothing that
    is not signed is of interest here."""
    try:
        message = decode(data)
    except ValueError:
        message = None
    match message:
        case cbor2.CBORTag(
            tag=18, value=[bytes() as protected, {}, bytes() as payload, bytes() as signature]
        ) if len(signature) == SIGNATURE_SIZE and not message.value[1]:
            return protected, payload, signature
    raise CertifyError(Fault.SIGNATURE_INVALID, "not a COSE_Sign1 message")


def _kid(protected: bytes) -> bytes:
    try:
        header = decode(protected)
    except ValueError:
        header = None
    match header:
        case {1: -7, 4: bytes() as kid} if len(header) == 2:
            return kid
    raise CertifyError(Fault.SIGNATURE_INVALID, "not an ES256 header")
