"""What the address in a seal answers to whoever scans it: is this copy in the book?"""

from __future__ import annotations

from dataclasses import dataclass

from certify.errors import CertifyError, Fault
from certify.numbers import grouped
from certify.seal import Seal, check_seal
from kiosk.portal.composition import Portal
from kiosk.portal.inspections import is_overdue
from kiosk.portal.revocations import Revocation, revocation_of_code, revocation_of_seal
from kiosk.portal.times import VIETNAM
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
_NEVER_CAME = (
    "Mã đúng là của cơ quan, nhưng đã quá hạn kiểm tra mà hồ sơ chưa về tới cổng."
    " Hãy hỏi cơ quan đã cấp."
)
_DOUBTED = (
    "Mã đúng là của cơ quan, nhưng bản sao chưa được vào sổ vì cán bộ còn phải xem lại."
    " Hãy hỏi cơ quan đã cấp."
)
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
    text = f"HTTPS://{bundle.seal_host.upper()}/V/{body}"
    try:
        seal = check_seal(text, bundle)
    except CertifyError as error:
        if error.code == Fault.COPY_REVOKED:
            revocation = revocation_of_code(portal.store, error.detail)
            return SealResult(False, _REVOKED, revocation=revocation)
        return SealResult(False, _FOREIGN)
    code, copy = grouped(seal.id_code), portal.sealed.bearing(text)
    if revocation := revocation_of_seal(portal.store, copy, seal.id_code):
        return SealResult(False, _REVOKED, seal, code, revocation=revocation)
    if copy is None:
        return _not_here(portal, seal, code)
    if not copy.in_book:
        return SealResult(False, _DOUBTED, seal, code)
    return _in_book(portal, seal, code, copy.dossier)


def _not_here(portal: Portal, seal: Seal, code: str) -> SealResult:
    """No copy bears this seal: good only as long as one may still come from a kiosk offline."""
    year, register = seal.issued.astimezone(VIETNAM).year, portal.register
    if seal.inspect_by is None or not register.may_come(year, seal.number, seal.id_code):
        return SealResult(False, _NOT_IN_BOOK)
    if is_overdue(seal.inspect_by.isoformat()):
        return SealResult(False, _NEVER_CAME, seal, code)
    return SealResult(True, _NOT_ARRIVED, seal, code)


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
