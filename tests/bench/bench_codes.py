"""QR codes on bad pictures: ours (zxing-cpp, then zbar) against each decoder alone and OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import segno
import zxingcpp
from pyzbar import pyzbar

from drivers import codes
from tests.bench.measure import Row, wall_seconds

COUNT = 100
Picture = npt.NDArray[np.uint8]


def run() -> list[Row]:
    pictures = [_picture(seed) for seed in range(COUNT)]
    decoders: dict[str, Callable[[Picture], list[str]]] = {
        "ours": codes.decode,
        "zxing-cpp": lambda p: [code.text for code in zxingcpp.read_barcodes(p)],
        "pyzbar": lambda p: [code.data.decode() for code in pyzbar.decode(p)],
        "OpenCV": lambda p: [cv2.QRCodeDetector().detectAndDecode(p)[0]],
    }
    rows = []
    for name, decode in decoders.items():
        found = sum(_payload(seed) in decode(picture) for seed, picture in enumerate(pictures))
        seconds = wall_seconds(lambda decode=decode: [decode(p) for p in pictures], 1)  # type: ignore[misc]
        rows.append(Row(f"{name}: read of {COUNT}", found, "codes", f"{seconds * 10:.1f} ms each"))
    return rows


def _payload(seed: int) -> str:
    return f"vneid:{seed:032x}"


def _picture(seed: int) -> Picture:
    """One code, turned, tilted, blurred, dimmed and noisy; the same for the same seed."""
    random = np.random.default_rng(seed)
    code = segno.make(_payload(seed), error="m")
    matrix = np.array([list(row) for row in code.matrix_iter(scale=6, border=4)], np.uint8)
    flat = np.pad(np.where(matrix > 0, 0, 255).astype(np.uint8), 60, constant_values=200)
    height, width = flat.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.uniform(-0.12, 0.12, (4, 2)).astype(np.float32) * width
    warp = cv2.getPerspectiveTransform(corners, moved)
    tilted = cv2.warpPerspective(flat, warp, (width, height), borderValue=(200,))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-40, 40), 0.8)
    turned = cv2.warpAffine(tilted, turn, (width, height), borderValue=(200,))
    blurred = cv2.GaussianBlur(turned, (0, 0), random.uniform(0.5, 3.4))
    dim = blurred * random.uniform(0.35, 1.0) + random.normal(0, 9, blurred.shape)
    return np.clip(dim, 0, 255).astype(np.uint8)
