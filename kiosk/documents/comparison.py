"""Is a page of paper the page that was issued? Marks where it is not.

A print and a scan change every pixel: the sheet is turned, fed a little too fast, shaded, speckled
and folded. So the scan is laid over the issued page by features (ORB, a homography) and pulled
straight piece by piece. What then remains counts only where it is darker than all, or lighter than
all, that the issued page has within a pixel, and only when it is more than a speck of toner.

Pages are NumPy arrays, 8 bits, gray, at DPI. Runs in the document child only (OpenCV).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.documents.cleanup import Pixels, flatten

DPI = 200
"""Of both pages: the portal gives the issued one so, the scan is brought to it."""

_MOST_MARKS = 12
_FIND_SCALE = 0.5  # features are looked for at 100 dpi: noise is finer than that
_FEATURES = 4000
_CLEARER = 0.8  # a match must be so much nearer than the second best (D. Lowe, 2004)
_LEAST_MATCHES = 60  # of two pages without anything in common about 10 are found
_FITS = 4.0  # pixels of the small picture
_SCALES = (0.8, 1.25)  # a printer may fit a page to its paper
_TILE = 96  # pixels; over 12 mm paper is fed evenly
_MOST_SHIFT = 6  # pixels
_LEAST_TEXTURE = 12.0  # standard deviation; without it a tile fits everywhere
_LEAST_LIKENESS = 0.5
_EDGE = 20  # pixels; scanners lose up to 2.5 mm of a sheet, and show its shadow
_NOISE = 60  # levels; grain and JPEG at their worst stay below
_INK = 160
_SPECK = 19.0  # full pixels; half a millimetre of toner has 17 at most
_STROKE = (7, 10.0)  # pixels long, and in all: longer than a speck, so less is enough
_GAP = (7, 3.0)  # the same for ink that is missing
_THICK = 3  # pixels; a fold takes the toner off in a thinner line
_BESIDE_INK = 6  # pixels; specks that touch each other look like strokes, but stand anywhere
_REWRITTEN = (3.0, 22.0)  # full pixels that went and that came, the lesser; and both
_GLYPH = 11  # pixels; what is that near belongs to one letter
_ALONE = 30.0  # full pixels where no ink was: a comma is smaller, a digit is not
_OTHER_PAGE = 0.12  # of the ink; a name in large letters is 0.03
_WORD_GAP, _LINE_GAP, _AROUND = 40, 12, 10  # pixels: what is marked together, and how far around

Field = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """In pixels of the issued page."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``matrix`` brings the scan onto the issued page; None when it is another page. ``boxes``:
    where the two differ, in reading order, the largest _MOST_MARKS of them."""

    matrix: npt.NDArray[np.float64] | None
    boxes: tuple[Box, ...] = ()


def compare(scan: Pixels, issued: Pixels, ignored: Iterable[Box] = ()) -> Comparison:
    """``ignored``: places of the issued page where paper may look otherwise (a field that was
    signed after the print)."""
    scan, issued = flatten(scan), flatten(issued)
    matrix = _registered(scan, issued)
    if matrix is None:
        return Comparison(None)
    size = (issued.shape[1], issued.shape[0])
    aligned = cv2.warpPerspective(scan, matrix, size, flags=cv2.INTER_CUBIC, borderValue=(255.0,))
    counts = _seen(scan, matrix, size)
    for box in ignored:
        counts[box.top : box.top + box.height, box.left : box.left + box.width] = 0
    added, missing = _differing(_straightened(aligned, issued), issued)
    ink = np.less(issued, _INK).astype(np.uint8) * counts
    near = cv2.dilate(ink, np.ones((2 * _BESIDE_INK + 1,) * 2, np.uint8))
    added, missing = added * counts, missing * counts
    blobs = [*_blobs(added, near, _STROKE), *_blobs(missing, near, _GAP)]
    if sum(weight for _, weight in blobs) > _OTHER_PAGE * max(int(ink.sum()), 1):
        return Comparison(None)
    boxes = [*(box for box, _ in blobs), *_rewritten(added * near, missing)]
    return Comparison(matrix, _marks(boxes, size))


def _registered(scan: Pixels, issued: Pixels) -> npt.NDArray[np.float64] | None:
    """The homography from ``scan`` to ``issued``, when enough of them is the same."""
    source, target = _common_points(scan, issued)
    if len(source) < _LEAST_MATCHES:
        return None
    matrix, inliers = cv2.findHomography(source, target, cv2.USAC_MAGSAC, _FITS)
    if matrix is None or np.count_nonzero(inliers) < _LEAST_MATCHES:
        return None
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if not _SCALES[0] < scale < _SCALES[1]:
        return None
    grow = np.diag([1 / _FIND_SCALE, 1 / _FIND_SCALE, 1.0])
    return np.asarray(grow @ matrix @ np.linalg.inv(grow), np.float64)


def _common_points(
    scan: Pixels, issued: Pixels
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Places, in the small pictures, that look alike in both."""
    none = np.empty((0, 2), np.float32)
    finder = cv2.ORB.create(_FEATURES)
    (points, looks), (other_points, other_looks) = (
        finder.detectAndCompute(_small(page), np.empty(0, np.uint8)) for page in (scan, issued)
    )
    if looks is None or other_looks is None:  # a blank page
        return none, none
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(looks, other_looks, k=2)
    good = [
        pair[0]
        for pair in pairs
        if len(pair) == 2 and pair[0].distance < _CLEARER * pair[1].distance
    ]
    return (
        np.array([points[match.queryIdx].pt for match in good], np.float32).reshape(-1, 2),
        np.array([other_points[match.trainIdx].pt for match in good], np.float32).reshape(-1, 2),
    )


