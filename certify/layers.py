"""The lean profile: a page as paper and ink (mixed raster content), a fifth of its JPEG or less.

Ink, whatever its colour, is a mask of one bit a pixel in CCITT group 4: lossless, and never JBIG2's
symbols, which may exchange letters that look alike. Its colours, and the paper without the ink, are
small JPEGs. Uses OpenCV; only for images that were made here.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TypeAlias

import cv2
import numpy as np
from cv2.typing import MatLike
from PIL import Image, TiffImagePlugin

from certify.pages import Layers, SourcePage

Pixels: TypeAlias = MatLike

_INK = 0.4  # darker than the paper around it by this share, in any of red, green, blue
_INK_DPI = 300  # at 200, one bit a pixel costs letters their edges
_SPECK_MM2 = 0.02  # smaller is grain; the dot over an i has ten times as much
_PAPER_DPI, _PAPER_QUALITY = 75, 40
_COLOUR_DPI, _COLOUR_QUALITY = 50, 50
_NEAR_MM = 0.35  # paper so near to ink has its shadow
_LITTLE = 1e-3
_ROWS_PER_STRIP, _STRIP_STARTS, _STRIP_LENGTHS = 278, 273, 279  # tags of TIFF


def layered(page: SourcePage) -> SourcePage:
    """``page`` with the layers that the lean profile shows in place of its JPEG."""
    with Image.open(io.BytesIO(page.jpeg), formats=["JPEG"]) as image:
        rgb = np.asarray(image.convert("RGB"))
    enlarged = max(1.0, _INK_DPI / page.dpi)
    ink = _ink(rgb, enlarged, page.dpi * enlarged)
    seen = cv2.resize(ink, rgb.shape[1::-1], interpolation=cv2.INTER_AREA)
    near = 2 * max(1, round(_NEAR_MM * page.dpi / 25.4)) + 1
    bare = cv2.erode(1 - seen, np.ones((near, near), np.uint8))
    layers = Layers(
        paper=_jpeg(_spread(rgb, bare, _PAPER_DPI / page.dpi), _PAPER_QUALITY),
        colours=_jpeg(_spread(rgb, seen, _COLOUR_DPI / page.dpi), _COLOUR_QUALITY),
        ink=_group4(ink),
        ink_size=(ink.shape[1], ink.shape[0]),
    )
    return replace(page, layers=layers)


def _ink(rgb: Pixels, enlarged: float, dpi: float) -> Pixels:
    """1 where there is ink, 0 where there is paper, whatever the colours of both."""
    small = cv2.resize(rgb, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), 31)
    paper = cv2.resize(paper, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    red, green, blue = cv2.split(cv2.divide(rgb, paper, scale=255.0))
    light = cv2.min(cv2.min(red, green), blue)
    if enlarged > 1:
        light = cv2.resize(light, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    ink = np.less(light, 255 * (1 - _INK)).astype(np.uint8)
    return _without_specks(ink, _SPECK_MM2 * (dpi / 25.4) ** 2)


def _without_specks(ink: Pixels, least: float) -> Pixels:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    keep = (stats[:, cv2.CC_STAT_AREA] >= least).astype(np.uint8)
    keep[0] = 0
    return np.asarray(keep[labels])


def _spread(rgb: Pixels, where: Pixels, factor: float) -> Pixels:
    """The colours of the pixels in ``where``, made small and spread over what lies between them."""
    size = [max(1, round(side * min(factor, 1.0))) for side in where.shape[1::-1]]
    marked = cv2.bitwise_and(rgb, rgb, mask=where).astype(np.float32)
    weight = cv2.resize(where.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colours = cv2.resize(marked, size, interpolation=cv2.INTER_AREA)
    return np.clip(_filled(colours, weight), 0, 255).astype(np.uint8)


def _filled(colours: Pixels, weight: Pixels) -> Pixels:
    """Colours over their weights; where there is no weight, those of a smaller picture."""
    if min(weight.shape) <= 1:
        return colours / (weight[..., None] + _LITTLE)
    half = (max(1, weight.shape[1] // 2), max(1, weight.shape[0] // 2))
    far = _filled(
        cv2.resize(colours, half, interpolation=cv2.INTER_AREA).reshape(*half[::-1], 3),
        cv2.resize(weight, half, interpolation=cv2.INTER_AREA),
    )
    far = cv2.resize(far, weight.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray((colours + _LITTLE * far) / (weight[..., None] + _LITTLE))


def _jpeg(image: Pixels, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality, subsampling=0, optimize=True)
    return out.getvalue()


def _group4(ink: Pixels) -> bytes:
    """As PDF wants it: black runs are ink. libtiff codes ones as black, in one strip here."""
    out = io.BytesIO()
    picture = Image.fromarray(ink * np.uint8(255)).convert("1")
    rows = {_ROWS_PER_STRIP: ink.shape[0]}
    picture.save(out, "TIFF", compression="group4", tiffinfo=rows)
    out.seek(0)
    with TiffImagePlugin.TiffImageFile(out) as tiff:
        (start,), (length,) = tiff.tag_v2[_STRIP_STARTS], tiff.tag_v2[_STRIP_LENGTHS]
    return out.getvalue()[start : start + length]
