"""An officer's card for the emulated reader: the PIV application with one key and a PIN, and the
authority that issues such cards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from drivers.apdu import parsed
from kiosk.failures import KioskError
from kiosk.identity import tlv
from kiosk.sandbox.card_state import kept_key

PIN = "135790"
OK = b"\x90\x00"
_TRIES = 3
_NOT_FOUND = b"\x6a\x82"
_REFUSED = b"\x69\x82"
_BLOCKED = b"\x69\x83"
_NOT_KNOWN = b"\x6d\x00"
_EARLIER, _LIFE = timedelta(days=1), timedelta(days=900)


class StaffAuthority:
    """Issues staff cards; its root stands in the trust bundle. ``now``: when all are valid."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey | None = None, now: datetime | None = None
    ) -> None:
        self._now = now or datetime.now(UTC)
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self.root = self._certified(self._key.public_key(), "Staff cards", ca=True)

    @classmethod
    def kept_in(cls, folder: Path) -> StaffAuthority:
        return cls(kept_key(folder / "staff-root.pem", ec.SECP256R1()))

    @property
    def root_der(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.DER)

    def card(
        self,
        officer: str,
        *,
        key: ec.EllipticCurvePrivateKey | None = None,
        life: timedelta = _LIFE,
        serial: int = 2,
    ) -> StaffCard:
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = self._certified(key.public_key(), officer, life=life, serial=serial)
        return StaffCard(key, certificate.public_bytes(serialization.Encoding.DER))

    def _certified(
        self,
        public: Any,
        subject: str,
        *,
        ca: bool = False,
        life: timedelta = _LIFE,
        serial: int = 1,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(_named(subject))
            .issuer_name(_named("Staff cards"))
            .public_key(public)
            .serial_number(serial)
            .not_valid_before(self._now - _EARLIER - _LIFE)
            .not_valid_after(self._now + life)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .sign(self._key, hashes.SHA256())
        )


class StaffCard:
    """``certificate``: DER, as GET DATA gives it out."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: bytes) -> None:
        self._key = key
        self._certificate = certificate
        self.tries = _TRIES
        self.reset()

    def reset(self) -> None:
        """The count of tries outlives a cut of power."""
        self._verified = False

    def answer(self, apdu: bytes) -> bytes:
        try:
            command = parsed(apdu)
        except ValueError:
            return b"\x67\x00"
        match command.header[1]:
            case 0xA4:
                return OK if command.data.startswith(bytes.fromhex("A000000308")) else _NOT_FOUND
            case 0xCB:
                container = tlv.encode(0x70, self._certificate) + b"\x71\x01\x00\xfe\x00"
                return tlv.encode(0x53, container) + OK
            case 0x20:
                return self._verify(command.data)
            case 0x87:
                return self._sign(command.data)
        return _NOT_KNOWN

    def _verify(self, pin: bytes) -> bytes:
        if self.tries == 0:
            return _BLOCKED
        if not pin:  # asks for the counter: SP 800-73-5, part 2, 3.2.1
            return OK if self._verified else bytes([0x63, 0xC0 | self.tries])
        if pin == PIN.encode().ljust(8, b"\xff"):
            self.tries, self._verified = _TRIES, True
            return OK
        self.tries -= 1
        return bytes([0x63, 0xC0 | self.tries])

    def _sign(self, data: bytes) -> bytes:
        if not self._verified:
            return _REFUSED
        try:
            digest = tlv.value(data, 0x7C, 0x81)
        except KioskError:
            return b"\x6a\x80"
        signature = self._key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        return tlv.encode(0x7C, tlv.encode(0x82, signature)) + OK


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
