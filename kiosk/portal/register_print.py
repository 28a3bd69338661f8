"""The register book of a year as CSV, and as PDF for the shelf: A4 across, fonts embedded."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from certify.drawing import BOLD, MM, REGULAR, prepare_fonts
from certify.numbers import grouped
from kiosk.portal.register import Entry
from kiosk.portal.register_book import Gap
from kiosk.portal.statistics import table as csv_table
from kiosk.portal.times import VIETNAM, now
from kiosk.portal.words import VOID_WORDS

_HEAD = (
    "Số chứng thực", "Ngày vào sổ", "Người yêu cầu", "Giấy tờ", "Số bản", "Người ký", "Mã bản sao",
)  # fmt: skip
_WIDTHS = (20, 24, 60, 68, 14, 50, 37)  # mm
_MARGIN = 12 * MM
_FOOT = 7 * MM
_GREY = 0.35
Line = Entry | Gap
PaperWords = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Title:
    """``by``: who had it made."""

    agency: str
    book: str
    year: int
    by: str


def as_csv(lines: Iterable[Line], papers: PaperWords) -> Iterator[str]:
    """A line at a time. ``papers``: what a paper class is called."""
    return csv_table(("Quyển số", *_HEAD, "Ghi chú"), (_with_book(line, papers) for line in lines))


def as_pdf(lines: Iterable[Line], papers: PaperWords, title: Title) -> bytes:
    """Page k of n at the foot of each page; the head of the table on each as well."""
    prepare_fonts()
    kept = list(lines)
    pages, _ = _built(kept, papers, title, 0)  # only then is n known
    _, pdf = _built(kept, papers, title, pages)
    return pdf


def _built(
    lines: Sequence[Line], papers: PaperWords, title: Title, pages: int
) -> tuple[int, bytes]:
    """How many pages it came to, and the file."""
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + _FOOT,
        title=f"Sổ chứng thực {title.book}",
        author=title.agency,
        lang="vi",
        initialFontName=REGULAR,
    )
    made = f"In ngày {now().astimezone(VIETNAM):%d/%m/%Y %H:%M}, người in: {title.by}"

    def foot(canvas: Any, document: Any) -> None:
        canvas.setFont(REGULAR, 8)
        canvas.setFillGray(_GREY)
        canvas.drawString(_MARGIN, _MARGIN, made)
        of = f"Trang {document.page} trên {pages}"
        canvas.drawRightString(landscape(A4)[0] - _MARGIN, _MARGIN, of)

    story = [*_heading(title, lines), _book(lines, papers)]
    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return document.page, out.getvalue()


def _book(lines: Sequence[Line], papers: PaperWords) -> Any:
    plain = ParagraphStyle("plain", fontName=REGULAR, fontSize=8, leading=10.5)
    bold = ParagraphStyle("bold", parent=plain, fontName=BOLD)
    rows = [[Paragraph(escape(cell), bold) for cell in _HEAD]]
    rows += [
        [Paragraph(escape(str(cell)), plain) for cell in _cells(line, papers)] for line in lines
    ]
    gaps = [row for row, line in enumerate(lines, 1) if isinstance(line, Gap)]
    table = LongTable(rows, [width * MM for width in _WIDTHS], repeatRows=1)
    table.setStyle(_style(gaps))
    return table


def _heading(title: Title, lines: Sequence[Line]) -> list[Any]:
    copies = sum(isinstance(line, Entry) for line in lines)
    small = ParagraphStyle("small", fontName=REGULAR, fontSize=9, leading=12)
    large = ParagraphStyle("large", fontName=BOLD, fontSize=14, leading=19)
    return [
        Paragraph(escape(title.agency), small),
        Paragraph("Sổ chứng thực bản sao từ bản chính", large),
        Paragraph(escape(f"Quyển số {title.book}, năm {title.year}: {copies} việc"), small),
        Spacer(0, 4 * MM),
    ]


def _style(gaps: list[int]) -> TableStyle:
    last = len(_HEAD) - 1
    commands: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.Color(0.6, 0.6, 0.6)),
        ("BACKGROUND", (0, 0), (-1, 0), colors.Color(0.93, 0.93, 0.93)),
        ("FONTNAME", (0, 0), (-1, -1), REGULAR),  # otherwise Helvetica, which is not embedded
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    commands += [("SPAN", (1, row), (last, row)) for row in gaps]
    return TableStyle(commands)


def _cells(line: Line, papers: PaperWords) -> tuple[object, ...]:
    if isinstance(line, Gap):
        return _numbers(line), line.why, "", "", "", "", ""
    entered = datetime.fromisoformat(line.entered_at).astimezone(VIETNAM)
    code = grouped(line.id_code)
    return (
        f"{line.number:02d}",
        f"{entered:%d/%m/%Y}",
        line.applicant,
        papers(line.paper),
        line.copies,
        line.officer or "Kiosk, chờ cán bộ kiểm tra",
        f"{code} ({VOID_WORDS[line.void]})" if line.void else code,
    )


def _with_book(line: Line, papers: PaperWords) -> tuple[object, ...]:
    if isinstance(line, Gap):
        return "", _numbers(line), "", "", "", "", "", "", line.why
    *cells, _ = _cells(line, papers)
    return line.book, *cells, grouped(line.id_code), VOID_WORDS[line.void] if line.void else ""


def _numbers(gap: Gap) -> str:
    return f"{gap.first:02d}" if gap.first == gap.last else f"{gap.first:02d} đến {gap.last:02d}"
