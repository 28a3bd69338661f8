"""A page being drawn at 300 dpi, which remembers what stands where, in reading order.

Places are millimetres from the upper left corner, ``y`` of a text is its baseline; boxes are
pixels. What is drawn first is read first: in a letterhead the agency, then the state's name; in a
table row by row. Stamps, signatures and rules are not text. Pillow only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

DPI = 300
A4 = (210.0, 297.0)
INK = (26, 26, 32)
RED = (160, 24, 30)
STAMP = (205, 32, 40)
_PEN = (32, 50, 140)
_FOOT = "MẪU - giấy tờ hư cấu để thử máy, không có giá trị pháp lý"
_LIBERATION = Path("/usr/share/fonts/truetype/liberation2")
_STYLES = {
    "serif": "LiberationSerif-{}",
    "sans": "LiberationSans-{}",
    "mono": "LiberationMono-{}",
}

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Box:
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Printed text that is read in one go; ``field`` names what it says, or is empty."""

    text: str
    box: Box
    field: str

    @property
    def value(self) -> str:
        """What the field says, where its label is printed with it."""
        return self.text.rpartition(": ")[2]


@dataclass(frozen=True, slots=True)
class Style:
    points: float = 13.0
    face: str = "serif"  # serif, sans, mono (Liberation) or vietnam (Be Vietnam Pro)
    weight: str = "Regular"  # Regular, Bold, Italic, BoldItalic
    ink: Colour = INK

    @property
    def font(self) -> ImageFont.FreeTypeFont:
        return _font(self.face, self.weight, self.points)


PLAIN = Style()
BOLD = Style(weight="Bold")
ITALIC = Style(weight="Italic")


def px(millimetres: float) -> int:
    return round(millimetres * DPI / 25.4)


class Sheet:
    """``size``: width and height in millimetres."""

    def __init__(self, size: tuple[float, float] = A4, paper: Colour = (252, 251, 247)) -> None:
        self.width, self.height = size
        self.image = Image.new("RGB", (px(size[0]), px(size[1])), paper)
        self.pieces: list[Piece] = []
        self._draw = ImageDraw.Draw(self.image)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        style: Style = PLAIN,
        *,
        align: str = "l",
        field: str = "",
    ) -> float:
        """Print ``text`` left of, around or right of ``x`` (l, m, r); returns where it ends."""
        font, place, anchor = style.font, (px(x), px(y)), f"{align}s"
        self._draw.text(place, text, style.ink, font, anchor=anchor)
        left, top, right, bottom = self._draw.textbbox(place, text, font, anchor=anchor)
        box = Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
        self.pieces.append(Piece(text, box, field))
        return right * 25.4 / DPI

    def lines(self, x: float, y: float, texts: Sequence[tuple[str, Style]]) -> float:
        """Centred on ``x``, one under the other; returns the baseline of the last."""
        for index, (text, style) in enumerate(texts):
            y += style.points * 0.46 if index else 0
            self.write(x, y, text, style, align="m")
        return y

    def entry(
        self,
        x: float,
        y: float,
        label: str,
        value: str,
        *,
        field: str = "",
        end: float = 190.0,
        style: Style = PLAIN,
        value_style: Style | None = None,
    ) -> None:
        """``label: value`` on a dotted line that runs to ``end``."""
        start = self.write(x, y, f"{label}:", style) + 1.5
        strong = Style(style.points, style.face, "Bold", style.ink)
        stop = self.write(start, y, value, value_style or strong, field=field)
        for dot in range(px(stop) + 12, px(end), 12):
            self._draw.rectangle((dot, px(y) + 3, dot + 2, px(y) + 5), (120, 120, 124))

    def paragraph(
        self, x: float, y: float, text: str, width: float, style: Style = PLAIN, indent: float = 10
    ) -> float:
        """Justified, its first line indented; returns the baseline after it."""
        words, first = text.split(), True
        while words:
            left = x + (indent if first else 0)
            count = _fitting(words, style.font, px(width - (left - x)))
            row, words = words[:count], words[count:]
            self._spread(left, y, row, width - (left - x) if words else 0.0, style)
            y, first = y + style.points * 0.5, False
        return y

    def _spread(self, x: float, y: float, words: list[str], width: float, style: Style) -> None:
        """``words`` as one line of ``width``, or as wide as they are when it is 0."""
        font, text = style.font, " ".join(words)
        if not width or len(words) == 1:
            self.write(x, y, text, style)
            return
        gap = (px(width) - sum(font.getlength(word) for word in words)) / (len(words) - 1)
        at, tops, bottoms = float(px(x)), [], []
        for word in words:
            place = (round(at), px(y))
            self._draw.text(place, word, style.ink, font, anchor="ls")
            box = self._draw.textbbox(place, word, font, anchor="ls")
            tops.append(math.floor(box[1]))
            bottoms.append(math.ceil(box[3]))
            at += font.getlength(word) + gap
        box = Box(px(x), min(tops), math.ceil(at - gap), max(bottoms))
        self.pieces.append(Piece(text, box, ""))

    def table(
        self,
        x: float,
        y: float,
        widths: Sequence[float],
        rows: Sequence[Sequence[str]],
        *,
        row: float = 8.0,
        style: Style = PLAIN,
        fields: str = "",
    ) -> float:
        """Ruled, the first row its heading; a cell is the field ``fields.ROW.COLUMN``."""
        edges = [x + sum(widths[:index]) for index in range(len(widths) + 1)]
        head = Style(style.points, style.face, "Bold", style.ink)
        for number, cells in enumerate(rows):
            baseline = y + number * row + row * 0.66
            for column, cell in enumerate(cells):
                name = f"{fields}.{number}.{column}" if fields and number else ""
                middle = (edges[column] + edges[column + 1]) / 2
                left = number and len(cell) > 9
                at, align = (edges[column] + 1.5, "l") if left else (middle, "m")
                self.write(at, baseline, cell, style if number else head, align=align, field=name)
        bottom = y + row * len(rows)
        for edge in edges:
            self.line(edge, y, edge, bottom)
        for number in range(len(rows) + 1):
            self.line(x, y + number * row, edges[-1], y + number * row)
        return bottom

    def line(
        self, x: float, y: float, right: float, bottom: float, width: float = 0.3, ink: Colour = INK
    ) -> None:
        self._draw.line((px(x), px(y), px(right), px(bottom)), ink, max(1, px(width)))

    def frame(self, inset: float, width: float, ink: Colour) -> None:
        edge = px(inset)
        corner = (self.image.width - edge, self.image.height - edge)
        self._draw.rectangle((edge, edge, *corner), outline=ink, width=px(width))

    def box(self, x: float, y: float, width: float, height: float, ink: Colour) -> None:
        """A filled rectangle: a portrait's place, a chip."""
        self._draw.rectangle((px(x), px(y), px(x + width), px(y + height)), ink)

    def waves(self, ink: Colour) -> None:
        """Fine interlaced waves, as on security paper, pale enough to read across."""
        steps = np.arange(px(8), self.image.width - px(8), 12)
        for number, top in enumerate(range(px(12), self.image.height - px(12), 40)):
            wave = top + 26 * np.sin(steps / 82 + number * math.pi / 3)
            self._draw.line(list(zip(steps.tolist(), wave.tolist(), strict=True)), ink, 1)

    def signature(self, x: float, y: float, width: float, seed: int) -> None:
        """A pen's scribble: loops that shrink, as a hurried hand makes them."""
        random = np.random.default_rng(seed)
        turns, phase = random.uniform(3.2, 4.6), random.uniform(0, math.pi)
        t = np.linspace(0, 1, 200)
        turn = 2 * math.pi * turns * t + phase
        across = px(x) + px(width) * t + px(4) * np.cos(turn) * (1 - t)
        down = px(y) - px(7) * (1 - 0.75 * t) * np.sin(turn) + px(2) * t
        points = list(zip(across.tolist(), down.tolist(), strict=True))
        for start, end in pairwise(points):
            self._draw.line((*start, *end), _PEN, 4 if end[1] > start[1] else 7)

    def stamp(self, x: float, y: float, around: str, middle: str, seed: int = 0) -> None:
        """A round red stamp of 36 mm centred on (x, y), over whatever is there."""
        press(self.image, (px(x), px(y)), stamp_mask(around, middle), 0.92, (seed % 21) - 10)

    def foot(self, points: float = 8.5) -> None:
        """What every page of the corpus says of itself."""
        style = Style(points, "serif", "Italic")
        self.write(self.width / 2, self.height - points * 0.7, _FOOT, style, align="m")


