"""Is a scan worth reading? Told before the reading, while the paper is still at hand.

Thresholds were found on the sandbox's papers: text blurred so far that a third of its letters are
misread measures 0.013 or less, text that still reads well 0.019 or more, with grain and without.
"""

from __future__ import annotations

import cv2
import numpy as np

from kiosk.documents.cleanup import Pixels, flatten
from kiosk.failures import Fault

_LEAST_SIDE = 300  # pixels; a card at 150 dpi is larger
_DARK_PAPER = 80  # luma of the page's light parts
_LEAST_INK = 1e-4  # share of the page: half a short word
_LEAST_SHARPNESS = 0.016
_MEASURE_DPI = 200
_MARGIN = 0.02  # of each side: the scanner's own edges


def findings(page: Pixels, dpi: int) -> tuple[Fault, ...]:
    """What is wrong with an RGB scan: PAGE_TOO_SMALL, PAGE_DARK, PAGE_BLANK or PAGE_BLURRED."""
    if min(page.shape[:2]) < _LEAST_SIDE:
        return (Fault.PAGE_TOO_SMALL,)
    gray = _measurable(page, dpi)
    if float(np.percentile(gray, 90)) < _DARK_PAPER:
        return (Fault.PAGE_DARK,)
    smooth = cv2.GaussianBlur(flatten(gray), (0, 0), 2)
    ink = np.less(smooth, 150).astype(np.uint8)
    if float(ink.mean()) < _LEAST_INK:
        return (Fault.PAGE_BLANK,)
    return (Fault.PAGE_BLURRED,) if _sharpness(smooth, ink) < _LEAST_SHARPNESS else ()


def _measurable(page: Pixels, dpi: int) -> Pixels:
    """Gray, without the outermost edge, at most _MEASURE_DPI so that thresholds hold."""
    gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    y, x = (round(side * _MARGIN) for side in gray.shape)
    inner = gray[y : gray.shape[0] - y, x : gray.shape[1] - x]
    factor = min(1.0, _MEASURE_DPI / dpi)
    return cv2.resize(inner, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _sharpness(smooth: Pixels, ink: Pixels) -> float:
    """Variance of the Laplacian where ink is, relative to the contrast there."""
    around_ink = np.greater(cv2.dilate(ink, np.ones((7, 7), np.uint8)), 0)
    edges = cv2.Laplacian(smooth, cv2.CV_16S)[around_ink]
    return float(edges.var() / max(smooth[around_ink].astype(np.float64).var(), 1.0))
