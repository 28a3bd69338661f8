"""The cross-page mark (dấu giáp lai): one mark cut over the right margins of all sheets.

Fanned out, each sheet a slice further right than the one above it, the slices join again. On every
cut lies the id code with the numbers of its two sheets, halved lengthwise, and lines run through
whose heights only this copy has. So a sheet that was taken out, added or put elsewhere shows.
Sheets are printed on one side. Drawn in points, origin bottom left.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from certify.drawing import BOLD, MM, Box, Placed, has_ink
from certify.numbers import grouped
from certify.statement import CopyFacts, template

SLICE = (5 * MM, 46 * MM)
_FROM_EDGE = 4.5 * MM  # as near as office printers print
_OFFSETS = [millimetres * MM for millimetres in (0, 12, -12, 24, -24, 36, -36, 48, -48)]
_INK = (0.04, 0.31, 0.33)  # not the red of a real seal
_PALE = (0.62, 0.78, 0.79)
_LINES = 7
_POINTS = 9  # of each line in each slice
_TEXT = 7.5  # points


def slice_box(sheet: tuple[float, float], offset: float) -> Box:
    """Where the slice lies on a sheet. ``offset``: of its middle from the middle of the edge."""
    left = sheet[0] - _FROM_EDGE - SLICE[0]
    return Box(left, (sheet[1] - SLICE[1]) / 2 + offset, *SLICE)


def find_offset(sheets: Sequence[Placed]) -> float:
    """The height, the same for all sheets, at which the fewest have ink under the mark.

    Raises CertifyError (PAGE_UNREADABLE).
    """

    def in_the_way(offset: float) -> int:
        return sum(has_ink(sheet, slice_box(sheet.sheet, offset)) for sheet in sheets)

    return min(_OFFSETS, key=in_the_way)


def draw_slice(
    canvas: Canvas, sheet: tuple[float, float], facts: CopyFacts, page: int, of: int, offset: float
) -> None:
    """The slice of sheet ``page`` (from 1) of ``of``, at least two."""
    box = slice_box(sheet, offset)
    canvas.saveState()
    # Multiplied with what is there, as the watermark: should there be ink, it stays readable.
    canvas.setBlendMode("Multiply")
    canvas.addLiteral("/Artifact BMC")
    canvas.translate(box.left, box.bottom)
    path = canvas.beginPath()
    path.rect(0, 0, box.width, box.height)
    canvas.clipPath(path, stroke=0, fill=0)
    _draw_lines(canvas, facts, page)
    _draw_frame(canvas, first=page == 1, last=page == of)
    if page > 1:
        _draw_cut(canvas, 0, facts, page - 1)
    if page < of:
        _draw_cut(canvas, box.width, facts, page)
    canvas.addLiteral("EMC")
    canvas.restoreState()


def line_height(facts: CopyFacts, line: int, slices: float) -> float:
    """Of a line, in points over the mark's foot, ``slices`` to the right of its beginning."""
    seed = hashlib.sha256(f"{facts.id_code} {line}".encode()).digest()
    turns, phase = 0.6 + seed[0] / 256, 2 * math.pi * seed[1] / 256
    middle = SLICE[1] * (line + 0.5) / _LINES
    return middle + SLICE[1] / _LINES * math.sin(2 * math.pi * turns * slices / 2 + phase)


def _draw_lines(canvas: Canvas, facts: CopyFacts, page: int) -> None:
    canvas.setStrokeColorRGB(*_PALE)
    canvas.setLineWidth(0.7)
    places = [step / (_POINTS - 1) for step in range(_POINTS)]
    for line in range(_LINES):
        curve = [(x * SLICE[0], line_height(facts, line, page - 1 + x)) for x in places]
        canvas.lines([(*start, *end) for start, end in pairwise(curve)])


def _draw_frame(canvas: Canvas, *, first: bool, last: bool) -> None:
    width, height = SLICE
    canvas.setStrokeColorRGB(*_INK)
    canvas.setLineWidth(1.6)  # half of it is cut away
    canvas.lines([(0, 0, width, 0), (0, height, width, height)])
    ends = [(x, 0, x, height) for x, there in ((0, first), (width, last)) if there]
    canvas.lines(ends)


def _draw_cut(canvas: Canvas, x: float, facts: CopyFacts, page: int) -> None:
    """What is written along the cut at ``x`` between sheets ``page`` and the next."""
    words = template()["cross-page"]
    text = words.format(id_code=grouped(facts.id_code), page=page, next=page + 1)
    room = SLICE[1] - 4 * MM
    size = _TEXT * min(1, room / pdfmetrics.stringWidth(text, BOLD, _TEXT))
    canvas.saveState()
    canvas.translate(x, SLICE[1] / 2)
    canvas.rotate(90)
    canvas.setFillColorRGB(*_INK)
    canvas.setFont(BOLD, size)
    canvas.drawCentredString(0, -0.36 * size, text)
    canvas.restoreState()
