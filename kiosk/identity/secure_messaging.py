"""Secure messaging with a chip by two-key triple DES (ICAO Doc 9303, part 11, 9.8 and 9.7).

Old as the cipher is, Basic Access Control prescribes it. Primitives are those of ``cryptography``.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from kiosk.failures import Fault, KioskError

BLOCK = 8
_MAC_KEY, _ENCRYPTION_KEY = 2, 1
_SECURED = 0x0C  # class bits: the header is authenticated too


def session_keys(seed: bytes) -> tuple[bytes, bytes]:
    """Keys for encryption and MAC, 16 bytes each, from a 16-byte seed (9.7.1.1)."""
    return _derived(seed, _ENCRYPTION_KEY), _derived(seed, _MAC_KEY)


def encrypt(key: bytes, blocks: bytes) -> bytes:
    encryptor = _cipher(key).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def decrypt(key: bytes, blocks: bytes) -> bytes:
    """Raises KioskError (CHIP_UNREADABLE) for what is not whole blocks."""
    if not blocks or len(blocks) % BLOCK:
        raise KioskError(Fault.CHIP_UNREADABLE, "not whole blocks", retryable=True)
    decryptor = _cipher(key).decryptor()
    return decryptor.update(blocks) + decryptor.finalize()


def retail_mac(key: bytes, message: bytes) -> bytes:
    """ISO/IEC 9797-1 MAC algorithm 3 with padding method 2: DES-CBC, the last block by 3DES."""
    padded = pad(message)
    first, second = key[:8], key[8:]
    chained = encrypt(first * 2, padded)[-BLOCK:]
    return encrypt(first * 2, decrypt(second * 2, chained))


def pad(data: bytes) -> bytes:
    padded = data + b"\x80"
    return padded + bytes(-len(padded) % BLOCK)


def unpad(data: bytes) -> bytes:
    """Raises KioskError (CHIP_UNREADABLE) when there is no padding."""
    stripped = data.rstrip(b"\0")
    if not stripped.endswith(b"\x80"):
        raise KioskError(Fault.CHIP_UNREADABLE, "no padding", retryable=True)
    return stripped[:-1]


class SecureChannel:
    """One session. Each command and each answer counts up ``counter`` (8 bytes at the start)."""

    def __init__(self, encryption_key: bytes, mac_key: bytes, counter: bytes) -> None:
        self._encryption_key = encryption_key
        self._mac_key = mac_key
        self._counter = int.from_bytes(counter, "big")

    def wrap(self, header: bytes, data: bytes = b"", expected: int = 0) -> bytes:
        """The protected short command. ``data`` at most 200 bytes, ``expected`` at most 256."""
        header = bytes([header[0] | _SECURED]) + header[1:]
        body = b""
        if data:
            body += _object(0x87, b"\x01" + encrypt(self._encryption_key, pad(data)))
        if expected:
            body += _object(0x97, bytes([expected % 256]))
        body += _object(0x8E, self._mac(pad(header) + body))
        return header + bytes([len(body)]) + body + b"\0"

    def unwrap(self, answer: bytes) -> tuple[bytes, int]:
        """Data and status word of a protected answer.

        Raises KioskError (CHIP_UNREADABLE): not protected, or its MAC is wrong.
        """
        objects = data_objects(answer[:-2])
        covered = b"".join(_object(t, objects[t]) for t in (0x87, 0x99) if t in objects)
        if not hmac.compare_digest(self._mac(covered), objects.get(0x8E, b"")):
            raise KioskError(Fault.CHIP_UNREADABLE, "answer without a right MAC", retryable=True)
        status = int.from_bytes(objects.get(0x99, answer[-2:]), "big")
        cryptogram = objects.get(0x87, b"")
        if not cryptogram:
            return b"", status
        return unpad(decrypt(self._encryption_key, cryptogram[1:])), status

    def _mac(self, message: bytes) -> bytes:
        self._counter = (self._counter + 1) % 2**64
        return retail_mac(self._mac_key, self._counter.to_bytes(BLOCK, "big") + message)


def data_objects(data: bytes) -> dict[int, bytes]:
    """Values by one-byte tag. Raises KioskError (CHIP_UNREADABLE)."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        length, start = read_length(data, at + 1)
        found[data[at]] = data[start : start + length]
        if start + length > len(data):
            raise KioskError(Fault.CHIP_UNREADABLE, "a data object is cut off", retryable=True)
        at = start + length
    return found


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """A BER length at ``at`` and where its value starts. Raises KioskError (CHIP_UNREADABLE)."""
    first = data[at] if at < len(data) else 0xFF
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 3 or at + 1 + count > len(data):
        raise KioskError(Fault.CHIP_UNREADABLE, "not a length", retryable=True)
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def _object(tag: int, value: bytes) -> bytes:
    length = len(value)
    if length < 0x80:
        return bytes([tag, length]) + value
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + value


def _derived(seed: bytes, purpose: int) -> bytes:
    digest = hashlib.sha1(seed + purpose.to_bytes(4, "big"), usedforsecurity=False).digest()
    return bytes(_with_odd_parity(byte) for byte in digest[:16])


def _with_odd_parity(byte: int) -> int:
    return (byte & 0xFE) | ((byte >> 1).bit_count() + 1) % 2


def _cipher(key: bytes) -> Cipher[CBC]:
    """Two keys (16 bytes), as K1 K2 K1; two equal ones are single DES."""
    return Cipher(TripleDES(key + key[:8]), CBC(bytes(BLOCK)))
