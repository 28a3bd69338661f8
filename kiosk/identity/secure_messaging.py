"""Secure messaging with a chip (ICAO Doc 9303-11, 9.8), by triple DES or AES."""

from __future__ import annotations

import hmac

from kiosk.identity import ciphers, tlv
from kiosk.identity.ciphers import Suite

_SECURED = 0x0C  # class bits: the header is authenticated too
_CRYPTOGRAM, _EXPECTED, _STATUS, _MAC = 0x87, 0x97, 0x99, 0x8E


class SecureChannel:
    """One session. Each command and each answer counts up ``counter`` (a block at the start)."""

    def __init__(self, suite: Suite, keys: tuple[bytes, bytes], counter: bytes = b"") -> None:
        """``keys``: for encryption and MAC."""
        self._suite = suite
        self._encryption_key, self._mac_key = keys
        self._counter = int.from_bytes(counter, "big")

    def wrap(self, header: bytes, data: bytes = b"", expected: int = 0) -> bytes:
        """The protected short command. ``data`` at most 200 bytes, ``expected`` at most 256."""
        counter = self._next()
        header = bytes([header[0] | _SECURED]) + header[1:]
        body = b""
        if data:
            body += tlv.encode(_CRYPTOGRAM, b"\x01" + self._encrypted(data, counter))
        if expected:
            body += tlv.encode(_EXPECTED, bytes([expected % 256]))
        covered = ciphers.pad(header, self._suite.block) + body
        body += tlv.encode(_MAC, self._suite.channel_mac(self._mac_key, counter + covered))
        return header + bytes([len(body)]) + body + b"\0"

    def unwrap(self, answer: bytes) -> tuple[bytes, int]:
        """Data and status word of a protected answer.

        Raises KioskError (CHIP_UNREADABLE): not protected, or its MAC is wrong.
        """
        counter = self._next()
        found = dict(tlv.objects(answer[:-2]))
        covered = b"".join(tlv.encode(t, found[t]) for t in (_CRYPTOGRAM, _STATUS) if t in found)
        mac = self._suite.channel_mac(self._mac_key, counter + covered)
        if not hmac.compare_digest(mac, found.get(_MAC, b"")):
            raise tlv.unreadable("answer without a right MAC")
        status = int.from_bytes(found.get(_STATUS, answer[-2:]), "big")
        cryptogram = found.get(_CRYPTOGRAM, b"")
        if not cryptogram:
            return b"", status
        plain = self._suite.decrypt(self._encryption_key, cryptogram[1:], counter)
        return ciphers.unpad(plain), status

    def _encrypted(self, data: bytes, counter: bytes) -> bytes:
        padded = ciphers.pad(data, self._suite.block)
        return self._suite.encrypt(self._encryption_key, padded, counter)

    def _next(self) -> bytes:
        size = self._suite.block
        self._counter = (self._counter + 1) % 2 ** (8 * size)
        return self._counter.to_bytes(size, "big")