def _small(page: Pixels) -> Pixels:
    small = cv2.resize(page, None, fx=_FIND_SCALE, fy=_FIND_SCALE, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 1.0)


def _seen(scan: Pixels, matrix: npt.NDArray[np.float64], size: tuple[int, int]) -> Pixels:
    """1 where the scan shows the sheet and both have more than an edge, else 0."""
    sheet = np.zeros(scan.shape, np.uint8)
    sheet[_EDGE:-_EDGE, _EDGE:-_EDGE] = 1
    seen = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_NEAREST)
    inner = np.zeros_like(seen)
    inner[_EDGE:-_EDGE, _EDGE:-_EDGE] = seen[_EDGE:-_EDGE, _EDGE:-_EDGE]
    return inner


def _straightened(aligned: Pixels, issued: Pixels) -> Pixels:
    """``aligned`` pulled onto ``issued`` tile by tile, smoothly in between."""
    height, width = issued.shape
    soft = [cv2.GaussianBlur(page, (0, 0), 1.2) for page in (aligned, issued)]
    rows, columns = max(1, round(height / _TILE)), max(1, round(width / _TILE))
    shifts = np.full((rows, columns, 2), np.nan, np.float32)
    for row in range(rows):
        for column in range(columns):
            middle = round((column + 0.5) * width / columns), round((row + 0.5) * height / rows)
            shifts[row, column] = _shift(soft[0], soft[1], *middle)
    field = cv2.resize(_smoothed(shifts), (width, height), interpolation=cv2.INTER_LINEAR)
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = across + field[..., 0], down + field[..., 1]
    return cv2.remap(aligned, x, y, cv2.INTER_CUBIC, borderValue=(255.0,))


