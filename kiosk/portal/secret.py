"""The portal's own symmetric secret, from which keys for single purposes are derived (RFC 5869),
and the one-time codes that it gives away.

It makes people findable without being readable (HMACs of citizen numbers), and hides the second
factors of staff. It lies beside the portal's other keys and must be the same on every machine.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.files import write_once

SLIP_SECRET = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")
"""What stands on a slip beside the dossier code."""
_BYTES = 32
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: nothing that people confuse
_CODE_LENGTH = 26


def load_secret(folder: Path) -> bytes:
    """Read the secret, or make it. Raises OSError, or PortalError (SETTINGS_INVALID) for a
    damaged file."""
    file = folder / "portal.secret"
    if not file.exists():
        write_once(file, secrets.token_bytes(_BYTES))
    secret = file.read_bytes()
    if len(secret) != _BYTES:
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: not {_BYTES} bytes")
    return secret


def derive(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    return HKDF(SHA256(), _BYTES, salt=None, info=purpose.encode()).derive(secret)


def keyed(key: bytes, text: str) -> str:
    """What stands in the database for ``text``: the same each time, and no way back (hex)."""
    return hmac.new(key, text.encode(), sha256).hexdigest()


def new_code() -> str:
    """A one-time code of 130 random bits, for people to type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))


def code_digest(code: str) -> str:
    """Of a code as typed."""
    return digest(code.strip().upper())


def digest(secret: str) -> str:
    """What stands in place of a secret that this program made (hex). With its 128 bits or more, it
    needs no slow hash."""
    return sha256(secret.encode()).hexdigest()
