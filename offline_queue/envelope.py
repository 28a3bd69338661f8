"""Encryption of a dossier, used by the kiosk to close it and by the portal to open it.

Each dossier has one random 256-bit data key. Towards the portal it is wrapped with HPKE in base
mode (RFC 9180: DHKEM X25519, HKDF-SHA256, AES-256-GCM). Each part is a STREAM (Hoang, Reyhanitabar,
Rogaway, Vizar 2015) of AES-256-GCM segments:

    7-byte random prefix | segment 0 | segment 1 | ... | last segment

A segment is up to 64 KiB of plaintext and its 16-byte tag; only the last may be shorter, and it
may be empty. The nonce is prefix, 4-byte big-endian segment number, and 1 for the last segment or
0: segments cannot be moved, repeated or cut off. The associated data names dossier and part, so a
part cannot stand in for another one.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from offline_queue.errors import Fault, QueueError
from offline_queue.manifest import WrappedKey

KEY_SIZE = 32
SEGMENT = 64 * 1024
PREFIX = 7
TAG = 16
LOCAL = b"mot-cua/local/1\0"
"""Begins every key that is wrapped on the kiosk, so that an audit finds leftovers on the disk."""

_NONCE = 12
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def new_key() -> bytes:
    return secrets.token_bytes(KEY_SIZE)


def wrap(data_key: bytes, dossier: UUID, key_id: str, public_key: bytes) -> WrappedKey:
    """Wrap for the portal. ``public_key``: raw X25519, 32 bytes; ValueError when it is not."""
    key = X25519PublicKey.from_public_bytes(public_key)
    wrapped = _SUITE.encrypt(data_key, key, info=_wrap_info(dossier))
    return WrappedKey(key_id=key_id, wrapped=base64.b64encode(wrapped).decode())


def unwrap(private_key: X25519PrivateKey, dossier: UUID, key: WrappedKey) -> bytes:
    """The data key. Raises QueueError (DAMAGED): other key, other dossier, or altered."""
    try:
        wrapped = base64.b64decode(key.wrapped, validate=True)
        data_key = _SUITE.decrypt(wrapped, private_key, info=_wrap_info(dossier))
    except (InvalidTag, binascii.Error, ValueError):
        raise QueueError(Fault.DAMAGED, f"data key of {dossier}") from None
    return _checked(data_key, dossier)


def encrypt_part(
    data: bytes | memoryview,
    data_key: bytes,
    dossier: UUID,
    name: str,
    *,
    prefix: bytes | None = None,
) -> Iterator[bytes]:
    """Ciphertext in pieces, to be written one after another. ``prefix`` is for test vectors."""
    cipher, about = AESGCM(data_key), _part_context(dossier, name)
    prefix = secrets.token_bytes(PREFIX) if prefix is None else prefix
    view = memoryview(data).cast("B")
    yield prefix
    count = segments(len(view))
    for number in range(count):
        segment = view[number * SEGMENT : (number + 1) * SEGMENT]
        yield cipher.encrypt(_segment_nonce(prefix, number, number == count - 1), segment, about)


def decrypt_part(
    ciphertext: bytes | memoryview, data_key: bytes, dossier: UUID, name: str
) -> bytes:
    """The whole plaintext, returned only after the last segment has proved itself.

    Raises QueueError (DAMAGED) for anything altered, reordered, cut off or appended.
    """
    cipher, about = AESGCM(data_key), _part_context(dossier, name)
    view = memoryview(ciphertext)
    prefix, body = bytes(view[:PREFIX]), view[PREFIX:]
    count = segments(len(body), SEGMENT + TAG)
    plain = bytearray()
    try:
        for number in range(count):
            segment = body[number * (SEGMENT + TAG) : (number + 1) * (SEGMENT + TAG)]
            plain += cipher.decrypt(
                _segment_nonce(prefix, number, number == count - 1), segment, about
            )
    except (InvalidTag, ValueError):
        raise QueueError(Fault.DAMAGED, f"part {name} of {dossier}") from None
    return bytes(plain)


def segments(size: int, segment: int = SEGMENT) -> int:
    """How many segments hold ``size`` bytes: nothing at all is still one, the last."""
    return max(1, -(-size // segment))


def wrap_local(data_key: bytes, wrapping_key: bytes, context: bytes) -> bytes:
    """Wrap under a key that stays on the kiosk: LOCAL, random nonce, AES-256-GCM."""
    nonce = secrets.token_bytes(_NONCE)
    return LOCAL + nonce + AESGCM(wrapping_key).encrypt(nonce, data_key, context)


def unwrap_local(wrapped: bytes, wrapping_key: bytes, context: bytes) -> bytes:
    """Raises QueueError (DAMAGED)."""
    body = wrapped.removeprefix(LOCAL)
    try:
        return AESGCM(wrapping_key).decrypt(body[:_NONCE], body[_NONCE:], context)
    except (InvalidTag, ValueError):
        raise QueueError(Fault.DAMAGED, "a key wrapped on this kiosk does not open") from None


def _checked(data_key: bytes, dossier: UUID) -> bytes:
    if len(data_key) != KEY_SIZE:
        raise QueueError(Fault.DAMAGED, f"data key of {dossier} has another length")
    return data_key


def _wrap_info(dossier: UUID) -> bytes:
    return b"mot-cua/data-key/1\0" + dossier.bytes


def _part_context(dossier: UUID, name: str) -> bytes:
    return b"mot-cua/part/1\0" + dossier.bytes + name.encode()


def _segment_nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])
