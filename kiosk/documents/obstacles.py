"""What hides or doubles parts of a page: glare, a corner that is missing, fingers, a second sheet.

All of it is larger than letters, so it is looked for on a small picture. Sizes are millimetres of
the paper. Runs in the document child only (OpenCV).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.documents.cleanup import Pixels, skew_of, spikiness
from kiosk.documents.upright import print_points, print_size
from kiosk.failures import Fault

_DPI = 50
_MM = _DPI / 25.4
_GLARE_LEVEL, _GLARE_SPREAD = 250, 2.0  # a lamp's mirror image is white without any grain
_GLARE_AREA, _GLARE_SHARE = 250.0, 0.4  # mm²; a page that is white all over is well lit
_PAPER_BELOW_GLARE = 12
_CORNER_LEG, _CORNER_STEP = 20.0, 30  # mm along both sides, levels darker than the paper beside it
_CORNER_TOLERANCE = 18  # levels within the missing corner
_TRIANGLE = (0.35, 0.65)  # of the rectangle around it
_SKIN_HUE, _SKIN_COLOUR = (2, 15), 62  # OpenCV's: degrees by two, 0 to 255
_FINGER_WIDTH, _FINGER_AREA = 8.0, 250.0
_EDGE_LENGTH = 0.45  # of the shorter side
_UNBROKEN = 17  # pixels; a word has gaps
_EDGE_ASKEW = 2.3  # degrees; perspective alone bends a page by less
_PRINT_ASKEW = 1.8
_CLEARER = 1.5  # so much spikier along its own lines
_SIDE_POINTS = 700

Gray = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


def findings(page: Pixels, dpi: int) -> tuple[Fault, ...]:
    """PAGE_FINGERS, PAGE_CUT, PAGE_GLARE, PAGE_TWO_SHEETS: what is seen on an RGB scan."""
    small = cv2.resize(page, None, fx=_DPI / dpi, fy=_DPI / dpi, interpolation=cv2.INTER_AREA)
    gray = np.asarray(cv2.medianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), 3), np.uint8)
    cut = lacks_corner(gray)
    seen = {
        Fault.PAGE_FINGERS: has_fingers(small),
        Fault.PAGE_CUT: cut,
        Fault.PAGE_GLARE: has_glare(small),
        # A missing corner has a slanting edge, too.
        Fault.PAGE_TWO_SHEETS: not cut and is_two_sheets(gray, page),
    }
    return tuple(fault for fault, there in seen.items() if there)


def has_glare(small: Pixels) -> bool:
    """A white spot without grain on paper that is darker."""
    lowest = np.asarray(small.min(axis=2), np.float32)
    mean = cv2.blur(lowest, (5, 5))
    spread = np.sqrt(np.maximum(cv2.blur(lowest * lowest, (5, 5)) - mean * mean, 0))
    white = ((mean >= _GLARE_LEVEL) & (spread <= _GLARE_SPREAD)).astype(np.uint8)
    largest = max((area for area, *_ in _blobs(white)), default=0.0)
    paper = float(np.percentile(lowest[white == 0], 75)) if (white == 0).any() else 255.0
    page = white.size / _MM**2
    spot = _GLARE_AREA <= largest <= _GLARE_SHARE * page
    return spot and paper <= _GLARE_LEVEL - _PAPER_BELOW_GLARE


def lacks_corner(gray: Gray) -> bool:
    """A triangle in a corner, evenly darker than the paper beside it: folded over or cut off."""
    return any(_corner_is_missing(turned) for turned in _all_corners(gray))


def _all_corners(gray: Gray) -> Iterator[Gray]:
    """``gray`` four times, each time with another corner at its upper left."""
    for rows in (1, -1):
        for columns in (1, -1):
            yield np.ascontiguousarray(gray[::rows, ::columns])


def _corner_is_missing(gray: Gray) -> bool:
    mask = np.zeros((gray.shape[0] + 2, gray.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    tolerance = (_CORNER_TOLERANCE,)
    area, *_ = cv2.floodFill(gray, mask, (3, 3), (0,), tolerance, tolerance, flags)
    corner = mask[1:-1, 1:-1]
    rows, columns = np.nonzero(corner)
    high, wide = int(rows.max()) + 1, int(columns.max()) + 1
    if (
        min(high, wide) < _CORNER_LEG * _MM
        or not _TRIANGLE[0] < area / (high * wide) < _TRIANGLE[1]
    ):
        return False
    beside = cv2.dilate(corner, np.ones((9, 9), np.uint8)) - cv2.dilate(
        corner, np.ones((5, 5), np.uint8)
    )
    around = gray[beside > 0]
    return (
        bool(len(around))
        and float(np.median(around)) - float(np.median(gray[corner > 0])) >= _CORNER_STEP
    )


def has_fingers(small: Pixels) -> bool:
    """Skin, as wide as a finger, that comes in from an edge."""
    colours = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 1.5), cv2.COLOR_RGB2HSV)
    low, high = (_SKIN_HUE[0], _SKIN_COLOUR, 60), (_SKIN_HUE[1], 200, 255)
    skin = cv2.inRange(colours, low, high)
    width = round(_FINGER_WIDTH * _MM)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    thick = cv2.morphologyEx(skin, cv2.MORPH_OPEN, disc)
    return any(area >= _FINGER_AREA and at_edge for area, at_edge in _blobs(thick))


def _blobs(mask: Pixels) -> Iterator[tuple[float, bool]]:
    """Area in mm² of each, and whether it reaches an edge of the picture."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    near = round(2 * _MM)
    for left, top, width, height, area in stats[1:count].tolist():
        right, bottom = mask.shape[1] - left - width, mask.shape[0] - top - height
        yield area / _MM**2, min(left, top, right, bottom) <= near