def _shift(aligned: Pixels, issued: Pixels, x: int, y: int) -> tuple[float, float]:
    """By how much ``aligned`` lies beside ``issued`` around (x, y); NaN where nothing tells."""
    top, left = max(0, y - _TILE), max(0, x - _TILE)
    around = np.s_[top : y + _TILE, left : x + _TILE]
    piece = issued[around][_MOST_SHIFT:-_MOST_SHIFT, _MOST_SHIFT:-_MOST_SHIFT]
    if piece.std() < _LEAST_TEXTURE:
        return np.nan, np.nan
    likeness = cv2.matchTemplate(aligned[around], piece, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(likeness)
    if best < _LEAST_LIKENESS:
        return np.nan, np.nan
    return (
        column - _MOST_SHIFT + _peak(likeness[row], column),
        row - _MOST_SHIFT + _peak(likeness[:, column], row),
    )


def _peak(likeness: Pixels, place: int) -> float:
    """Where between the pixels the top of a parabola through three of them lies."""
    if not 0 < place < len(likeness) - 1:
        return 0.0
    before, top, after = (float(value) for value in likeness[place - 1 : place + 2])
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend else 0.0


def _smoothed(shifts: Field) -> Field:
    """Each shift as its neighbours have it: a changed word must not pull itself straight."""
    smooth = np.zeros_like(shifts)
    for row, column in np.ndindex(shifts.shape[:2]):
        for reach in (1, 2, 4, max(shifts.shape)):
            rows = slice(max(0, row - reach), row + reach + 1)
            near = shifts[rows, max(0, column - reach) : column + reach + 1].reshape(-1, 2)
            near = near[~np.isnan(near[:, 0])]
            if len(near) >= 3:
                smooth[row, column] = np.median(near, axis=0)
                break
    return smooth


def _differing(scan: Pixels, issued: Pixels) -> tuple[Field, Field]:
    """How much darker, and how much lighter, ``scan`` is than anything of ``issued`` within a
    pixel: 0 to 1."""
    nearby = np.ones((3, 3), np.uint8)
    darkest, lightest = cv2.erode(issued, nearby), cv2.dilate(issued, nearby)
    return _beyond(darkest, scan), _beyond(scan, lightest)


def _beyond(light: Pixels, dark: Pixels) -> Field:
    over = light.astype(np.float32) - dark.astype(np.float32) - _NOISE
    return np.asarray(np.clip(over / 100, 0, 1), np.float32)


def _blobs(differs: Field, ink: Pixels, stroke: tuple[int, float]) -> Iterable[tuple[Box, float]]:
    """What is no noise: a box, and how many full pixels are in it. ``ink``: that and its
    surroundings, 1, else 0."""
    mask = (differs > 0.1).astype(np.uint8)
    joined = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    weights = np.bincount(labels.ravel(), (differs * mask).ravel(), count)
    beside = np.bincount(labels.ravel(), (ink * mask).ravel(), count) > 0
    for number in range(1, count):
        left, top, width, height, _ = (int(value) for value in stats[number])
        thin, long = sorted((width - 2, height - 2))  # as before they were joined
        stroked = long >= stroke[0] and thin >= _THICK and weights[number] >= stroke[1]
        least = _SPECK if beside[number] else _ALONE
        if weights[number] >= least or (stroked and beside[number]):
            yield Box(left, top, width, height), float(weights[number])


def _rewritten(added: Field, missing: Field) -> Iterable[Box]:
    """Where ink went and other ink came: neither need be more than noise makes of it."""
    mask = (np.maximum(added, missing) > 0.1).astype(np.uint8)
    joined = cv2.dilate(mask, np.ones((_GLYPH, _GLYPH), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    came, went = (np.bincount(labels.ravel(), part.ravel(), count) for part in (added, missing))
    lesser, both = np.minimum(came, went), came + went
    for number in range(1, count):
        if lesser[number] >= _REWRITTEN[0] and both[number] >= _REWRITTEN[1]:
            left, top, width, height, _ = (int(value) for value in stats[number])
            yield Box(left, top, width, height)


def _marks(blobs: list[Box], size: tuple[int, int]) -> tuple[Box, ...]:
    """One box for what stands together; the largest ones, in reading order."""
    mask = np.zeros(size[::-1], np.uint8)
    for box in blobs:
        across, down = _WORD_GAP // 2, _LINE_GAP // 2
        top, left = max(0, box.top - down), max(0, box.left - across)
        mask[top : box.top + box.height + down, left : box.left + box.width + across] = 1
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    spare_x, spare_y = _WORD_GAP // 2 - _AROUND, _LINE_GAP // 2 - _AROUND
    boxes = [
        _within(left + spare_x, top + spare_y, width - 2 * spare_x, height - 2 * spare_y, size)
        for left, top, width, height, _ in stats[1:].tolist()
    ]
    largest = sorted(boxes, key=lambda box: box.width * box.height, reverse=True)[:_MOST_MARKS]
    return tuple(sorted(largest, key=lambda box: (box.top, box.left)))


def _within(left: int, top: int, width: int, height: int, size: tuple[int, int]) -> Box:
    right, bottom = min(left + width, size[0]), min(top + height, size[1])
    left, top = max(0, left), max(0, top)
    return Box(left, top, right - left, bottom - top)