def press(
    page: Image.Image, centre: tuple[int, int], mask: Image.Image, strength: float, turn: float
) -> None:
    """Red ink through ``mask``, so that print under it stays dark."""
    ink = mask.rotate(turn, Image.Resampling.BICUBIC).point(lambda value: round(value * strength))
    layer = Image.new("RGB", ink.size, (255, 255, 255))
    layer.paste(Image.new("RGB", ink.size, STAMP), (0, 0), ink)
    left, top = centre[0] - ink.width // 2, centre[1] - ink.height // 2
    place = (left, top, left + ink.width, top + ink.height)
    page.paste(ImageChops.multiply(page.crop(place), layer), place)


@cache
def stamp_mask(around: str, middle: str, side: int = px(36)) -> Image.Image:
    """Two rings, letters between them, a word in the middle: white where there is ink."""
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    for inset, width in ((6, 8), (22, 3), (92, 3)):
        draw.ellipse((inset, inset, side - inset, side - inset), outline=255, width=width)
    font = _font("sans", "Bold", 7.5)
    for index, letter in enumerate(around):
        turn = 360 * index / len(around)
        tile = Image.new("L", (70, 70), 0)
        ImageDraw.Draw(tile).text((35, 35), letter, 255, font, anchor="mm")
        tile = tile.rotate(180 - turn, Image.Resampling.BICUBIC)
        angle = math.radians(turn + 90)
        at = (
            side / 2 + (side / 2 - 57) * math.cos(angle),
            side / 2 + (side / 2 - 57) * math.sin(angle),
        )
        mask.paste(255, (round(at[0] - 35), round(at[1] - 35)), tile)
    draw.text((side / 2, side / 2), middle, 255, _font("sans", "Bold", 10), anchor="mm")
    return mask


def _fitting(words: list[str], font: ImageFont.FreeTypeFont, width: int) -> int:
    """How many of ``words`` go into ``width`` pixels; at least one."""
    count = 1
    while count < len(words) and font.getlength(" ".join(words[: count + 1])) <= width:
        count += 1
    return count


@cache
def _font(face: str, weight: str, points: float) -> ImageFont.FreeTypeFont:
    """Basic layout: the same pixels with and without libraqm."""
    size = round(points * DPI / 72)
    return ImageFont.truetype(str(_file(face, weight)), size, layout_engine=ImageFont.Layout.BASIC)


def _file(face: str, weight: str) -> Path:
    if face != "vietnam":
        return _LIBERATION / f"{_STYLES[face].format(weight)}.ttf"
    import fontpkg_be_vietnam_pro as family

    return Path(family.__file__).parent / "files" / f"BeVietnamPro-{weight}.ttf"
