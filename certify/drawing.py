"""How a certified copy looks: pages at true scale, words under them, statement block, seal.

Everything is drawn by reportlab in points, origin bottom left. Only process-local tools here;
``certify.issue`` makes a document of it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import fontpkg_be_vietnam_pro
import segno
from PIL import Image, ImageFont, ImageStat
from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from certify.errors import CertifyError, Fault
from certify.numbers import grouped
from certify.pages import SourcePage
from certify.statement import CopyFacts, margin_line, statement_of, template

MM = 72 / 25.4
REGULAR, BOLD = "BeVietnamPro-Regular", "BeVietnamPro-Bold"
SEAL_MM = 30.0

A4 = (210 * MM, 297 * MM)
_BLOCK = (180 * MM, 70 * MM)
_BLOCK_BOTTOM = 12 * MM
_MARGIN_LINE = 6 * MM
_OVERHANG = 1.005  # scanners give A4 a pixel or two too much; that is no reason to shrink it
_INK_DARKER, _INK_SHARE = 45, 0.0008
_SMALL = 8  # pages are judged for ink at an eighth of their size
_GREY, _PALE = 0.35, 0.75
_EM = 256  # pixels; letters are measured so large
_LARGEST = 144.0  # points; what is read into a line or a stamp is no heading

# Base 85 would quadruple the time and add a quarter to every image.
rl_config.useA85 = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return self.left, self.bottom, self.left + self.width, self.bottom + self.height


@dataclass(frozen=True)
class Placed:
    """A page image on its A4 sheet. ``scale``: points per pixel."""

    page: SourcePage
    sheet: tuple[float, float]
    box: Box
    scale: float

    @cached_property
    def small(self) -> Image.Image:
        """Grey, at an eighth of its size. Raises CertifyError (PAGE_UNREADABLE)."""
        image = _open_jpeg(self.page.jpeg)
        image.draft("L", (self.page.width // _SMALL, self.page.height // _SMALL))
        try:
            return image.convert("L")
        except OSError:
            raise CertifyError(Fault.PAGE_UNREADABLE, "a broken JPEG") from None


def place(page: SourcePage) -> Placed:
    """A4, upright or across, at true scale; only what is larger than A4 is made smaller."""
    scale = 72 / page.dpi
    width, height = page.width * scale, page.height * scale
    sheet = (A4[1], A4[0]) if width > height and width > A4[0] * _OVERHANG else A4
    excess = max(width / sheet[0], height / sheet[1])
    if excess > _OVERHANG:
        scale, width, height = scale / excess, width / excess, height / excess
    top = min(15 * MM, (sheet[1] - height) / 2)
    box = Box((sheet[0] - width) / 2, sheet[1] - top - height, width, height)
    return Placed(page, sheet, box, scale)


def block_box(sheet: tuple[float, float]) -> Box:
    """Where the statement block goes at the foot of a sheet."""
    return Box((sheet[0] - _BLOCK[0]) / 2, _BLOCK_BOTTOM, *_BLOCK)


def has_ink(placed: Placed, area: Box) -> bool:
    """Whether anything is printed, written or read there.

    Raises CertifyError (PAGE_UNREADABLE) when the image is no JPEG.
    """
    left, bottom, right, top = area.corners
    box, scale = placed.box, placed.scale
    pixels = (
        (left - box.left) / scale,
        (box.bottom + box.height - top) / scale,
        (right - box.left) / scale,
        (box.bottom + box.height - bottom) / scale,
    )
    return _words_in(placed.page, pixels) or _dark_in(placed, pixels)


def _words_in(page: SourcePage, pixels: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = pixels
    return any(
        word.left < right
        and word.left + word.width > left
        and word.top < bottom
        and word.top + word.height > top
        for word in page.words
    )


def _dark_in(placed: Placed, pixels: tuple[float, float, float, float]) -> bool:
    """Ink is what is darker than the paper around it, whatever the colour of the paper."""
    page, grey = placed.page, placed.small
    across, down = grey.width / page.width, grey.height / page.height
    left, top = max(0, round(pixels[0] * across)), max(0, round(pixels[1] * down))
    right = min(grey.width, round(pixels[2] * across))
    bottom = min(grey.height, round(pixels[3] * down))
    if right <= left or bottom <= top:
        return False
    part = grey.crop((left, top, right, bottom))
    paper = ImageStat.Stat(part).median[0]
    dark = sum(part.histogram()[: max(0, int(paper) - _INK_DARKER)])
    return dark > _INK_SHARE * part.width * part.height


def _open_jpeg(jpeg: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    except OSError:
        raise CertifyError(Fault.PAGE_UNREADABLE, "not a JPEG") from None


def prepare_fonts() -> None:
    """Register the fonts, complete for Vietnamese, with reportlab; they are embedded as used."""
    known = pdfmetrics.getRegisteredFontNames()
    for name in (REGULAR, BOLD):
        if name not in known:
            # Only the letters that are used: each signature brings subsets of its own.
            pdfmetrics.registerFont(TTFont(name, _font_file(name), asciiReadable=False))


def _font_file(name: str) -> str:
    return str(Path(fontpkg_be_vietnam_pro.ROOT) / "files" / f"{name}.ttf")


class _Scan:
    """A JPEG as reportlab takes it from a file: its own ImageReader would decode every pixel, only
    to give the image a name."""

    def __init__(self, jpeg: bytes, name: bytes) -> None:
        _open_jpeg(jpeg)  # of what is none, reportlab would draw a picture of its own
        self._jpeg = jpeg
        self._name = hashlib.sha256(jpeg + name).hexdigest()

    def __str__(self) -> str:
        return self._name

    def jpeg_fh(self) -> io.BytesIO:
        return io.BytesIO(self._jpeg)


def draw_original(canvas: Canvas, placed: Placed) -> None:
    """The image as it was archived (its JPEG bytes untouched) or in layers, and its words,
    invisible. The mask of the layers is added when reportlab is done: it knows no such thing."""
    box, page = placed.box, placed.page
    canvas.setPageSize(placed.sheet)
    layers = page.layers
    ink = layers.ink if layers else b""  # whose colours are one object for one mask
    for jpeg in (layers.paper, layers.colours) if layers else (page.jpeg,):
        canvas.drawImage(_Scan(jpeg, ink), box.left, box.bottom, box.width, box.height)
    _draw_words(canvas, placed)


def _draw_words(canvas: Canvas, placed: Placed) -> None:
    """Each word as wide and as high as on the paper: marking and searching hit what one sees."""
    box, scale = placed.box, placed.scale
    text = canvas.beginText()
    text.setTextRenderMode(3)
    for word in placed.page.words:
        ink = _ink(word.text)
        if not ink.width or not ink.height:
            continue
        size = min(_LARGEST, max(1.0, word.height * scale / ink.height))
        stretch = word.width * scale / (ink.width * size)
        text.setFont(REGULAR, size)
        text.setHorizScale(100 * stretch)
        text.setTextOrigin(
            box.left + word.left * scale - ink.left * size * stretch,
            box.bottom + box.height - (word.top + word.height) * scale - ink.bottom * size,
        )
        text.textOut(word.text + " ")
    # The text render mode would outlive the text object and hide all that follows.
    canvas.saveState()
    canvas.drawText(text)
    canvas.restoreState()


def _ink(text: str) -> Box:
    """What is black of a word, from its origin, in parts of the font's size."""
    letters = [_letter(letter) for letter in text]
    if not letters:
        return Box(0, 0, 0, 0)
    bottom = min(letter.bottom for letter in letters)
    above = max(letter.bottom + letter.height for letter in letters)
    left, last = letters[0].left, letters[-1]
    after_last = pdfmetrics.stringWidth(text[-1], REGULAR, 1) - last.left - last.width
    width = pdfmetrics.stringWidth(text, REGULAR, 1) - left - after_last
    return Box(left, bottom, width, above - bottom)


