"""Bits turned over inside the signed ranges of a copy: not one may pass."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime

from certify.errors import CertifyError, Fault
from certify.trust import TrustBundle
from certify.verify import verify

_UNREADABLE = (Fault.PDF_UNREADABLE, Fault.PDF_ENCRYPTED)


def flipped(pdf: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    """``count`` places of the last signature's ranges, each with the file as changed there."""
    chance = random.Random(5)  # places, not secrets
    gap = pdf.rindex(b"/Contents <")
    signed = [*range(gap), *range(pdf.index(b">", gap) + 1, len(pdf))]
    for place in chance.sample(signed, count):
        changed = bytearray(pdf)
        changed[place] ^= 1 << chance.randrange(8)
        yield place, bytes(changed)


def accepted(pdf: bytes, bundle: TrustBundle, count: int, at: datetime) -> list[int]:
    """The places whose change was not noticed."""
    return [place for place, changed in flipped(pdf, count) if _passes(changed, bundle, at)]


def _passes(pdf: bytes, bundle: TrustBundle, at: datetime) -> bool:
    try:
        return verify(pdf, bundle, at=at).ok
    except CertifyError as error:
        if error.code not in _UNREADABLE:
            raise
        return False
