"""What the address in a seal answers to whoever scans it: is this copy in the book?"""

from __future__ import annotations

from dataclasses import dataclass

from certify.errors import CertifyError, Fault
from certify.numbers import grouped
from certify.seal import Seal, check_seal
from kiosk.portal.composition import Portal
from kiosk.portal.trust import read_bundle

_IN_BOOK = "Bản sao này có trong sổ chứng thực và còn hiệu lực."
_NOT_ARRIVED = "Mã đúng là của cơ quan. Hồ sơ chưa về tới cổng; hãy xem lại sau."
_NOT_IN_BOOK = "Mã này không khớp sổ chứng thực. Hãy hỏi cơ quan đã cấp."
_REVOKED = "Bản sao này đã bị thu hồi, không còn hiệu lực."
_FOREIGN = "Đây không phải là mã của một bản sao do cơ quan này cấp."


@dataclass(frozen=True, slots=True)
class SealResult:
    """``seal`` and ``id_code`` (grouped) only where the seal's signature holds."""

    valid: bool
    words: str
    seal: Seal | None = None
    id_code: str = ""


def look_up(portal: Portal, body: str) -> SealResult:
    """``body``: the base 32 text behind ``/V/``. Raises OSError or CertifyError when the portal
    has no valid trust bundle itself."""
    bundle = read_bundle(portal.settings.trust_dir)
    try:
        seal = check_seal(f"HTTPS://{bundle.seal_host.upper()}/V/{body}", bundle)
    except CertifyError as error:
        return SealResult(False, _REVOKED if error.code == Fault.COPY_REVOKED else _FOREIGN)
    entry = portal.register.entry_of(seal.id_code)
    code = grouped(seal.id_code)
    if entry is None and seal.mode == "post-check":  # issued at a kiosk that is offline
        return SealResult(True, _NOT_ARRIVED, seal, code)
    if entry is None or (entry.number, entry.book) != (seal.number, seal.book):
        return SealResult(False, _NOT_IN_BOOK)
    return SealResult(True, _IN_BOOK, seal, code)
