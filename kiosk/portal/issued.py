"""The issued page behind a seal, for a kiosk that compares a paper copy with it.

Whoever asks proves by the seal's whole text that the paper, or a picture of it, was before him:
its signature cannot be guessed, and neither number nor id code is enough. Still a picture of a QR
code is easily passed on, so the page goes to enrolled kiosks only, which show their own scan and
mark it, never this page; and a seal, as a kiosk, may be asked for so many pages an hour.
"""

from __future__ import annotations

import base64

from certify.errors import CertifyError, Fault
from certify.picture import Picture, picture_of
from certify.seal import Seal, check_seal, read_seal
from certify.trust import TrustBundle
from kiosk.portal.composition import Portal
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import Limit
from kiosk.portal.revocations import revocation_of_seal
from kiosk.portal.sealed import SealedCopy
from kiosk.portal.trust import read_bundle
from offline_queue.intake import IssuedPage, IssuedPageAsk, Problem

PER_KIOSK = Limit("issued-page.kiosk", most=1200, seconds=3600)
PER_SEAL = Limit("issued-page.seal", most=400, seconds=3600)


def issued_page(portal: Portal, kiosk_id: str, ask: IssuedPageAsk) -> IssuedPage:
    """Raises RefusedError: NOT_FOUND (no such copy here), COPY_REVOKED, TOO_MANY, UNAVAILABLE."""
    limits = portal.offices.limits
    if not limits.allows(PER_KIOSK, kiosk_id):
        raise _too_many(PER_KIOSK)
    seal = _genuine(portal, ask.seal)
    if not limits.allows(PER_SEAL, seal.id_code):
        raise _too_many(PER_SEAL)
    copy = _issued(portal, seal, ask.seal)
    inspection = portal.inspections.of(copy.dossier)
    inspected = inspection is not None and inspection.signed_at is not None
    picture = _picture(portal, copy, ask.page, inspected=inspected)
    return IssuedPage(
        pages=picture.pages,
        jpeg=base64.b64encode(picture.jpeg),
        ignored=picture.open_boxes,
        inspect_by=None if inspected else seal.inspect_by,
    )


def _genuine(portal: Portal, text: str) -> Seal:
    try:
        read_seal(text)  # what is no seal needs no bundle
        return check_seal(text, _bundle(portal))
    except CertifyError as error:
        if error.code == Fault.COPY_REVOKED:
            raise _revoked() from None
        raise RefusedError(Problem.NOT_FOUND, error.code) from None


def _bundle(portal: Portal) -> TrustBundle:
    try:
        return read_bundle(portal.settings.trust_dir)
    except (CertifyError, OSError, ValueError):
        raise RefusedError(Problem.UNAVAILABLE, "no valid trust bundle", retry_after=60) from None


def _issued(portal: Portal, seal: Seal, text: str) -> SealedCopy:
    """The copy in the book that bears this very seal."""
    copy = portal.sealed.bearing(text)
    if revocation_of_seal(portal.store, copy, seal.id_code):
        raise _revoked()
    if copy is None or not copy.in_book:
        raise RefusedError(Problem.NOT_FOUND, "no such copy is here")
    return copy


def _picture(portal: Portal, copy: SealedCopy, page: int, *, inspected: bool) -> Picture:
    """Until an officer has signed, his field is empty on paper too; after that a print of the copy
    may be from before or from after."""
    pdf = portal.vault.copy(copy.dossier)
    picture = picture_of(pdf, page, inspected_later=inspected)
    if picture is None:
        raise RefusedError(Problem.NOT_FOUND, "no such page")
    return picture


def _revoked() -> RefusedError:
    return RefusedError(Problem.COPY_REVOKED, "this copy was revoked")


def _too_many(limit: Limit) -> RefusedError:
    return RefusedError(Problem.TOO_MANY, "asked too often", retry_after=limit.seconds)
