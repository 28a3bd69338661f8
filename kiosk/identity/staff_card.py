"""A staff card with the PIV application (NIST SP 800-73-5): certificate, PIN, signature.

Keys and counters of the PIN live on the card; the kiosk keeps neither.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib

from drivers.contract import CardReader
from kiosk.failures import Fault, KioskError
from kiosk.identity import tlv
from kiosk.identity.chip import OK, Chip
from kiosk.identity.citizen_card import LONGEST_SECONDS
from offline_queue import vouching
from offline_queue.vouching import Vouch, VouchError

_SELECT = bytes.fromhex("00A40400")
_PIV = bytes.fromhex("A000000308")
_GET_DATA = bytes.fromhex("00CB3FFF")
_CERTIFICATE = bytes.fromhex("5C035FC105")  # of PIV authentication, key 9A
_VERIFY = bytes.fromhex("00200080")
_SIGN = bytes.fromhex("0087119A")  # algorithm 11: P-256
_PIN_SIZE = 8
_BLOCKED = (0x6983, 0x63C0)
_LAST_TRY = 0x63C1
PIN_DIGITS = 6


async def vouch(
    reader: CardReader,
    pin: str,
    word: Vouch,
    roots: tuple[bytes, ...],
    revoked: frozenset[tuple[bytes, int]],
) -> tuple[Vouch, str]:
    """``word``, signed by the card that ``reader`` holds, and the officer's name.

    Raises KioskError: STAFF_CARD (no staff card, or one that is not believed), STAFF_PIN,
    STAFF_PIN_LAST, STAFF_PIN_BLOCKED, CHIP_UNREADABLE; DeviceError as ``transmit``.
    """
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await _vouched(Chip(reader), pin, word, roots, revoked)
    except TimeoutError:
        raise tlv.unreadable("too slow") from None


async def _vouched(
    chip: Chip,
    pin: str,
    word: Vouch,
    roots: tuple[bytes, ...],
    revoked: frozenset[tuple[bytes, int]],
) -> tuple[Vouch, str]:
    certificate = await _certificate(chip)
    try:
        found = vouching.certificate_of(certificate)
        vouching.check_issued(found, roots, revoked, word.at)
    except VouchError as error:
        raise KioskError(Fault.STAFF_CARD, str(error)) from None
    await _verify(chip, pin)
    digest = hashlib.sha256(word.statement).digest()
    answer = await chip.ask(_SIGN, tlv.encode(0x7C, b"\x82\x00" + tlv.encode(0x81, digest)))
    signature = base64.b64encode(tlv.value(answer, 0x7C, 0x82)).decode()
    signed = word.model_copy(update={"certificate": certificate, "signature": signature})
    try:
        return signed, vouching.checked(signed, roots, revoked)
    except VouchError as error:
        raise KioskError(Fault.STAFF_CARD, str(error)) from None


async def _certificate(chip: Chip) -> str:
    """DER in base64, out of the container of SP 800-73-5, part 1, table 10."""
    _, status = await chip.exchange(_SELECT, _PIV, 256)
    if status != OK:
        raise KioskError(Fault.STAFF_CARD, f"status {status:04x}", retryable=True)
    answer, status = await chip.exchange(_GET_DATA, _CERTIFICATE, 256)
    if status != OK:
        raise KioskError(Fault.STAFF_CARD, f"status {status:04x}", retryable=True)
    return base64.b64encode(tlv.value(answer, 0x53, 0x70)).decode()


async def _verify(chip: Chip, pin: str) -> None:
    """The card's last try is not made here: a kiosk in a lobby is no place to lock a card."""
    _, status = await chip.exchange(_VERIFY, b"")  # only asks how many tries are left
    if status == _LAST_TRY:
        raise KioskError(Fault.STAFF_PIN_LAST)
    if status in _BLOCKED:
        raise KioskError(Fault.STAFF_PIN_BLOCKED)
    padded = pin.encode("ascii").ljust(_PIN_SIZE, b"\xff")
    _, status = await chip.exchange(_VERIFY, padded)
    if status == OK:
        return
    if status >> 4 == 0x63C:
        raise KioskError(Fault.STAFF_PIN, f"{status & 0xF} tries left", retryable=True)
    raise tlv.unreadable(f"status {status:04x}")
