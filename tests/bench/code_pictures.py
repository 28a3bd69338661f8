"""Pictures of QR codes as a reader gets them: perturbed, and on the screen of a telephone.

A seed gives the same picture for ever. Seeds below 100 were there for tuning; those from
``HELD_OUT`` on were not looked at, and are reported beside.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import segno

HELD_OUT = 10_000
Picture = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float64]


def payload(seed: int) -> str:
    return f"vneid:{seed:032x}"


def perturbed(seed: int) -> Picture:
    """One code, 3 to 8 pixels a module, turned, tilted, blurred by up to 0.4 of a module, down to
    35% of the light, with noise. Gray."""
    random = np.random.default_rng((3, seed))
    scale = int(random.integers(4, 11))
    code = _code(seed, scale)
    flat = np.pad(code, code.shape[0] // 3, constant_values=200)
    turned = _turned(_tilted(flat, random, 0.1, 200), random, 180, 200)
    blurred = cv2.GaussianBlur(turned, (0, 0), 0.8 * scale * random.uniform(0.1, 0.4))
    dim = blurred * random.uniform(0.35, 1.0) + random.normal(0, 5, blurred.shape)
    picture: Picture = np.clip(dim, 0, 255).astype(np.uint8)
    return picture


def smeared(seed: int) -> Picture:
    """As bad as it gets: blurred by up to 0.7 of a module, some of it outside.
    Many cannot be read by anything; here to compare decoders. Gray, about 370 pixels a side."""
    random = np.random.default_rng(seed)
    flat = np.pad(_code(seed, 6), 60, constant_values=200)
    turned = _turned(_tilted(flat, random, 0.12, 200), random, 40, 200)
    blurred = cv2.GaussianBlur(turned, (0, 0), random.uniform(0.5, 3.4))
    dim = blurred * random.uniform(0.35, 1.0) + random.normal(0, 9, blurred.shape)
    picture: Picture = np.clip(dim, 0, 255).astype(np.uint8)
    return picture


def phone_screen(seed: int) -> Picture:
    """One code on a telephone held to a camera: the grid of its pixels beats with the sensor's
    (moire), a lamp mirrors in the glass, the back light may be low. Gray, 640 by 640."""
    random = np.random.default_rng((7, seed))
    code = cv2.resize(_code(seed, 8), (440, 440), interpolation=cv2.INTER_AREA).astype(np.uint8)
    screen = np.pad(code, 100, constant_values=255)
    screen = _turned(_tilted(screen, random, 0.06, 20), random, 15, 20)
    light = screen * random.uniform(0.2, 1.0) * _grid(random, screen.shape[0])
    light += _glare(random, screen.shape[0]) + random.uniform(5, 25)
    blurred = cv2.GaussianBlur(light, (0, 0), random.uniform(0.6, 2.2))
    seen = blurred + random.normal(0, 5, blurred.shape)
    picture: Picture = np.clip(seen, 0, 255).astype(np.uint8)
    return picture


def _code(seed: int, scale: int) -> Picture:
    code = segno.make(payload(seed), error="m")
    matrix = np.array([list(row) for row in code.matrix_iter(scale=scale, border=4)], np.uint8)
    return np.where(matrix > 0, 0, 255).astype(np.uint8)


def _tilted(flat: Picture, random: np.random.Generator, most: float, around: int) -> Picture:
    height, width = flat.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.uniform(-most, most, (4, 2)).astype(np.float32) * width
    warp = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(flat, warp, (width, height), borderValue=(around,)).astype(np.uint8)


def _turned(flat: Picture, random: np.random.Generator, most: float, around: int) -> Picture:
    height, width = flat.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-most, most), 0.8)
    return cv2.warpAffine(flat, turn, (width, height), borderValue=(around,)).astype(np.uint8)


def _grid(random: np.random.Generator, side: int) -> _Floats:
    """Two beating gratings, 3 to 24 pixels a wave, up to 30% deep each."""
    y, x = np.mgrid[0:side, 0:side]
    grid = np.ones((side, side))
    for _ in range(2):
        angle, wave = random.uniform(0, np.pi), random.uniform(3, 24)
        phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / wave
        grid *= 1 - random.uniform(0.05, 0.3) * (0.5 + 0.5 * np.sin(phase))
    return grid


def _glare(random: np.random.Generator, side: int) -> _Floats:
    """The picture of a lamp: a soft round patch somewhere on the glass."""
    y, x = np.mgrid[0:side, 0:side]
    centre = random.uniform(0.2, 0.8, 2) * side
    radius = random.uniform(0.05, 0.2) * side
    distance = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    glare: _Floats = random.uniform(30, 160) * np.exp(-distance / (2 * radius**2))
    return glare
