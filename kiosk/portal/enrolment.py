"""One-time codes with which a new kiosk introduces its device key.

The portal keeps no code, only ``kiosk-id sha256-of-code`` lines in a file that staff may extend
while the portal runs. Codes have 130 bits, so a plain digest tells nothing about them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: nothing that a technician confuses
_LENGTH = 26


def add_code(file: Path, kiosk_id: str) -> str:
    """Make a code for ``kiosk_id``, append its line to ``file``, and answer the code."""
    if not kiosk_id or any(letter.isspace() for letter in kiosk_id):
        raise ValueError("a kiosk's name has no spaces")
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{kiosk_id} {code_hash(code)}\n")
    return code


def code_hash(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


def is_code_for(file: Path, kiosk_id: str, hashed: str) -> bool:
    """Was this code made for that kiosk? Whether it was used already, the store knows."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    pairs = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return any(
        len(pair) == 2
        and pair[0] == kiosk_id
        and hmac.compare_digest(pair[1].encode(), hashed.encode())
        for pair in pairs
    )
