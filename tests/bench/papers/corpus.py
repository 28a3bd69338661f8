"""The kinds of page, their classes, and how to get one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from PIL import Image

from tests.bench.papers import cards, civil, forms, offices, studies
from tests.bench.papers.people import Invention
from tests.bench.papers.sheet import A4, DPI, Piece, Sheet

Draw = Callable[[Sheet, Invention], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """``group``: page, table or card, which have aims of their own."""

    draw: Draw
    paper_class: str
    group: str = "page"


@dataclass(frozen=True, slots=True)
class Page:
    """A clean scan, RGB, of DPI, with what stands on it in reading order."""

    kind: str
    paper_class: str
    group: str
    image: Image.Image
    pieces: tuple[Piece, ...]
    dpi: int = DPI

    @property
    def text(self) -> str:
        return "\n".join(piece.text for piece in self.pieces)

    @property
    def fields(self) -> dict[str, Piece]:
        return {piece.field: piece for piece in self.pieces if piece.field}


KINDS: dict[str, Kind] = {
    "birth-certificate": Kind(civil.birth_certificate, "birth"),
    "birth-extract": Kind(civil.birth_extract, "birth"),
    "birth-bilingual": Kind(forms.bilingual_birth, "birth", "table"),
    "marriage-certificate": Kind(civil.marriage_certificate, "marriage"),
    "marital-status": Kind(civil.marital_status, "marital-status"),
    "death-extract": Kind(civil.death_extract, "death"),
    "death-notice": Kind(civil.death_notice, "death"),
    "divorce-decision": Kind(civil.divorce_decision, "decision"),
    "university-diploma": Kind(studies.university_diploma, "diploma"),
    "school-diploma": Kind(studies.school_diploma, "diploma"),
    "language-certificate": Kind(studies.language_certificate, "diploma"),
    "school-report": Kind(studies.school_report, "transcript", "table"),
    "transcript": Kind(studies.transcript, "transcript", "table"),
    "land-certificate": Kind(offices.land_certificate, "land-use"),
    "land-plot": Kind(offices.land_plot, "land-use", "table"),
    "id-front": Kind(cards.id_front, "id-card", "card"),
    "id-back": Kind(cards.id_back, "id-card", "card"),
    "driving-licence": Kind(cards.driving_licence, "other", "card"),
    "health-card": Kind(cards.health_card, "other", "card"),
    "decision": Kind(offices.decision, "decision"),
    "business-licence": Kind(offices.business_licence, "business-licence"),
    "household-business": Kind(offices.household_business, "business-licence"),
    "official-letter": Kind(offices.official_letter, "other"),
    "invitation": Kind(offices.invitation, "other"),
    "tax-notice": Kind(offices.tax_notice, "other", "table"),
    "residence": Kind(offices.residence_confirmation, "other", "table"),
    "application": Kind(forms.application, "other"),
    "authorisation": Kind(forms.authorisation, "other"),
    "poor-household": Kind(forms.poor_household, "other", "table"),
    "minutes": Kind(forms.minutes, "other"),
    "household-list": Kind(forms.household_list, "other", "table"),
}


@lru_cache(maxsize=4)
def page(kind: str, seed: int) -> Page:
    """The page ``kind`` of KINDS about the people whom ``seed`` invents; always the same."""
    made = KINDS[kind]
    is_card = made.group == "card"
    sheet = Sheet(cards.SIZE if is_card else A4)
    made.draw(sheet, Invention(mixed(kind, seed)))
    if not is_card:
        sheet.foot()
    pieces = tuple(piece for piece in sheet.pieces if piece.text)
    return Page(kind, made.paper_class, made.group, sheet.image, pieces)


def mixed(name: str, seed: int) -> int:
    """A seed of its own for everything that one seed stands for."""
    return crc32(f"{name} {seed}".encode())
