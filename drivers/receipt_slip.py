"""A slip as ESC/POS: text goes as raster, QR codes are drawn by the printer if it can.

Source of commands: Epson's ESC/POS command reference.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.contract import Slip, SlipCode, SlipItem, SlipRule, SlipText
from drivers.raster_text import body_size, draw_text
from drivers.receipt_presenter import present

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH_DOTS = {58: 384, 80: 576}
_QUIET_MODULES = 4  # ISO/IEC 18004: the margin of a QR code
_FEED_TO_TEAR = b"\x1bd\x06"  # ESC d 6: the last line clears the edge
_FEED_DOTS = 180  # six lines of 1/6 inch, before the tear or the cut
_START = b"\x1b@\x1da\x00"  # ESC @: defaults; GS a 0: no status bytes unasked


def render_slip(slip: Slip, width_dots: int, *, native_qr: bool = True) -> list[Image | SlipCode]:
    """What goes on paper: pictures of mode "1", ``width_dots`` wide, and codes that fit it."""
    parts = [part for item in slip.items for part in _render(item, width_dots)]
    if native_qr:
        return parts
    return [_drawn(part, width_dots) if isinstance(part, SlipCode) else part for part in parts]


def _drawn(code: SlipCode, width: int) -> Image:
    """A code as a picture, for printers that cannot draw one."""
    from PIL import Image

    matrix = _modules(code)
    small = Image.new("1", (len(matrix), len(matrix)), 255)
    small.putdata([0 if dark else 255 for row in matrix for dark in row])
    side = len(matrix) * code.module_dots
    picture = _blank(width, side)
    picture.paste(small.resize((side, side), Image.Resampling.NEAREST), ((width - side) // 2, 0))
    return picture


def _render(item: SlipItem, width: int) -> list[Image | SlipCode]:
    if isinstance(item, SlipText):
        size = round(body_size(width) * item.scale)
        return [draw_text(item.text, width, size, bold=item.bold, centred=item.centred)]
    if isinstance(item, SlipRule):
        return [_rule(width)]
    code = _fitting(item, width)
    margin = _blank(width, _QUIET_MODULES * code.module_dots)
    return [margin, code, margin]


def _fitting(code: SlipCode, width: int) -> SlipCode:
    modules = len(_modules(code)) + 2 * _QUIET_MODULES
    return replace(code, module_dots=max(1, min(code.module_dots, width // modules, 16)))


def _blank(width: int, height: int) -> Image:
    from PIL import Image

    return Image.new("1", (width, height), 255)


def _rule(width: int) -> Image:
    picture = _blank(width, 34)
    picture.paste(0, (0, 16, width, 19))
    return picture


def length_dots(parts: list[Image | SlipCode]) -> int:
    """What a slip takes from the roll."""
    return _FEED_DOTS + sum(_height(part) for part in parts)


def _height(part: Image | SlipCode) -> int:
    if isinstance(part, SlipCode):
        return len(_modules(part)) * part.module_dots
    return part.height


def _modules(code: SlipCode) -> tuple[bytearray, ...]:
    import segno

    symbol = segno.make(code.payload.encode(), error="m", micro=False, boost_error=False)
    return symbol.matrix


def encode(
    parts: list[Image | SlipCode], cutter: str = "full", present_steps: int = 0
) -> list[bytes]:
    """The commands: one chunk a part, then feed, cut and, with a presenter, push out."""
    from escpos.printer import Dummy

    chunks = [_START]
    for part in parts:
        printer = Dummy()
        if isinstance(part, SlipCode):
            printer.set(align="center")
            printer.qr(part.payload, ec=1, size=part.module_dots, native=True)
            printer.set(align="left")
        else:
            printer._raw(_raster(part))
        chunks.append(printer.output)
    printer = Dummy()
    if cutter == "none":
        printer._raw(_FEED_TO_TEAR)
    else:
        printer.cut("PART" if cutter == "partial" else "FULL")
    if present_steps:
        printer._raw(present(present_steps))
    return [*chunks, printer.output]


def _raster(picture: Image) -> bytes:
    """GS v 0. The library's own image() writes a note to stdout for every picture.

    White to the right of the ink is left out: half the bytes of a usual slip.
    """
    from PIL import ImageOps

    ink = ImageOps.invert(picture)
    box = ink.getbbox()
    ink = ink.crop((0, 0, box[2] if box else 8, picture.height))
    row_bytes = (ink.width + 7) // 8
    return b"\x1dv0\x00" + struct.pack("<HH", row_bytes, ink.height) + ink.tobytes()
