"""Is a scan worth reading? Told before the reading, while the paper is still at hand.

The threshold of sharpness was found on TUNING pages of tests/bench/papers: nearly all pages out of
focus or moved measure 0.148 or less, worn ones 0.161 or more.
"""

from __future__ import annotations

import cv2
import numpy as np

from kiosk.documents import obstacles
from kiosk.documents.cleanup import Pixels, flatten
from kiosk.failures import Fault

_LEAST_SIDE = 300  # pixels; a card at 150 dpi is larger
_DARK_PAPER = 80  # luma of the page's light parts
_LEAST_INK = 1e-4  # share of the page: half a short word
_LEAST_SHARPNESS = 0.152
_MEASURE_DPI = 200
_MARGIN = 0.02  # of each side: the scanner's own edges


def findings(page: Pixels, dpi: int) -> tuple[Fault, ...]:
    """What is wrong with an RGB scan, the worst first.

    PAGE_TOO_SMALL, PAGE_DARK or PAGE_BLANK alone; or those of obstacles.findings, PAGE_BLURRED.
    """
    if min(page.shape[:2]) < _LEAST_SIDE:
        return (Fault.PAGE_TOO_SMALL,)
    gray = _measurable(page, dpi)
    if float(np.percentile(gray, 90)) < _DARK_PAPER:
        return (Fault.PAGE_DARK,)
    smooth = cv2.GaussianBlur(flatten(gray), (0, 0), 2)
    ink = np.less(smooth, 150).astype(np.uint8)
    if float(ink.mean()) < _LEAST_INK:
        return (Fault.PAGE_BLANK,)
    blurred = _sharpness(smooth, ink) < _LEAST_SHARPNESS
    return obstacles.findings(page, dpi) + ((Fault.PAGE_BLURRED,) if blurred else ())


def _measurable(page: Pixels, dpi: int) -> Pixels:
    """Gray, without the outermost edge, at most _MEASURE_DPI so that thresholds hold."""
    gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    y, x = (round(side * _MARGIN) for side in gray.shape)
    inner = gray[y : gray.shape[0] - y, x : gray.shape[1] - x]
    factor = min(1.0, _MEASURE_DPI / dpi)
    return cv2.resize(inner, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _sharpness(smooth: Pixels, ink: Pixels) -> float:
    """How steep the edges of print are, a pixel, relative to its contrast.

    Unlike measures of energy it hardly depends on the size and weight of the letters.
    """
    around_ink = np.greater(cv2.dilate(ink, np.ones((7, 7), np.uint8)), 0)
    across, down = (
        cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=1 / 8)[around_ink] for axis in ((1, 0), (0, 1))
    )
    contrast = 255 - float(np.percentile(smooth[around_ink], 5))
    return float(np.percentile(np.hypot(across, down), 90)) / max(contrast, 1.0)
