"""The second factor of a login: six digits that a phone shows for 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

import secrets

import pyotp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kiosk.portal.times import now

_STEP = 30  # seconds; one step before and after is accepted, for phones with a wrong clock


class SecondFactor:
    """Shared secrets as the database holds them: encrypted under ``key``, each for one name.
    ``issuer`` names the agency in the authenticator."""

    def __init__(self, key: bytes, issuer: str) -> None:
        self._cipher = AESGCM(key)
        self._issuer = issuer

    def new(self, name: str) -> str:
        """A fresh secret, hidden."""
        nonce = secrets.token_bytes(12)
        shared = pyotp.random_base32()
        return (nonce + self._cipher.encrypt(nonce, shared.encode(), name.encode())).hex()

    def address(self, name: str, hidden: str) -> str:
        """The ``otpauth`` address for the person's authenticator."""
        totp = pyotp.TOTP(self._reveal(name, hidden))
        return totp.provisioning_uri(name=name, issuer_name=self._issuer)

    def step(self, name: str, hidden: str, digits: str) -> int | None:
        """The time step for which ``digits`` are right. Looks at all that count, in the same
        time."""
        current, totp = int(now().timestamp()) // _STEP, pyotp.TOTP(self._reveal(name, hidden))
        steps = [
            step
            for step in (current - 1, current, current + 1)
            if secrets.compare_digest(totp.generate_otp(step).encode(), digits.strip().encode())
        ]
        return steps[0] if steps else None

    def _reveal(self, name: str, hidden: str) -> str:
        data = bytes.fromhex(hidden)
        return self._cipher.decrypt(data[:12], data[12:], name.encode()).decode()
