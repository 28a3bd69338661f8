"""From a scan to two images of one page: the page to keep and the page to read.

The kept page is turned upright, trimmed and brightened, nothing else: it must look like the paper,
red stamp and all. The page to read loses stamp, shadows and rules so that only letters remain.
Images are NumPy arrays, 8 bits, RGB or gray. Runs in the document child only (OpenCV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

Pixels = MatLike

MAX_SKEW = 10.0  # degrees
_LEAST_SKEW = 0.08  # below this, turning blurs more than it straightens
SKEW_WIDTH = 900  # pixels; wide enough for a twentieth of a degree
_WHITE = 245  # where exposure puts the paper
_MOST_GAIN = 1.6
_RULE_MM = 18.0  # no letter has a stroke this long
_GRAIN_MM = 0.13
_STAMP_LEVEL = 175.0  # red channel, paper at 255: stamp ink lies above, printed red below
_STAMP_SOFTNESS = 20.0
_READING_DPI = (200, 300)  # below, marks over letters melt; above, only the time grows
_SMALL_PRINT_MM = 1.55  # height of letters without stems or marks; 9 points and more are higher
_LETTER_MM = (1.1, 5.0)  # smaller are dots and marks


@dataclass(frozen=True, slots=True)
class CleanPage:
    """``kept`` (RGB) and ``letters`` (gray, of ``letters_dpi``) show the same, pixel for pixel when
    both have one resolution; ``angle``: turned by, degrees."""

    kept: Pixels
    letters: Pixels
    letters_dpi: int
    angle: float


def clean(page: Pixels, dpi: int) -> CleanPage:
    """Both images of the RGB scan ``page``."""
    # The red channel, where red ink is bright. Flattened before the turn, which adds false edges.
    letters = flatten(cv2.extractChannel(page, 0))
    angle = skew(page)
    if abs(angle) < _LEAST_SKEW:
        kept, angle = page, 0.0
    else:
        paper = np.percentile(page[::8, ::8].reshape(-1, 3), 75, axis=0).tolist()
        kept, letters = _turn(page, angle, paper), _turn(letters, angle, [255.0])
        rows, columns = _without_blank_surplus(letters, page.shape[1], page.shape[0])
        kept, letters = kept[rows, columns], letters[rows, columns]
    letters, letters_dpi = sized_for_reading(letters, dpi)
    return CleanPage(_exposed(kept), _for_reading(letters, letters_dpi), letters_dpi, angle)


def skew(page: Pixels) -> float:
    """By how many degrees the lines rise to the right; 0 when there are no lines to tell.

    The projection of all ink onto the vertical is spikiest when lines are level.
    """
    x, y = ink_points(page)
    return skew_of(x, y) if len(x) >= 200 else 0.0


def skew_of(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """The same of points of ink."""
    level = spikiness(x, y, 0.0)
    best, step = 0.0, 0.5
    angles = np.arange(-MAX_SKEW, MAX_SKEW + step, step)
    for _ in range(3):
        best = max(angles, key=lambda angle: spikiness(x, y, float(angle)))
        angles = best + np.linspace(-step, step, 11)
        step /= 5
    return float(best) if spikiness(x, y, float(best)) > 1.02 * level else 0.0


def flatten(gray: Pixels) -> Pixels:
    """``gray`` divided by its background: shadows and tinted paper become white."""
    small = cv2.resize(gray, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.dilate(small, np.ones((9, 9), np.uint8))
    paper = cv2.medianBlur(paper, 31)
    background = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.divide(gray, background, scale=255.0)


def sized_for_reading(letters: Pixels, dpi: int) -> tuple[Pixels, int]:
    """A flattened page as large as it must be to be read well, and its resolution.

    Tesseract scales every line to 36 pixels, so more than 200 dpi gains nothing but in small print.
    """
    least, most = _READING_DPI
    sized = _resized(letters, least / dpi)
    if dpi > least and _has_small_print(sized, least):
        best = min(dpi, most)
        return _resized(letters, best / dpi), best
    return sized, least


def shrunk(page: Pixels, width: int) -> Pixels:
    """``page`` at most ``width`` pixels wide."""
    while page.shape[1] >= 2 * width:  # OpenCV halves six times as fast as it shrinks
        page = cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    if page.shape[1] <= width:
        return page
    height = max(1, round(page.shape[0] * width / page.shape[1]))
    return cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA)


def _resized(image: Pixels, factor: float) -> Pixels:
    if factor == 1:
        return image
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=method)


def _has_small_print(letters: Pixels, dpi: int) -> bool:
    """Whether a fifth of the letters or more are low: print of 8 points or less."""
    _, ink = cv2.threshold(letters, 127, 255, cv2.THRESH_BINARY_INV)
    outlines, nesting = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return False
    # Those within another one are the holes of an o.
    shapes = [shape for shape, place in zip(outlines, nesting[0], strict=True) if place[3] < 0]
    heights = np.array([cv2.boundingRect(shape)[3] for shape in shapes]) * 25.4 / dpi
    heights = heights[(heights >= _LETTER_MM[0]) & (heights <= _LETTER_MM[1])]
    return bool(len(heights)) and float(np.quantile(heights, 0.2)) < _SMALL_PRINT_MM


def ink_points(page: Pixels) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Columns and rows of about 30,000 dark points of the RGB scan, made SKEW_WIDTH wide."""
    gray = flatten(shrunk(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), SKEW_WIDTH))
    y, x = np.nonzero(gray < 140)
    every = max(1, len(x) // 30_000)
    return x[::every].astype(np.float64), y[::every].astype(np.float64)


def spikiness(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], degrees: float) -> float:
    """Of the projection along lines that rise to the right by ``degrees``."""
    turn = math.radians(degrees)
    heights = y * math.cos(turn) + x * math.sin(turn)
    profile = np.bincount((heights - heights.min()).astype(np.int64))
    return float(np.square(np.diff(profile)).sum())


