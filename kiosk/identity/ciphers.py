"""The two families of ciphers that chips of Doc 9303 speak: two-key triple DES, and AES.

ICAO Doc 9303-11, 9.7 (key derivation) and 9.8 (padding, MACs). Old as triple DES is, Basic Access
Control prescribes it. Primitives are those of ``cryptography``.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from kiosk.failures import Fault, KioskError

MAC_SIZE = 8
_ENCRYPTION, _MAC, _PASSWORD = 1, 2, 3


class Suite(Protocol):
    """``block``: bytes of a cipher block, and of the counter of secure messaging."""

    block: int

    def derive(self, secret: bytes, purpose: int) -> bytes:
        """A key from a shared secret (9.7.1)."""
        ...

    def encrypt(self, key: bytes, blocks: bytes, counter: bytes = b"") -> bytes:
        """CBC. The initial value is zero, or made of ``counter`` where the cipher wants that."""
        ...

    def decrypt(self, key: bytes, blocks: bytes, counter: bytes = b"") -> bytes:
        """Raises KioskError (CHIP_UNREADABLE) for what is not whole blocks."""
        ...

    def mac(self, key: bytes, message: bytes) -> bytes:
        """Eight bytes over a message that is not padded yet."""
        ...

    def channel_mac(self, key: bytes, message: bytes) -> bytes:
        """Eight bytes over a message of secure messaging, which is padded for either cipher."""
        ...


class TripleDes:
    block = 8

    def derive(self, secret: bytes, purpose: int) -> bytes:
        digest = hashlib.sha1(secret + purpose.to_bytes(4, "big"), usedforsecurity=False).digest()
        return bytes(_with_odd_parity(byte) for byte in digest[:16])

    def encrypt(self, key: bytes, blocks: bytes, counter: bytes = b"") -> bytes:
        encryptor = _triple_des(key).encryptor()
        return encryptor.update(blocks) + encryptor.finalize()

    def decrypt(self, key: bytes, blocks: bytes, counter: bytes = b"") -> bytes:
        _check_whole(blocks, self.block)
        decryptor = _triple_des(key).decryptor()
        return decryptor.update(blocks) + decryptor.finalize()

    def mac(self, key: bytes, message: bytes) -> bytes:
        """ISO/IEC 9797-1 MAC algorithm 3, padding method 2: DES-CBC, the last block by 3DES."""
        first, second = key[:8], key[8:]
        chained = self.encrypt(first * 2, pad(message, self.block))[-self.block :]
        return self.encrypt(first * 2, self.decrypt(second * 2, chained))

    channel_mac = mac


class Aes:
    """``key_size`` in bytes: 16, 24 or 32."""

    block = 16

    def __init__(self, key_size: int) -> None:
        self.key_size = key_size

    def derive(self, secret: bytes, purpose: int) -> bytes:
        message = secret + purpose.to_bytes(4, "big")
        if self.key_size == 16:
            return hashlib.sha1(message, usedforsecurity=False).digest()[:16]
        return hashlib.sha256(message).digest()[: self.key_size]

    def encrypt(self, key: bytes, blocks: bytes, counter: bytes = b"") -> bytes:
        encryptor = Cipher(AES(key), CBC(self._start(key, counter))).encryptor()
        return encryptor.update(blocks) + encryptor.finalize()

    def decrypt(self, key: bytes, blocks: bytes, counter: bytes = b"") -> bytes:
        _check_whole(blocks, self.block)
        decryptor = Cipher(AES(key), CBC(self._start(key, counter))).decryptor()
        return decryptor.update(blocks) + decryptor.finalize()

    def mac(self, key: bytes, message: bytes) -> bytes:
        """CMAC (NIST SP 800-38B), its first eight bytes."""
        cmac = CMAC(AES(key))
        cmac.update(message)
        return cmac.finalize()[:MAC_SIZE]

    def channel_mac(self, key: bytes, message: bytes) -> bytes:
        return self.mac(key, pad(message, self.block))

    def _start(self, key: bytes, counter: bytes) -> bytes:
        if not counter:
            return bytes(self.block)
        encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - one block, by 9.8.6.1
        return encryptor.update(counter) + encryptor.finalize()


TRIPLE_DES: Suite = TripleDes()
AES_128: Suite = Aes(16)
AES_192: Suite = Aes(24)
AES_256: Suite = Aes(32)
BY_NUMBER = {1: TRIPLE_DES, 2: AES_128, 3: AES_192, 4: AES_256}
"""By the last arc of the object identifiers of PACE and chip authentication."""


def session_keys(suite: Suite, secret: bytes) -> tuple[bytes, bytes]:
    """Keys for encryption and MAC."""
    return suite.derive(secret, _ENCRYPTION), suite.derive(secret, _MAC)


def password_key(suite: Suite, password: bytes) -> bytes:
    return suite.derive(password, _PASSWORD)


def pad(data: bytes, block: int) -> bytes:
    """ISO/IEC 9797-1 padding method 2."""
    padded = data + b"\x80"
    return padded + bytes(-len(padded) % block)


def unpad(data: bytes) -> bytes:
    """Raises KioskError (CHIP_UNREADABLE) when there is no padding."""
    stripped = data.rstrip(b"\0")
    if not stripped.endswith(b"\x80"):
        raise KioskError(Fault.CHIP_UNREADABLE, "no padding", retryable=True)
    return stripped[:-1]


def _check_whole(blocks: bytes, block: int) -> None:
    if not blocks or len(blocks) % block:
        raise KioskError(Fault.CHIP_UNREADABLE, "not whole blocks", retryable=True)


def _with_odd_parity(byte: int) -> int:
    return (byte & 0xFE) | ((byte >> 1).bit_count() + 1) % 2


def _triple_des(key: bytes) -> Cipher[CBC]:
    """Two keys (16 bytes), as K1 K2 K1; two equal ones are single DES."""
    return Cipher(TripleDES(key + key[:8]), CBC(bytes(8)))
