"""The issued page behind a seal, for a kiosk that compares a paper copy with it.

Whoever asks proves by the seal's whole text that the paper, or a picture of it, was before him:
its signature cannot be guessed, and neither number nor id code is enough. Still a picture of a QR
code is easily passed on, so the page goes to enrolled kiosks only, which show their own scan and
mark it, never this page; and a seal, as a kiosk, may be asked for so many pages an hour.
"""

from __future__ import annotations

import base64

from certify.copyfile import open_reader, read_copy
from certify.errors import CertifyError
from certify.picture import Picture, picture_of
from certify.seal import Seal, check_seal, read_seal
from certify.trust import TrustBundle
from kiosk.portal.composition import Portal
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import Limit
from kiosk.portal.trust import read_bundle
from offline_queue.intake import IssuedPage, IssuedPageAsk, Problem

PER_KIOSK = Limit("issued-page.kiosk", most=1200, seconds=3600)
PER_SEAL = Limit("issued-page.seal", most=400, seconds=3600)


def issued_page(portal: Portal, kiosk_id: str, ask: IssuedPageAsk) -> IssuedPage:
    """Raises RefusedError: NOT_FOUND (no such copy here, or revoked), TOO_MANY, UNAVAILABLE."""
    limits = portal.offices.limits
    if not limits.allows(PER_KIOSK, kiosk_id):
        raise _too_many(PER_KIOSK)
    seal = _genuine(portal, ask.seal)
    if not limits.allows(PER_SEAL, seal.id_code):
        raise _too_many(PER_SEAL)
    picture = _picture(portal, seal, ask)
    return IssuedPage(
        pages=picture.pages, jpeg=base64.b64encode(picture.jpeg), ignored=picture.open_boxes
    )


def _genuine(portal: Portal, text: str) -> Seal:
    try:
        read_seal(text)  # what is no seal needs no bundle
        return check_seal(text, _bundle(portal))
    except CertifyError as error:
        raise RefusedError(Problem.NOT_FOUND, error.code) from None


def _bundle(portal: Portal) -> TrustBundle:
    try:
        return read_bundle(portal.settings.trust_dir)
    except (CertifyError, OSError, ValueError):
        raise RefusedError(Problem.UNAVAILABLE, "no valid trust bundle", retry_after=60) from None


def _picture(portal: Portal, seal: Seal, ask: IssuedPageAsk) -> Picture:
    entry = portal.register.entry_of(seal.id_code)
    try:
        pdf = portal.vault.copy(entry.dossier) if entry else b""
    except FileNotFoundError:
        pdf = b""
    reader = open_reader(pdf) if pdf else None
    if reader is None or read_copy(reader).seal != ask.seal:
        raise RefusedError(Problem.NOT_FOUND, "no such copy is here")
    picture = picture_of(pdf, ask.page, inspected_later=seal.mode == "post-check")
    if picture is None:
        raise RefusedError(Problem.NOT_FOUND, "no such page")
    return picture


def _too_many(limit: Limit) -> RefusedError:
    return RefusedError(Problem.TOO_MANY, "asked too often", retry_after=limit.seconds)
