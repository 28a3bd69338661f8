"""Pictures of QR codes as a reader gets them: perturbed, and on the screen of a telephone.

A seed gives the same picture for ever. Seeds below 100 were there for tuning; those from
``HELD_OUT`` on were not looked at, and are reported beside; those from ``LAST`` on were counted for
the first time when everything was decided.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import segno

from tests.bench import phone_screens

HELD_OUT = 10_000
LAST = 20_000
Picture = npt.NDArray[np.uint8]


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
    """One code on a dim telephone under lamps; how it is made stands in ``phone_screens``."""
    return phone_screens.phone_screen(_modules, seed)


def wall(seed: int) -> Picture:
    """No code: blotches of light and dark, some as large as modules. Gray, 640 by 480."""
    random = np.random.default_rng((5, seed))
    noise = random.normal(0, 60, (480, 640)).astype(np.float32)
    blotched = 120 + 3 * cv2.GaussianBlur(noise, (0, 0), random.uniform(1, 6))
    return np.clip(blotched, 0, 255).astype(np.uint8)


def _code(seed: int, scale: int) -> Picture:
    big = np.kron(_modules(seed), np.ones((scale, scale), bool))
    return np.where(big, 0, 255).astype(np.uint8)


def _modules(seed: int) -> npt.NDArray[np.bool_]:
    """Dark modules, with the quiet zone."""
    code = segno.make(payload(seed), error="m")
    return np.array([list(row) for row in code.matrix_iter(border=4)], np.uint8) > 0


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