def is_two_sheets(gray: Gray, page: Pixels) -> bool:
    """A long edge that lies askew to the print, or with print askew to each other beside it."""
    x, y = print_points(page)
    if len(x) < 2 * _SIDE_POINTS:
        return False
    shrink = gray.shape[1] / print_size(page)[0]
    whole = skew_of(x, y)
    return any(
        abs(_askew(line) - whole) > _EDGE_ASKEW
        or any(_is_askew(*side, whole) for side in _beside(line, x * shrink, y * shrink))
        for line in _long_edges(gray)
    )


def _long_edges(gray: Gray) -> list[list[int]]:
    """Straight edges, the longest first: x, y of both ends. Print is closed over."""
    lines: list[list[int]] = []
    least = _EDGE_LENGTH * min(gray.shape)
    for kernel in (np.ones((1, _UNBROKEN), np.uint8), np.ones((_UNBROKEN, 1), np.uint8)):
        without_print = cv2.morphologyEx(gray, cv2.MORPH_CLOSE, kernel)
        edges = cv2.Canny(without_print, 20, 60)
        found = cv2.HoughLinesP(edges, 1, math.pi / 720, 50, minLineLength=least, maxLineGap=8)
        lines += [] if found is None else np.asarray(found, np.int64).reshape(-1, 4).tolist()
    return sorted(lines, key=lambda line: -math.dist(line[:2], line[2:]))[:8]


def _askew(line: list[int]) -> float:
    """How much ``line`` rises to the right, or leans as a page's side does when lines rise so."""
    across, down = line[2] - line[0], line[3] - line[1]
    return (math.degrees(math.atan2(-down, across)) + 45) % 90 - 45


def _beside(line: list[int], x: Points, y: Points) -> Iterator[tuple[Points, Points]]:
    """The print on either side of ``line``, where there is enough of it."""
    left, top, right, bottom = line
    beyond = (right - left) * (y - top) - (bottom - top) * (x - left) > 0
    for side in (beyond, ~beyond):
        if np.count_nonzero(side) >= _SIDE_POINTS:
            yield x[side], y[side]


def _is_askew(x: Points, y: Points, whole: float) -> bool:
    """Whether this part of the print has clear lines, but not those of the whole page."""
    own = skew_of(x, y)
    if abs(own - whole) <= _PRINT_ASKEW:
        return False
    return spikiness(x, y, own) > _CLEARER * spikiness(x, y, whole)
