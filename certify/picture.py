"""What a page of a certified copy looks like on paper: to compare a print with."""

from __future__ import annotations

import io
from dataclasses import dataclass
from threading import Lock

import pikepdf
import pypdfium2

from certify.issue import FIELDS

DPI = 200
_QUALITY = 80
_ONE_AT_A_TIME = Lock()  # PDFium is not made for threads


@dataclass(frozen=True, slots=True)
class Picture:
    """``jpeg``: gray, at DPI. ``pages``: of the whole copy. ``open_boxes``: fields (left, top,
    width, height, in pixels) that an officer may fill after the copy was printed."""

    jpeg: bytes
    pages: int
    open_boxes: tuple[tuple[int, int, int, int], ...]


def picture_of(pdf: bytes, page: int, *, inspected_later: bool) -> Picture | None:
    """Of page ``page``, from 1, of a copy that was verified; None when it has fewer."""
    with _ONE_AT_A_TIME:
        document = pypdfium2.PdfDocument(pdf)
        try:
            document.init_forms()  # otherwise the signatures are not drawn, which printers do
            pages = len(document)
            if page > pages:
                return None
            shown = document[page - 1]
            height = shown.get_height()
            image = shown.render(scale=DPI / 72, grayscale=True).to_pil()
        finally:
            document.close()
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, dpi=(DPI, DPI))
    boxes = _officers_field(pdf, page, height) if inspected_later else ()
    return Picture(out.getvalue(), pages, boxes)


def _officers_field(pdf: bytes, page: int, height: float) -> tuple[tuple[int, int, int, int], ...]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        found = [
            [float(corner) for corner in note.Rect]
            for note in document.pages[page - 1].get("/Annots", [])
            if note.get("/T") == FIELDS["officer"]
        ]
    scale = DPI / 72
    return tuple(
        (
            round(left * scale),
            round((height - top) * scale),
            round((right - left) * scale),
            round((top - bottom) * scale),
        )
        for left, bottom, right, top in found
    )
