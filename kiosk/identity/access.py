"""Opening a chip: Basic Access Control and PACE (ICAO Doc 9303-11, 4.3 and 4.4).

Both prove that whoever asks has seen the card: its machine readable zone, or the card access
number printed on its front.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.failures import Fault, KioskError
from kiosk.identity import ciphers, security_infos, tlv
from kiosk.identity.chip import OK, Chip, ChipFile
from kiosk.identity.ciphers import TRIPLE_DES
from kiosk.identity.curves import Point
from kiosk.identity.secure_messaging import SecureChannel
from kiosk.identity.security_infos import PaceOffer

_GET_CHALLENGE = bytes.fromhex("00840000")
_MUTUAL_AUTHENTICATE = bytes.fromhex("00820000")
_SET_PACE = bytes.fromhex("0022C1A4")
_GENERAL_AUTHENTICATE = bytes.fromhex("00860000")
_GENERAL_AUTHENTICATE_GOES_ON = bytes.fromhex("10860000")
_MRZ, _CAN = 1, 2
_HALF = 8  # bytes of a nonce of BAC
_WRONG = range(0x6300, 0x6400)  # "authentication failed", with tries left or without


@dataclass(frozen=True, slots=True)
class Password:
    """What is known of the card: ``kind`` 1 its zone, 2 its access number (4.4.4.1)."""

    kind: int
    secret: bytes = field(repr=False)

    @classmethod
    def of_can(cls, digits: str) -> Password:
        return cls(_CAN, digits.encode("ascii"))

    @classmethod
    def of_mrz(cls, information: str) -> Password:
        """``information``: document number (9), birth (6), expiry (6), each with check digit."""
        digest = hashlib.sha1(information.encode("ascii"), usedforsecurity=False).digest()
        return cls(_MRZ, digest)


@dataclass(frozen=True, slots=True)
class Chance:
    """Where random numbers come from; worked examples have theirs."""

    token: Callable[[int], bytes] = secrets.token_bytes
    scalar: Callable[[int], int] = lambda order: secrets.randbelow(order - 2) + 1


async def open_chip(chip: Chip, passwords: list[Password], chance: Chance | None = None) -> None:
    """Try each password, by PACE where the chip offers it, and select the application.

    Raises KioskError: CHIP_ACCESS when none is this card's, CHIP_UNREADABLE; DeviceError as
    ``transmit``.
    """
    chance = chance or Chance()
    offer = await _pace_offer(chip)
    refused = KioskError(Fault.CHIP_ACCESS, "no password for this chip", retryable=True)
    for password in passwords:
        try:
            if offer:
                chip.channel = await pace(chip, offer, password, chance)
                await chip.select_application()
                return
            if password.kind == _MRZ:
                await chip.select_application()
                chip.channel = await basic_access(chip, password, chance)
                return
        except KioskError as error:
            if error.code != Fault.CHIP_ACCESS:
                raise
            refused = error
    raise refused


async def _pace_offer(chip: Chip) -> PaceOffer | None:
    card_access = await chip.read(ChipFile.CARD_ACCESS)
    offers = security_infos.parse(card_access).pace if card_access else ()
    return offers[0] if offers else None


async def basic_access(chip: Chip, password: Password, chance: Chance) -> SecureChannel:
    """Raises KioskError: CHIP_ACCESS (another card than that of the password), CHIP_UNREADABLE."""
    encryption, mac = ciphers.session_keys(TRIPLE_DES, password.secret[:16])
    challenge, status = await chip.exchange(_GET_CHALLENGE, expected=_HALF)
    if status != OK or len(challenge) != _HALF:
        raise tlv.unreadable("challenge of a wrong length")
    ours, our_seed = chance.token(_HALF), chance.token(16)
    cryptogram = TRIPLE_DES.encrypt(encryption, ours + challenge + our_seed)
    proof = cryptogram + TRIPLE_DES.mac(mac, cryptogram)
    answer, status = await chip.exchange(_MUTUAL_AUTHENTICATE, proof, 40)
    if status != OK:
        raise _not_this_card(f"status {status:04x}")
    their_cryptogram, their_mac = answer[:32], answer[32:]
    if not hmac.compare_digest(TRIPLE_DES.mac(mac, their_cryptogram), their_mac):
        raise _not_this_card("the chip does not know the key")
    plain = TRIPLE_DES.decrypt(encryption, their_cryptogram)
    if not hmac.compare_digest(plain[:16], challenge + ours):
        raise _not_this_card("an answer to somebody else")
    seed = bytes(a ^ b for a, b in zip(our_seed, plain[16:], strict=True))
    keys = ciphers.session_keys(TRIPLE_DES, seed)
    return SecureChannel(TRIPLE_DES, keys, challenge[4:] + ours[4:])


async def pace(chip: Chip, offer: PaceOffer, password: Password, chance: Chance) -> SecureChannel:
    """PACE with generic mapping (4.4.3.3). Raises KioskError as :func:`basic_access`."""
    _, status = await chip.exchange(_SET_PACE, _pace_choice(offer, password))
    if status != OK and status not in _WRONG:  # 63Cx warns that few tries are left
        raise tlv.unreadable(f"status {status:04x}")
    key = ciphers.password_key(offer.suite, password.secret)
    nonce = offer.suite.decrypt(key, await _step(chip, b"", 0x80))
    try:
        return await _agreed(chip, offer, int.from_bytes(nonce, "big"), chance)
    except ValueError as error:  # a point at infinity, a scalar of zero: no honest chip's
        raise tlv.unreadable(f"key agreement: {type(error).__name__}") from None


def _pace_choice(offer: PaceOffer, password: Password) -> bytes:
    return (
        tlv.encode(0x80, offer.oid)
        + tlv.encode(0x83, bytes([password.kind]))
        + tlv.encode(0x84, bytes([offer.parameter_id]))
    )


async def _agreed(chip: Chip, offer: PaceOffer, nonce: int, chance: Chance) -> SecureChannel:
    """Map the nonce to a new base point, agree on a key over it, and prove it to each other."""
    curve = offer.curve
    order = curve.named.group_order
    scalar = chance.scalar(order)
    mine = curve.encoded(curve.multiple_of_base(scalar))
    theirs = curve.decoded(await _step(chip, tlv.encode(0x81, mine), 0x82))
    base = curve.sum(curve.multiple_of_base(nonce), curve.multiple(scalar, theirs))
    scalar = chance.scalar(order)
    my_key = curve.multiple(scalar, base)
    their_key = curve.decoded(await _step(chip, tlv.encode(0x83, curve.encoded(my_key)), 0x84))
    if their_key == my_key:
        raise tlv.unreadable("the chip gave our own key back")
    secret = curve.shared_x(scalar, their_key).to_bytes(curve.size, "big")
    keys = ciphers.session_keys(offer.suite, secret)
    await _prove(chip, offer, keys[1], my_key, their_key)
    return SecureChannel(offer.suite, keys)


async def _prove(chip: Chip, offer: PaceOffer, mac: bytes, mine: Point, theirs: Point) -> None:
    token = tlv.encode(0x85, pace_token(offer, mac, theirs))
    answer, status = await chip.exchange(_GENERAL_AUTHENTICATE, tlv.encode(0x7C, token), 256)
    if status in _WRONG:
        raise _not_this_card(f"status {status:04x}")
    if status != OK:
        raise tlv.unreadable(f"status {status:04x}")
    if not hmac.compare_digest(tlv.value(answer, 0x7C, 0x86), pace_token(offer, mac, mine)):
        raise _not_this_card("the chip does not know the password")


def pace_token(offer: PaceOffer, mac: bytes, point: Point) -> bytes:
    """The proof of the new key, over the other side's point (4.4.3.4)."""
    public = tlv.encode(0x06, offer.oid) + tlv.encode(0x86, offer.curve.encoded(point))
    return offer.suite.mac(mac, tlv.encode(0x7F49, public))


async def _step(chip: Chip, data: bytes, wanted: int) -> bytes:
    answer = await chip.ask(_GENERAL_AUTHENTICATE_GOES_ON, tlv.encode(0x7C, data))
    return tlv.value(answer, 0x7C, wanted)


def _not_this_card(detail: str) -> KioskError:
    return KioskError(Fault.CHIP_ACCESS, detail, retryable=True)
