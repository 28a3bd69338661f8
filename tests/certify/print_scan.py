"""What printing, handling and scanning do to a page; the same for the same seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from kiosk.sandbox import papers

PRINTER_DPI, SCANNER_DPI = 600, 200
_LEVELS = (0.4, 1.0)  # of papers.damage: skew, shadow, grain, focus, JPEG
_FEED = 0.012  # scanners pull paper a little faster or slower than they say
_SPECKS = 400  # on an A4 page, up to half a millimetre wide


def printed_and_scanned(page: Image.Image, seed: int) -> Image.Image:
    """``page``: rendered at 600 dpi. Gives what a scanner sees at 200 dpi."""
    random = np.random.default_rng(seed)
    ink = page.convert("L")
    if random.random() < 0.5:
        ink = ink.filter(ImageFilter.MinFilter(3))  # toner spreads by a dot
    _wear(ink, random)
    scale = SCANNER_DPI / PRINTER_DPI
    across, down = (side * scale * random.uniform(1 - _FEED, 1 + _FEED) for side in ink.size)
    scanned = ink.resize((round(across), round(down)), Image.Resampling.BOX)
    return papers.damage(scanned.convert("RGB"), random.uniform(*_LEVELS), seed)


def _wear(ink: Image.Image, random: np.random.Generator) -> None:
    """Specks of toner and of bare paper, and a fold through the page where toner has come off."""
    draw = ImageDraw.Draw(ink)
    for x, y, size, shade in _specks(ink.size, random):
        draw.ellipse((x, y, x + size, y + size), fill=255 if shade > 0.5 else 20)
    height = random.uniform(0.5, 1) * ink.height
    ends = (0, height), (ink.width, height + random.uniform(-0.03, 0.03) * ink.height)
    draw.line(ends, fill=235, width=round(0.25 / 25.4 * PRINTER_DPI))


def _specks(size: tuple[int, int], random: np.random.Generator) -> npt.NDArray[np.float64]:
    largest = 0.5 / 25.4 * PRINTER_DPI
    low, high = (0, 0, 2, 0), (*size, largest, 1)
    return random.uniform(low, high, (_SPECKS, 4))
