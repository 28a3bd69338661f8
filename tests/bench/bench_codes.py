"""QR codes on bad pictures: ours against each decoder alone, the program zbarimg, and OpenCV.

The aims: 97 of 100 perturbed pictures and 95 of 100 telephone screens, held-out seeds. Which step
of ours is the first to read a picture says whether each is worth its time.
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
    LAST,
    Picture,
    payload,
    perturbed,
    phone_screen,
    smeared,
    wall,
)
from tests.bench.measure import Row, wall_seconds

COUNT = 100
SETS: dict[str, Callable[[int], Picture]] = {
    "perturbed": perturbed,
    "telephone": phone_screen,
    "smeared": smeared,
}
STEPS: dict[str, Callable[[Picture], list[str]]] = {
    "zxing-cpp": codes._by_zxing,
    "zbar": codes._by_zbar,
    "enlarged": codes._by_zxing_enlarged,
    "levelled": codes._by_both_levelled,
    "by modules": codes._by_modules,
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
    rows += _compared("telephone, last", phone_screen, range(LAST, LAST + COUNT))
    return [*rows, *_without_a_code()]


def _without_a_code() -> list[Row]:
    """What a picture costs that every step looks at in vain, in times of one read at once."""
    clear = [p for p in map(perturbed, range(COUNT)) if codes._by_zxing(p)]
    once = wall_seconds(lambda: [codes.decode(p) for p in clear], 1) / len(clear)
    vain = [wall_seconds(lambda p=p: codes.decode(p), 1) for p in map(wall, range(20))]  # type: ignore[misc]
    mean = sum(vain) / len(vain)
    note = f"at most {max(vain) * 1000:.0f} ms; {mean / once:.0f} times one read at once"
    return [Row("no code: ours", mean * 1000, "ms", note)]


def _compared(name: str, make: Callable[[int], Picture], seeds: range) -> list[Row]:
    pictures = {seed: make(seed) for seed in seeds}
    rows: list[Row] = []
    for decoder, decode in DECODERS.items():
        found = sum(payload(seed) in decode(picture) for seed, picture in pictures.items())
        seconds = wall_seconds(lambda d=decode: [d(p) for p in pictures.values()], 1)  # type: ignore[misc]
        ratio = f", ours {rows[0].value / max(found, 1):.2f} of it" if rows else ""
        note = f"{seconds * 1000 / len(seeds):.1f} ms each{ratio}"
        rows.append(Row(f"{name}: {decoder} of {len(seeds)}", found, "codes", note))
    return [*rows, _by_zbarimg(name, pictures, rows[0].value), *_by_step(name, pictures)]


def _by_step(name: str, pictures: dict[int, Picture]) -> list[Row]:
    """What each step reads that none before it did."""
    rows, left = [], set(pictures)
    for step, decode in STEPS.items():
        found = {seed for seed in left if payload(seed) in decode(pictures[seed])}
        rows.append(Row(f"{name}: first by {step}", len(found), "codes", f"of {len(left)} left"))
        left -= found
    return rows


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
