"""Copies of an invented paper as issued, and prints of it that came through a scanner, changed or
not; the same for the same seed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pypdfium2

from certify.issue import assemble
from certify.pages import SourcePage
from certify.picture import picture_of
from certify.seal import make_seal
from kiosk.documents.cleanup import Pixels
from kiosk.sandbox import papers
from kiosk.sandbox.people import OTHER_PERSON, PERSON
from tests.certify import specimens
from tests.certify.print_scan import PRINTER_DPI, printed_and_scanned

CHANGES = {
    "one digit of a number": replace(PERSON, number="001192008000"),
    "another digit of it": replace(PERSON, number="001792000000"),
    "3 to 8 in a date": replace(PERSON, birth_date=date(1992, 8, 14)),
    "2 to 3 in a year": replace(PERSON, birth_date=date(1993, 3, 14)),
    "one letter of a name": replace(PERSON, name="Trần Thị Mẫn"),
}
OTHERS = OTHER_PERSON
_OWN = specimens.stranger("seal", "seal")


@cache
def issued(kind: str, person: str = "") -> bytes:
    """The copy (PDF) of a paper of PERSON, or of one of CHANGES, or of "others"."""
    drawn = getattr(papers, kind)(_person(person))
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=85, dpi=(papers.DPI, papers.DPI))
    page = SourcePage(out.getvalue(), drawn.width, drawn.height, papers.DPI, ())
    facts = specimens.facts()

    def seal_for(digest: bytes) -> str:
        host, sign = specimens.SEAL_HOST, _OWN.sign_es256
        return make_seal(facts, digest, 1, host=host, sign=sign, kid=_OWN.key_id)

    return assemble([page], facts, seal_for)


def issued_page(kind: str) -> bytes:
    """As the portal gives it: JPEG."""
    picture = picture_of(issued(kind), 1, inspected_later=False)
    assert picture is not None
    return picture.jpeg


def scanned(kind: str, person: str, seed: int) -> Pixels:
    """RGB, of a print that somebody made of the same copy with ``person`` on it."""
    return np.asarray(printed_and_scanned(_printed(kind, person), seed))


@cache
def _printed(kind: str, person: str) -> object:
    document = pypdfium2.PdfDocument(issued(kind, person))
    try:
        return document[0].render(scale=PRINTER_DPI / 72, grayscale=True).to_pil()
    finally:
        document.close()


def _person(name: str) -> object:
    return OTHERS if name == "others" else CHANGES.get(name, PERSON)
