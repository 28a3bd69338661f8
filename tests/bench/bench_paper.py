"""Prints that were scanned, changed in one character or not: what the comparison makes of them."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from kiosk.documents import comparison
from tests.bench.measure import Row, cpu_seconds
from tests.kiosk.documents import altered

KINDS = ("birth_certificate", "diploma")
PAIRS = 20  # of a kind: half of them changed


def run() -> list[Row]:
    whole, found, seconds = 0, 0, 0.0
    for kind in KINDS:
        page = np.asarray(Image.open(io.BytesIO(altered.issued_page(kind))))
        changes = list(altered.CHANGES)
        for seed in range(PAIRS // 2):
            same = _boxes(kind, "", 100 + seed, page)
            changed = _boxes(kind, changes[seed % len(changes)], 200 + seed, page)
            whole, found = whole + (same == 0), found + (changed > 0)
        scan = _gray(kind, "", 100)
        seconds += cpu_seconds(lambda scan=scan, page=page: comparison.compare(scan, page), 3)
    half = len(KINDS) * PAIRS // 2
    return [
        Row("printed and scanned, unchanged: no difference", 100 * whole / half, "%", f"of {half}"),
        Row("one character changed: marked", 100 * found / half, "%", f"of {half}"),
        Row("a comparison", seconds / len(KINDS), "s", "CPU"),
    ]


def _boxes(kind: str, change: str, seed: int, page: comparison.Pixels) -> int:
    found = comparison.compare(_gray(kind, change, seed), page)
    return len(found.boxes) if found.matrix is not None else -1


def _gray(kind: str, change: str, seed: int) -> comparison.Pixels:
    return cv2.cvtColor(altered.scanned(kind, change, seed), cv2.COLOR_RGB2GRAY)
