"""A QR code on a bright, banded or mirroring screen, read module by module.

For pictures that the decoders gave up. They part light from dark by what is around a place; here
the place of every module is known (``code_grid``), so the screen can be told from what it mirrors:

* a rolling shutter gives each row its own white, but no row another black;
* a lamp adds light: what is brighter than its row's white lies in one, and only there each module
  is judged against its neighbours.

The modules found are drawn anew, with the patterns that every code has, and given to zxing-cpp,
whose error correction says whether they are a code.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.code_finders import Light, corners, levelled, log_light
from drivers.code_grid import Bits, Grid, fit, known, outline, sampled

Gray = NDArray[np.uint8]

_LIKELY = 1.5  # of 2; right grids have 1.6 and more, wrong ones rarely over 1.5
_BORDER = 4
_LAMPS = (1.5, 1.2)  # times the white of a row
_DARK = (0.5, 0.4, 0.62)  # the same, below which a module is dark
_DRAWN = 4  # pixels a module


def drawings(gray: Gray) -> Iterator[Gray]:
    """Codes drawn anew, the likeliest first, until the caller is content: at most 56."""
    light = log_light(gray)
    for place in corners(gray):
        grid = fit(levelled(light, 3 * place.module), place)
        if grid.likeness >= _LIKELY:
            for bits in _readings(gray, grid):
                yield _drawn(bits, grid.side)


def _readings(gray: Gray, grid: Grid) -> Iterator[Bits]:
    """Dark modules; as no threshold suits all, several."""
    light = sampled(_in_whites(gray, grid), grid, _BORDER)
    beside = _against_neighbours(np.log(np.maximum(light, 0) + 0.3))
    for lamp in _LAMPS:
        lit = cv2.morphologyEx((light > lamp).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2)))
        rim = cv2.dilate(lit, np.ones((3, 3)))
        for dark in _DARK:
            yield np.where(rim > 0, beside, light < dark)[_BORDER:-_BORDER, _BORDER:-_BORDER]
    yield beside[_BORDER:-_BORDER, _BORDER:-_BORDER]


def _in_whites(gray: Gray, grid: Grid) -> Light:
    """Light with black as 0 and the white of each row as 1."""
    within = np.zeros(gray.shape, np.uint8)
    cv2.fillConvexPoly(within, outline(grid), 1)
    soft = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 0.6)
    black, middle = np.percentile(soft[within > 0], (10, 60))
    bright = np.where((within > 0) & (soft > black + max(4, 0.2 * (middle - black))), soft, np.nan)
    rows = np.flatnonzero(np.isfinite(bright).sum(axis=1) >= 5)
    if not rows.size:
        return np.zeros(gray.shape, np.float32)
    whites = np.nanmedian(bright[rows], axis=1) - black
    every = np.interp(np.arange(gray.shape[0]), rows, whites).astype(np.float32)
    white = cv2.medianBlur(every[:, None], 3)
    in_whites: Light = ((gray - black) / white).astype(np.float32)
    return in_whites


def _against_neighbours(light: Light) -> Bits:
    return light < cv2.blur(light, (3, 3))


def _drawn(bits: Bits, side: int) -> Gray:
    fixed, dark = known(side)
    modules = np.pad(np.where(fixed, dark, bits), _BORDER)
    return np.where(np.kron(modules, np.ones((_DRAWN, _DRAWN))) > 0, 0, 255).astype(np.uint8)
