"""Is it the chip that was issued, or a copy of what it says (ICAO Doc 9303-11, 6)?

Passive authentication passes for a copy: the signed bytes can be read and written elsewhere. A key
that never leaves the chip cannot. Its public half stands in DG14 (chip authentication) or DG15
(active authentication), which the state signed like the rest.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kiosk.failures import Fault, KioskError
from kiosk.identity import ciphers, curves, security_infos, tlv
from kiosk.identity.chip import OK, Chip, ChipFile
from kiosk.identity.secure_messaging import SecureChannel
from kiosk.identity.security_infos import ChipAuthenticationOffer, SecurityInfos

_SET_AUTHENTICATION = bytes.fromhex("002241A4")
_SET_KEY_AGREEMENT = bytes.fromhex("002241A6")
_GENERAL_AUTHENTICATE = bytes.fromhex("00860000")
_INTERNAL_AUTHENTICATE = bytes.fromhex("00880000")
_TRAILERS = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}
_HASHES: dict[int, hashes.HashAlgorithm] = {
    1: hashes.SHA1(),  # noqa: S303 - some states' chips sign so
    224: hashes.SHA224(),
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    512: hashes.SHA512(),
}


async def check(chip: Chip, dg14: bytes | None, dg15: bytes | None) -> str | None:
    """How the chip proved itself: "chip" or "active" authentication; None when it offers neither.

    ``dg14``, ``dg15``: whole files that passive authentication has found genuine. Raises KioskError
    (CHIP_COPIED) when the chip does not have the key, CHIP_UNREADABLE; DeviceError as ``transmit``.
    """
    infos = _infos(dg14)
    if infos.chip_authentication:
        await _chip_authentication(chip, infos.chip_authentication[0])
        return "chip"
    if dg15 is not None:
        await _active_authentication(chip, dg15, infos)
        return "active"
    return None


def _infos(dg14: bytes | None) -> SecurityInfos:
    if dg14 is None:
        return SecurityInfos()
    return security_infos.parse(tlv.value(dg14, ChipFile.DG14.tag))


async def _chip_authentication(chip: Chip, offer: ChipAuthenticationOffer) -> None:
    """Agree on a new channel with the signed key; only its owner can go on (6.2)."""
    try:
        channel = await _new_channel(chip, offer)
    except ValueError as error:
        raise tlv.unreadable(f"chip authentication: {type(error).__name__}") from None
    chip.channel = channel
    try:
        await chip.exchange(bytes.fromhex("00A4020C"), ChipFile.COM.to_bytes(2, "big"))
    except KioskError:
        raise _copied("the new channel is not spoken") from None


async def _new_channel(chip: Chip, offer: ChipAuthenticationOffer) -> SecureChannel:
    if not isinstance(offer.key, ec.EllipticCurvePublicKey):
        raise ValueError("kind of key")
    private = ec.generate_private_key(offer.key.curve)
    numbers = private.public_key().public_numbers()
    mine = curves.curve_of(offer.key).encoded((numbers.x, numbers.y))
    key_id = b"" if offer.key_id is None else tlv.encode(0x84, bytes([offer.key_id]))
    if offer.suite is ciphers.TRIPLE_DES:
        await _accepted(chip, _SET_KEY_AGREEMENT, tlv.encode(0x91, mine) + key_id)
    else:
        await _accepted(chip, _SET_AUTHENTICATION, tlv.encode(0x80, offer.oid) + key_id)
        await _accepted(
            chip, _GENERAL_AUTHENTICATE, tlv.encode(0x7C, tlv.encode(0x80, mine)), expected=256
        )
    secret = private.exchange(ec.ECDH(), offer.key)
    return SecureChannel(offer.suite, ciphers.session_keys(offer.suite, secret))


async def _accepted(chip: Chip, header: bytes, data: bytes, expected: int = 0) -> None:
    _, status = await chip.exchange(header, data, expected)
    if status != OK:
        raise _copied(f"status {status:04x}")


async def _active_authentication(chip: Chip, dg15: bytes, infos: SecurityInfos) -> None:
    """Have a random number signed by the signed key (6.1)."""
    try:
        key = curves.public_key(tlv.value(dg15, ChipFile.DG15.tag))
    except ValueError as error:
        raise tlv.unreadable(f"DG15: {type(error).__name__}") from None
    challenge = secrets.token_bytes(8)
    signature, status = await chip.exchange(_INTERNAL_AUTHENTICATE, challenge, 256)
    if status != OK:
        raise _copied(f"status {status:04x}")
    if isinstance(key, rsa.RSAPublicKey):
        genuine = _recovers(key.public_numbers(), signature, challenge)
    else:
        genuine = _signed(key, signature, challenge, infos.signature_hash)
    if not genuine:
        raise _copied("the challenge was not signed")


def _recovers(key: rsa.RSAPublicNumbers, signature: bytes, challenge: bytes) -> bool:
    """ISO/IEC 9796-2, scheme 1: 6A, the chip's own nonce, a hash of it with ours, and a trailer."""
    size = (key.n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= key.n:
        return False
    message = pow(number, key.e, key.n).to_bytes(size, "big")
    if message[-1] == 0xBC:
        name, end = "sha1", size - 1
    else:
        name, end = _TRAILERS.get(message[-2], ""), size - 2
    if message[0] != 0x6A or not name or (end == size - 2 and message[-1] != 0xCC):
        return False
    start = end - hashlib.new(name, usedforsecurity=False).digest_size
    if start < 1:
        return False
    digest = hashlib.new(name, message[1:start] + challenge, usedforsecurity=False).digest()
    return hmac.compare_digest(digest, message[start:end])


def _signed(
    key: ec.EllipticCurvePublicKey, signature: bytes, challenge: bytes, bits: int | None
) -> bool:
    """Plain ECDSA: r and s, one after the other (BSI TR-03111, 5.2.1)."""
    half = len(signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    algorithm = _HASHES[bits or 256]
    try:
        key.verify(encode_dss_signature(r, s), challenge, ec.ECDSA(algorithm))
    except (InvalidSignature, ValueError):
        return False
    return True


def _copied(detail: str) -> KioskError:
    return KioskError(Fault.CHIP_COPIED, detail)