def _turn(image: Pixels, degrees: float, fill: list[float]) -> Pixels:
    """``image`` turned, on a sheet large enough to cut nothing off."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    sine, cosine = abs(matrix[0, 1]), abs(matrix[0, 0])
    wide = math.ceil(width * cosine + height * sine)
    high = math.ceil(height * cosine + width * sine)
    matrix[:, 2] += ((wide - width) / 2, (high - height) / 2)
    return cv2.warpAffine(image, matrix, (wide, high), flags=cv2.INTER_CUBIC, borderValue=fill)


def _without_blank_surplus(letters: Pixels, width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns to keep: ``width`` by ``height``, or more where ink would be lost."""
    ink = np.less(letters, 110)
    return (
        _span(np.any(ink, axis=1), letters.shape[0] - height),
        _span(np.any(ink, axis=0), letters.shape[1] - width),
    )


def _span(inked: npt.NDArray[np.bool_], surplus: int) -> slice:
    """Cut half of ``surplus`` on either side, but never into ink."""
    places = np.nonzero(inked)[0]
    first, last = (int(places[0]), int(places[-1])) if len(places) else (len(inked), -1)
    before = min(surplus // 2, first)
    after = min(surplus - surplus // 2, len(inked) - 1 - last)
    return slice(before, len(inked) - after)


def _exposed(page: Pixels) -> Pixels:
    """``page`` with its paper near white; one gain for all colours, so hues stay."""
    paper = float(np.percentile(shrunk(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), 400), 90))
    gain = min(_WHITE / max(paper, 1.0), _MOST_GAIN)
    return cv2.convertScaleAbs(page, alpha=gain) if gain > 1 else page


def _for_reading(letters: Pixels, dpi: int) -> Pixels:
    """Grain smoothed, long dark runs divided out, stamp ink to white and print to black."""
    smooth = cv2.GaussianBlur(letters, (0, 0), _GRAIN_MM * dpi / 25.4)
    length = max(9, round(_RULE_MM * dpi / 25.4))
    # Closing keeps only what is dark for longer than its kernel: rules, frames, folds.
    across = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((1, length), np.uint8))
    down = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((length, 1), np.uint8))
    rules = np.maximum(np.minimum(across, down), 1)
    return cv2.LUT(cv2.divide(smooth, rules, scale=255.0), _stamp_curve())


def _stamp_curve() -> npt.NDArray[np.uint8]:
    """A steep S: stamp ink to white, printed letters, red ones too, to black."""
    level = np.arange(256)
    curve = 255 / (1 + np.exp((_STAMP_LEVEL - level) / _STAMP_SOFTNESS))
    return np.asarray(np.rint(curve), np.uint8)
