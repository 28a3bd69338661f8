"""The register book of a year to keep or to hand over: CSV for machines, PDF for the shelf.

Every number stands in it: what has none of its own line is told in a line of its gap.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from certify import drawing
from certify.numbers import grouped
from kiosk.portal.catalogue import Catalogue
from kiosk.portal.gaps import Gap, Why, gaps
from kiosk.portal.inspections import revoked_among
from kiosk.portal.register import Entry, Register
from kiosk.portal.statistics import table
from kiosk.portal.store import LISTED, Store
from kiosk.portal.times import shown

_HEAD = ("Số", "Ngày", "Người yêu cầu", "Giấy tờ", "Số bản", "Người ký", "Mã định danh", "Ghi chú")
_WIDTHS = (46, 62, 120, 150, 34, 110, 100, 130)  # points, of 782 between the margins of A4
_MARGIN = 30
_GAPS = {
    Why.OPEN: "Đang ở máy {kiosk}, dùng được đến {until}",
    Why.BURNED: "Máy {kiosk} đã dùng cho bản sao không hoàn tất hoặc hồ sơ chưa về",
    Why.LAPSED: "Không dùng: lô số của máy {kiosk} hết hạn {until}, không cấp lại",
    Why.UNEXPLAINED: "Chưa rõ lý do",
}
_REVOKED = "Bản sao đã bị thu hồi"

Line = tuple[str, ...]
"""A cell for each column of the head."""


class Book:
    """``year`` of the book, from the tables as they are now."""

    def __init__(self, store: Store, register: Register, catalogue: Catalogue, year: int) -> None:
        self._store = store
        self._register = register
        self._catalogue = catalogue
        self._year = year

    def as_csv(self) -> Iterator[str]:
        return table(_HEAD, self.lines())

    def as_pdf(self) -> bytes:
        """A4 across, the head on each page."""
        from reportlab.lib import colors, pagesizes
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate

        drawing.prepare_fonts()
        text = ParagraphStyle("cell", fontName=drawing.REGULAR, fontSize=7.5, leading=9.5)
        bold = ParagraphStyle("head", text, fontName=drawing.BOLD)
        title = ParagraphStyle("title", bold, fontSize=13, leading=20)

        def cells(line: Iterable[str], style: ParagraphStyle) -> list[Paragraph]:
            return [Paragraph(escape(cell), style) for cell in line]

        rows = [cells(_HEAD, bold), *(cells(line, text) for line in self.lines())]
        style = [("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        out = io.BytesIO()
        name = f"Sổ chứng thực bản sao {self._register.book(self._year)}"
        document = SimpleDocTemplate(
            out,
            pagesize=pagesizes.landscape(pagesizes.A4),
            title=name,
            initialFontName=drawing.REGULAR,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=_MARGIN,
            bottomMargin=_MARGIN,
        )
        document.build(
            [Paragraph(escape(name), title), LongTable(rows, _WIDTHS, repeatRows=1, style=style)]
        )
        return out.getvalue()

    def lines(self) -> Iterator[Line]:
        """In the order of the numbers."""
        missing = gaps(self._store, self._year)
        for entry, revoked in self._entries():
            while missing and missing[0].first < entry.number:
                yield _gap_line(missing.pop(0))
            yield self._line(entry, _REVOKED if revoked else "")
        yield from map(_gap_line, missing)

    def _entries(self) -> Iterator[tuple[Entry, bool]]:
        """Each with whether its copy was revoked."""
        after = 0
        while page := self._register.entries(self._year, after):
            revoked = revoked_among(self._store, [entry.dossier for entry in page])
            yield from ((entry, entry.dossier in revoked) for entry in page)
            after = page[-1].number
            if len(page) < LISTED:
                return

    def _line(self, entry: Entry, note: str) -> Line:
        return (
            f"{entry.number:02d}",
            shown(entry.entered_at),
            entry.applicant,
            self._catalogue.papers(entry.paper.split(", ")),
            str(entry.copies),
            entry.officer,
            grouped(entry.id_code),
            note,
        )


def _gap_line(gap: Gap) -> Line:
    number = f"{gap.first:02d}" if gap.first == gap.last else f"{gap.first:02d}-{gap.last:02d}"
    why = _GAPS[gap.why].format(kiosk=gap.kiosk_id, until=shown(gap.expires))
    return (number, "", "", "", "", "", "", why)
