"""PDF to PWG raster, in a child: a PDF renderer is native code that meets other people's files."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

from drivers import pwg_raster
from drivers.contract import DeviceError, Fault
from drivers.wire import Blob

_POINTS = {"mm": 72 / 25.4, "in": 72.0}


def paper_points(media: str) -> tuple[int, int]:
    """Width and height in 1/72 inch of a PWG 5101.1 name. Raises ValueError."""
    found = re.search(r"_(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(mm|in)$", media)
    if not found:
        raise ValueError(f"{media!r}: expected a name such as iso_a4_210x297mm")
    factor = _POINTS[found[3]]
    return round(float(found[1]) * factor), round(float(found[2]) * factor)


class Rasterizer:
    """Child side."""

    def count(self, pdf: Blob) -> int:
        """Pages. Raises DeviceError (PRINTER_REFUSED) for what is no PDF."""
        with _opened(pdf) as document:
            return len(document)

    def render(
        self, pdf: Blob, media: str, dpi: int, *, colour: bool, sides: str, back: str
    ) -> Blob:
        """``back``: the printer's pwg-raster-document-sheet-back."""
        duplex, tumble = sides != "one-sided", sides == "two-sided-short-edge"
        points = paper_points(media)
        size = (round(points[0] * dpi / 72), round(points[1] * dpi / 72))
        pages = []
        with _opened(pdf) as document:
            for number in range(len(document)):
                turned = _transform(back, tumble=tumble) if duplex and number % 2 else (1, 1)
                pages.append(_page(document[number], size, dpi, turned, colour=colour))
        return Blob.of(pwg_raster.encode(pages, pwg_raster.Sheet(media, points, duplex, tumble)))


def _opened(pdf: Blob) -> Any:
    """A context that gives the document."""
    import pypdfium2

    try:
        return closing(pypdfium2.PdfDocument(pdf.read()))
    except pypdfium2.PdfiumError:
        raise DeviceError(Fault.PRINTER_REFUSED, "no PDF", retryable=False) from None


def _page(
    page: Any, size: tuple[int, int], dpi: int, turned: tuple[int, int], *, colour: bool
) -> pwg_raster.Page:
    from PIL import Image, ImageOps

    rotation = 90 if page.get_width() > page.get_height() else 0
    width, height = page.get_size()
    if rotation:
        width, height = height, width
    scale = min(size[0] / width, size[1] / height)
    picture = page.render(scale=scale, rotation=rotation).to_pil().convert("RGB" if colour else "L")
    sheet = Image.new(picture.mode, size, "white")
    sheet.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    if turned[0] < 0:
        sheet = ImageOps.mirror(sheet)
    if turned[1] < 0:
        sheet = ImageOps.flip(sheet)
    return pwg_raster.Page(sheet.tobytes(), *size, 3 if colour else 1, dpi, turned)


def _transform(back: str, *, tumble: bool) -> tuple[int, int]:
    """(cross feed, feed) of a back side, PWG 5102.4 table 9."""
    if back == "flipped":
        return (-1, 1) if tumble else (1, -1)
    if back == "rotated" and not tumble:
        return (-1, -1)
    if back == "manual-tumble" and tumble:
        return (-1, -1)
    return (1, 1)
