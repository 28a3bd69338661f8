"""One-time codes with which a new kiosk introduces its device key.

The portal keeps no code, only ``kiosk-id sha256-of-code good-until`` lines in a file that staff may
extend while the portal runs. Instants are ISO 8601 in UTC.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from pathlib import Path

from kiosk.portal.secret import code_digest, new_code
from kiosk.portal.times import now

LIFE = timedelta(days=7)
LONGEST_NAME = 64
"""Bytes of a common name in a certificate (RFC 5280, ub-common-name)."""


def add_code(file: Path, kiosk_id: str) -> str:
    """Make a code for ``kiosk_id``, append its line to ``file``, and answer the code. Raises
    ValueError for a name that no certificate could bear."""
    if not kiosk_id or any(letter.isspace() for letter in kiosk_id):
        raise ValueError("a kiosk's name has no spaces")
    if len(kiosk_id.encode()) > LONGEST_NAME:
        raise ValueError(f"a kiosk's name has at most {LONGEST_NAME} bytes")
    code = new_code()
    until = (now() + LIFE).isoformat()
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{kiosk_id} {code_digest(code)} {until}\n")
    return code


def is_code_for(file: Path, kiosk_id: str, hashed: str) -> bool:
    """Was this code made for that kiosk, and lately? Whether it was used, the store knows."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return any(
        len(line) == 3
        and line[0] == kiosk_id
        and hmac.compare_digest(line[1].encode(), hashed.encode())
        and _is_ahead(line[2])
        for line in map(str.split, lines)
    )


def _is_ahead(until: str) -> bool:
    try:
        return datetime.fromisoformat(until) > now()
    except (ValueError, TypeError):  # not a date, or one without its zone
        return False
