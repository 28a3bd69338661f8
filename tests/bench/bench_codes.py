"""QR codes on bad pictures: ours against each decoder alone, the program zbarimg, and OpenCV.

The aims: 97 of 100 perturbed pictures and 95 of 100 telephone screens, held-out seeds.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

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
    "zbar": lambda p: [code.data.decode("utf-8", "replace") for code in pyzbar.decode(p)],
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
    return [*rows, _by_zbarimg(name, pictures, rows[0].value)]


def _by_zbarimg(name: str, pictures: dict[int, Picture], ours: float) -> Row:
    """One run of the program over all pictures, its time for reading files included."""
    with tempfile.TemporaryDirectory() as folder:
        for seed, picture in pictures.items():
            cv2.imwrite(str(Path(folder) / f"{seed}.png"), picture)
        command = ["zbarimg", "--quiet", "--raw", *(f"{folder}/{seed}.png" for seed in pictures)]
        seconds = wall_seconds(lambda: subprocess.run(command, capture_output=True), 1)
        said = subprocess.run(command, capture_output=True).stdout.decode("utf-8", "replace")
    found = len({payload(seed) for seed in pictures} & set(said.split()))
    note = f"{seconds * 1000 / len(pictures):.1f} ms each, ours {ours / max(found, 1):.2f} of it"
    return Row(f"{name}: zbarimg of {len(pictures)}", found, "codes", note)
