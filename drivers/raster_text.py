"""Text as one-bit pictures: receipt printers' own code pages drop Vietnamese letters.

Sizes are dots of a thermal head with 8 dots a millimetre (203 dpi).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_EDGE = 6  # blank dots left and right, so that no glyph's overhang is cut off
_PITCH = 1.42  # distance of lines, in multiples of the size: marks never touch a descender
_ABOVE = 0.18  # room over the ascender for stacked capitals (Ẫ), in multiples of the size
_INK = 128  # grey level from which a dot is burnt


def body_size(width_dots: int) -> int:
    """Font size of body text, dots: x-height 3 mm on 80 mm paper, 2.4 mm on 58 mm paper."""
    return 46 if width_dots >= 500 else 36


def draw_text(
    text: str, width_dots: int, size: int, *, bold: bool = False, centred: bool = False
) -> Image:
    """``text`` wrapped to the width, as a picture of mode "1" (white paper).

    Breaks at line feeds and spaces (not at no-break spaces); in a word that is too long, after a
    hyphen, slash or full stop; in a longer one anywhere. An empty text is a blank line.
    """
    from PIL import Image, ImageDraw

    font = _font("Bold" if bold else "Medium", size)
    rows = unicodedata.normalize("NFC", text).split("\n")
    lines = [line for row in rows for line in wrap(row, font, width_dots - 2 * _EDGE)]
    pitch, above = round(size * _PITCH), round(size * _ABOVE)
    page = Image.new("L", (width_dots, pitch * len(lines) + above), 255)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        left = (width_dots - font.getlength(line)) // 2 if centred else _EDGE
        draw.text((left, above + number * pitch), line, fill=0, font=font)
    # A plain threshold: the printer library would dither the soft edges of the letters.
    return page.point(lambda level: 255 if level >= _INK else 0).convert("1")


def wrap(text: str, font: FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        for glue, piece in _pieces(word, font, width):
            longer = f"{lines[-1]}{glue}{piece}" if lines[-1] else piece
            if font.getlength(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(piece)
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def _pieces(word: str, font: FreeTypeFont, width: int) -> list[tuple[str, str]]:
    """The unbreakable parts of a word, each with what joins it to the part before."""
    if font.getlength(word) <= width:
        return [(" ", word)]
    parts = re.findall(r"[^-/.]*[-/.]|[^-/.]+", word)
    if any(font.getlength(part) > width for part in parts):
        parts = list(word)
    return [(" " if index == 0 else "", part) for index, part in enumerate(parts)]


@cache
def _font(weight: str, size: int) -> FreeTypeFont:
    import fontpkg_be_vietnam_pro
    from PIL import ImageFont

    file = fontpkg_be_vietnam_pro.ROOT / "files" / f"BeVietnamPro-{weight}.ttf"
    # The basic layout is the same with and without libraqm; composed letters need no more.
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