@cache
def _letter(letter: str) -> Box:
    # Not font.getbbox: that one reaches from the origin to the baseline, also of a hyphen.
    drawn, (across, down) = _metrics().getmask2(letter, anchor="ls")
    left, top, right, bottom = drawn.getbbox() or (0, 0, 0, 0)
    return Box(
        (across + left) / _EM, -(down + bottom) / _EM, (right - left) / _EM, (bottom - top) / _EM
    )


@cache
def _metrics() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_font_file(REGULAR), _EM)


def draw_marks(canvas: Canvas, placed: Placed | None, facts: CopyFacts, page: int, of: int) -> None:
    """Watermark and margin line. ``placed`` is None on a sheet of its own."""
    sheet = placed.sheet if placed else A4
    _draw_watermark(canvas, sheet)
    strip = Box(10 * MM, 4 * MM, sheet[0] - 20 * MM, 5 * MM)
    taken = placed is not None and has_ink(placed, strip)
    baseline = sheet[1] - _MARGIN_LINE if taken else _MARGIN_LINE
    canvas.setFont(REGULAR, 7)
    canvas.setFillGray(_GREY)
    canvas.drawRightString(sheet[0] - 15 * MM, baseline, margin_line(facts, page, of))


def _draw_watermark(canvas: Canvas, sheet: tuple[float, float]) -> None:
    canvas.saveState()
    # Multiplied with what is there: paper turns a little grey, ink stays ink.
    canvas.setBlendMode("Multiply")
    canvas.setFillGray(0.91)
    canvas.translate(sheet[0] / 2, sheet[1] / 2)
    canvas.rotate(50)
    canvas.setFont(BOLD, 76)
    word = template()["watermark"]
    # Slanted letters would be read one by one; this tells readers and searches the word.
    canvas.addLiteral(f"/Span <</ActualText <FEFF{word.encode('utf-16-be').hex()}>>> BDC")
    canvas.drawCentredString(0, -26, word)
    canvas.addLiteral("EMC")
    canvas.restoreState()


