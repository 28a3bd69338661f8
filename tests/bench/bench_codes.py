"""QR codes on bad pictures: ours against each decoder alone, zbarimg's zbar and OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import zxingcpp
from pyzbar import pyzbar

from drivers import codes
from tests.bench.code_pictures import (
    HELD_OUT,
    Picture,
    payload,
    perturbed,
    phone_screen,
    smeared,
)
from tests.bench.measure import Row, wall_seconds

COUNT = 100
SETS: dict[str, Callable[[int], Picture]] = {
    "perturbed": perturbed,
    "telephone": phone_screen,
    "smeared": smeared,
}
DECODERS: dict[str, Callable[[Picture], list[str]]] = {
    "ours": codes.decode,
    "zxing-cpp": lambda p: [code.text for code in zxingcpp.read_barcodes(p)],
    "zbar (as zbarimg)": lambda p: [
        code.data.decode("utf-8", "replace") for code in pyzbar.decode(p)
    ],
    "OpenCV": lambda p: [cv2.QRCodeDetector().detectAndDecode(p)[0]],
}


def run() -> list[Row]:
    rows = []
    for name, make in SETS.items():
        rows += _compared(name, make, range(COUNT))
        rows += _compared(f"{name}, held out", make, range(HELD_OUT, HELD_OUT + COUNT))
    return rows


def _compared(name: str, make: Callable[[int], Picture], seeds: range) -> list[Row]:
    pictures = {seed: make(seed) for seed in seeds}
    rows: list[Row] = []
    for decoder, decode in DECODERS.items():
        found = sum(payload(seed) in decode(picture) for seed, picture in pictures.items())
        seconds = wall_seconds(lambda d=decode: [d(p) for p in pictures.values()], 1)  # type: ignore[misc]
        ratio = f", ours {rows[0].value / max(found, 1):.2f} of it" if rows else ""
        note = f"{seconds * 1000 / len(seeds):.1f} ms each{ratio}"
        rows.append(Row(f"{name}: {decoder} of {len(seeds)}", found, "codes", note))
    return rows
