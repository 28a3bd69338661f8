"""What the address in a seal answers to whoever scans it: is this copy in the book?"""

from __future__ import annotations

from dataclasses import dataclass

from certify.errors import CertifyError, Fault
from certify.numbers import grouped
from certify.seal import Seal, check_seal
from kiosk.portal.composition import Portal
from kiosk.portal.inspections import Revocation, is_overdue, revocation_of_code
from kiosk.portal.trust import read_bundle

_SIGNED = "Bản sao này có trong sổ chứng thực và còn hiệu lực."
_INSPECTED = "Bản sao này có trong sổ chứng thực; cán bộ đã kiểm tra và ký."
_DUE = "Bản sao này có trong sổ chứng thực, do cơ quan ký và cấp trước. Cán bộ chưa kiểm tra."
_OVERDUE = (
    "Bản sao này có trong sổ chứng thực, do cơ quan ký và cấp trước."
    " Đã quá hạn kiểm tra: hãy hỏi cơ quan đã cấp."
)
_NOT_ARRIVED = "Mã đúng là của cơ quan. Hồ sơ chưa về tới cổng; hãy xem lại sau."
_NOT_IN_BOOK = "Mã này không khớp sổ chứng thực. Hãy hỏi cơ quan đã cấp."
_REVOKED = "Bản sao này đã bị thu hồi, không còn hiệu lực."
_FOREIGN = "Đây không phải là mã của một bản sao do cơ quan này cấp."


@dataclass(frozen=True, slots=True)
class SealResult:
    """``seal`` and ``id_code`` (grouped) only where the seal's signature holds. ``dossier``: of a
    copy that stands in the book and is not revoked. ``inspected_at``:
    when the officer's signature came; ``archived_at``: when timestamps were added that outlive the
    signers' certificates. Instants are ISO 8601 in UTC."""

    valid: bool
    words: str
    seal: Seal | None = None
    id_code: str = ""
    dossier: str | None = None
    inspected_at: str | None = None
    archived_at: str | None = None
    revocation: Revocation | None = None


def look_up(portal: Portal, body: str) -> SealResult:
    """``body``: the base 32 text behind ``/V/``. Raises OSError or CertifyError when the portal
    has no valid trust bundle itself."""
    bundle = read_bundle(portal.settings.trust_dir)
    try:
        seal = check_seal(f"HTTPS://{bundle.seal_host.upper()}/V/{body}", bundle)
    except CertifyError as error:
        if error.code == Fault.COPY_REVOKED:
            return SealResult(
                False, _REVOKED, revocation=revocation_of_code(portal.store, error.detail)
            )
        return SealResult(False, _FOREIGN)
    code = grouped(seal.id_code)
    if revocation := revocation_of_code(portal.store, seal.id_code):
        return SealResult(False, _REVOKED, seal, code, revocation=revocation)
    entry = portal.register.entry_of(seal.id_code)
    if entry is None and seal.mode == "post-check":  # issued at a kiosk that is offline
        return SealResult(True, _NOT_ARRIVED, seal, code)
    if entry is None or (entry.number, entry.book) != (seal.number, seal.book):
        return SealResult(False, _NOT_IN_BOOK)
    return _in_book(portal, seal, code, entry.dossier)


def _in_book(portal: Portal, seal: Seal, code: str, dossier_id: str) -> SealResult:
    archive, inspection = portal.offices.archives.of(dossier_id), portal.inspections.of(dossier_id)
    archived_at = archive.lifted_at if archive else None
    signed_at = inspection.signed_at if inspection else None
    if seal.inspect_by is None:
        words = _SIGNED
    elif signed_at:
        words = _INSPECTED
    else:
        words = _OVERDUE if is_overdue(seal.inspect_by.isoformat()) else _DUE
    return SealResult(True, words, seal, code, dossier_id, signed_at, archived_at)
