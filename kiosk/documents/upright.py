"""Does a scan lie on its side? Told from the lines of print alone, before anything is read.

Lines of print are spiky when projected along themselves and flat across. Whether a page stands on
its head is left to the reading, which is far surer. Runs in the document child only (OpenCV).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.documents.cleanup import Pixels, flatten, skew_of, spikiness

_SHORT_SIDE = 900  # pixels; small letters are still five high
_LEAST_SIDE = 300  # pixels; less is no page
_SIDEWAYS = 1.5  # upright pages have up to 0.8, those on their side 2.3 or more
_LEAST_POINTS = 400
_RULE = 70  # pixels; no letter has a stroke this long
_INK = 140

Points = npt.NDArray[np.float64]


def on_its_side(page: Pixels) -> bool:
    """Whether the RGB scan must be turned by 90 degrees, one way or the other."""
    if min(page.shape[:2]) < _LEAST_SIDE:
        return False
    x, y = print_points(page)
    return len(x) >= _LEAST_POINTS and sideways(x, y) > _SIDEWAYS


def print_size(page: Pixels) -> tuple[int, int]:
    """Width and height of the picture whose points print_points gives."""
    height, width = page.shape[:2]
    factor = min(1.0, _SHORT_SIDE / min(height, width))
    return round(width * factor), round(height * factor)


def print_points(page: Pixels) -> tuple[Points, Points]:
    """Columns and rows of the dark points that are neither stamp nor rule, fold, frame."""
    small = cv2.resize(cv2.extractChannel(page, 0), print_size(page), interpolation=cv2.INTER_AREA)
    dark = flatten(small)
    thick = cv2.erode(dark, np.ones((3, 3), np.uint8))  # so that a slanting rule stays one run
    across = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, _RULE), np.uint8))
    down = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((_RULE, 1), np.uint8))
    rules = cv2.erode(np.minimum(across, down), np.ones((3, 3), np.uint8))
    y, x = np.nonzero((dark < _INK) & (rules > 200))
    every = max(1, len(x) // 40_000)
    return x[::every].astype(np.float64), y[::every].astype(np.float64)


def sideways(x: Points, y: Points) -> float:
    """How much spikier the print is down its columns than down its rows."""
    upright = spikiness(x, y, skew_of(x, y))
    return spikiness(y, -x, skew_of(y, -x)) / max(upright, 1.0)
