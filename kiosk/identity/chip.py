"""Files of a citizen's chip (ICAO Doc 9303, parts 10 and 11), opened by Basic Access Control.

What is read here is what *a* chip says. It proves nothing until its security object is verified
against the issuer's certificates, so nothing here gives an identity grade.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from drivers.contract import CardReader
from kiosk.failures import Fault, KioskError
from kiosk.identity import secure_messaging as sm

_SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")
_GET_CHALLENGE = bytes.fromhex("0084000008")
_AUTHENTICATE = bytes.fromhex("0082000028")
_SELECT_FILE = bytes.fromhex("00A4020C")
_OK = 0x9000
_HEAD = 4  # bytes of a file that hold its tag and length, for files up to 64 KiB
_PIECE = 0xDF  # with secure messaging still a short answer
_MAX_FILE = 0x7FFF  # READ BINARY addresses 15 bits


class ChipFile(IntEnum):
    """Identifiers (Doc 9303, part 10, table 34). DG13 holds what the issuing state likes."""

    COM = 0x011E
    DG1 = 0x0101
    DG2 = 0x0102
    DG13 = 0x010D
    SOD = 0x011D


@dataclass(frozen=True, slots=True)
class AccessKey:
    """From the machine readable zone: number, birth and expiry, with their check digits."""

    encryption: bytes
    mac: bytes

    @classmethod
    def of_mrz(cls, information: str) -> AccessKey:
        """``information``: document number (9), birth (6), expiry (6), each with check digit."""
        seed = hashlib.sha1(information.encode("ascii"), usedforsecurity=False).digest()[:16]
        return cls(*sm.session_keys(seed))


class Chip:
    """An opened chip. ``reader`` holds the card (``wait_for_card`` has returned)."""

    def __init__(self, reader: CardReader, channel: sm.SecureChannel) -> None:
        self._reader = reader
        self._channel = channel

    @classmethod
    async def opened(
        cls,
        reader: CardReader,
        key: AccessKey,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Chip:
        """Basic Access Control (part 11, 4.3).

        Raises KioskError: CHIP_ACCESS (another card than that of the key), CHIP_UNREADABLE;
        DeviceError as ``transmit``.
        """
        await _plain(reader, _SELECT_APPLICATION)
        challenge = await _plain(reader, _GET_CHALLENGE)
        if len(challenge) != sm.BLOCK:
            raise KioskError(Fault.CHIP_UNREADABLE, "challenge of a wrong length", retryable=True)
        ours, our_seed = random_bytes(8), random_bytes(16)
        cryptogram = sm.encrypt(key.encryption, ours + challenge + our_seed)
        proof = cryptogram + sm.retail_mac(key.mac, cryptogram)
        answer = await _plain(reader, _AUTHENTICATE + proof + b"\x28", Fault.CHIP_ACCESS)
        their_seed = _their_seed(key, answer, challenge + ours)
        seed = bytes(a ^ b for a, b in zip(our_seed, their_seed, strict=True))
        counter = challenge[4:] + ours[4:]
        return cls(reader, sm.SecureChannel(*sm.session_keys(seed), counter))

    async def read(self, file: ChipFile) -> bytes | None:
        """The whole file with its tag; None when this chip has no such file.

        Raises KioskError (CHIP_UNREADABLE); DeviceError as ``transmit``.
        """
        _, status = await self._exchange(_SELECT_FILE, file.to_bytes(2, "big"))
        if status != _OK:
            return None
        data = await self._piece(0, _HEAD)
        length, start = sm.read_length(data, 1)
        size = start + length
        if size > _MAX_FILE:
            raise KioskError(Fault.CHIP_UNREADABLE, "file too long", retryable=True)
        while len(data) < size:
            data += await self._piece(len(data), min(_PIECE, size - len(data)))
        return data[:size]

    async def _piece(self, offset: int, size: int) -> bytes:
        header = bytes([0x00, 0xB0]) + offset.to_bytes(2, "big")
        data, status = await self._exchange(header, expected=size)
        if status != _OK or not data or len(data) > size:
            raise KioskError(Fault.CHIP_UNREADABLE, f"status {status:04x}", retryable=True)
        return data

    async def _exchange(
        self, header: bytes, data: bytes = b"", expected: int = 0
    ) -> tuple[bytes, int]:
        (answer,) = await self._reader.transmit([self._channel.wrap(header, data, expected)])
        return self._channel.unwrap(answer)


def _their_seed(key: AccessKey, answer: bytes, nonces: bytes) -> bytes:
    """The chip's part of the session's seed, if it knows the key and answers us."""
    cryptogram, mac = answer[:32], answer[32:]
    if len(answer) != 40 or not hmac.compare_digest(sm.retail_mac(key.mac, cryptogram), mac):
        raise KioskError(Fault.CHIP_ACCESS, "the chip does not know the key", retryable=True)
    plain = sm.decrypt(key.encryption, cryptogram)
    if not hmac.compare_digest(plain[:16], nonces):
        raise KioskError(Fault.CHIP_ACCESS, "an answer to somebody else", retryable=True)
    return plain[16:]


async def _plain(
    reader: CardReader, apdu: bytes, if_refused: Fault = Fault.CHIP_UNREADABLE
) -> bytes:
    (answer,) = await reader.transmit([apdu])
    if answer[-2:] != b"\x90\x00":
        raise KioskError(if_refused, f"status {answer[-2:].hex()}", retryable=True)
    return answer[:-2]