def draw_block(canvas: Canvas, block: Box, facts: CopyFacts, seal_text: str) -> tuple[Box, Box]:
    """The statement block. Gives the boxes of the officer's and the agency's signature."""
    lines = statement_of(facts)
    canvas.saveState()
    canvas.translate(block.left, block.bottom)
    canvas.setStrokeGray(_GREY)
    canvas.setLineWidth(0.6)
    canvas.rect(0, 0, block.width, block.height)
    canvas.line(4 * MM, 48 * MM, block.width - 4 * MM, 48 * MM)
    canvas.setFillGray(0)
    middle = block.width / 2
    _centred(canvas, lines.title, middle, 62 * MM, BOLD, 12.5, block.width - 8 * MM)
    _centred(canvas, lines.number, middle, 56.5 * MM, REGULAR, 10.5, block.width - 8 * MM)
    _centred(canvas, lines.date, middle, 51.2 * MM, REGULAR, 10.5, block.width - 8 * MM)
    _draw_qr(canvas, seal_text, 6 * MM, 13 * MM, SEAL_MM * MM)
    code_width = 34 * MM
    _centred(canvas, grouped(facts.id_code), 21 * MM, 7.6 * MM, BOLD, 9, code_width)
    officer = _signature_column(
        canvas, 41 * MM, lines.officer_heading, facts.officer_title, facts.officer
    )
    agency = _signature_column(canvas, 110.5 * MM, lines.agency_heading, "", facts.agency)
    canvas.setFillGray(_GREY)
    _centred(canvas, lines.note, 108 * MM, 2.6 * MM, REGULAR, 7, 132 * MM)
    canvas.restoreState()
    return (
        Box(
            block.left + officer.left, block.bottom + officer.bottom, officer.width, officer.height
        ),
        Box(block.left + agency.left, block.bottom + agency.bottom, agency.width, agency.height),
    )


def _signature_column(canvas: Canvas, left: float, heading: str, title: str, name: str) -> Box:
    width = 66.5 * MM
    middle = left + width / 2
    box = Box(left + 2 * MM, 14 * MM, width - 4 * MM, 23 * MM)
    canvas.setFillGray(0)
    _centred(canvas, heading, middle, 43.2 * MM, BOLD, 8.5, width)
    _centred(canvas, title, middle, 39 * MM, REGULAR, 8, width)
    _centred(canvas, name, middle, 8.2 * MM, BOLD, 9.5, width)
    canvas.setStrokeGray(_PALE)
    canvas.setLineWidth(0.4)
    canvas.rect(box.left, box.bottom, box.width, box.height)
    return box


def _centred(
    canvas: Canvas, text: str, x: float, y: float, font: str, size: float, width: float
) -> None:
    """One line, smaller when it would not fit."""
    natural = pdfmetrics.stringWidth(text, font, size)
    canvas.setFont(font, size * min(1, width / natural) if natural else size)
    canvas.drawCentredString(x, y, text)


def _draw_qr(canvas: Canvas, text: str, left: float, bottom: float, size: float) -> None:
    """The seal as vectors, which any printer resolution keeps square; the quiet zone is white."""
    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix]
    module = size / len(rows)
    quiet = 4 * module
    canvas.setFillGray(1)
    canvas.rect(left - quiet, bottom - quiet, size + 2 * quiet, size + 2 * quiet, stroke=0, fill=1)
    canvas.setFillGray(0)
    path = canvas.beginPath()
    for index, row in enumerate(rows):
        y = bottom + size - (index + 1) * module
        for start, length in _runs(row):
            path.rect(left + start * module, y, length * module, module)
    canvas.drawPath(path, stroke=0, fill=1)


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    runs: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if not dark:
            continue
        if runs and sum(runs[-1]) == x:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((x, 1))
    return runs


def draw_added_sheet(
    canvas: Canvas, facts: CopyFacts, seal_text: str, originals: int
) -> tuple[Box, Box]:
    """The statement on a sheet of its own, when the original leaves no room for it."""
    canvas.setPageSize(A4)
    canvas.setFont(REGULAR, 9)
    canvas.setFillGray(_GREY)
    top = A4[1] - 20 * MM
    canvas.drawCentredString(A4[0] / 2, top, template()["added"].format(pages=f"{originals:02d}"))
    block = Box((A4[0] - _BLOCK[0]) / 2, top - 8 * MM - _BLOCK[1], *_BLOCK)
    return draw_block(canvas, block, facts, seal_text)


def appearance(lines: Sequence[tuple[str, str]], width: float, height: float) -> bytes:
    """A one-page PDF of up to three lines, label and value: how a signature looks in its box."""
    prepare_fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, height), initialFontName=REGULAR)
    step = height / 3.6
    for index, (label, value) in enumerate(lines):
        y = height - (index + 0.95) * step
        canvas.setFillGray(_GREY)
        canvas.setFont(REGULAR, 6.5)
        canvas.drawString(2.5 * MM, y, label)
        canvas.setFillColorRGB(0.04, 0.31, 0.33)
        room = width - 26 * MM
        natural = pdfmetrics.stringWidth(value, BOLD, 8)
        canvas.setFont(BOLD, 8 * min(1, room / natural) if natural else 8)
        canvas.drawString(23.5 * MM, y, value)
    canvas.save()
    return out.getvalue()
