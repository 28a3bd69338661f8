"""The grid of a QR code laid over a picture, from its three finder patterns: how many modules, and
where each one is though the code is tilted.

The fourth corner and the rest are found by trying: where the grid lies right, each module is of one
colour throughout, and the patterns that every code has agree with what is seen.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
import segno
from numpy.typing import NDArray
from segno import consts

from drivers.code_finders import Corners, Light, Point

Matrix = NDArray[np.float64]
Bits = NDArray[np.bool_]

_VERSIONS = range(1, 11)  # up to 57 modules; of more, a camera's frame shows too little of each
_PROMISING = 0.75  # before it is refined; right grids have more
_STEPS = (1.0, 0.5, 0.25, 0.12)  # modules


class Grid(NamedTuple):
    """``onto``: from modules (x right, y down, 0 at the code's outer edge) to pixels."""

    side: int
    onto: Matrix
    likeness: float


def fit(light: Light, place: Corners) -> Grid:
    """The likeliest grid over ``light``, levelled."""
    long = np.hypot(*(place.top_right - place.top_left))
    high = np.hypot(*(place.bottom_left - place.top_left))
    guess = (long + high) / 2 / place.module + 7
    sides = sorted((17 + 4 * version for version in _VERSIONS), key=lambda side: abs(side - guess))
    fits = [_coarse(light, place, side) for side in sides[:2]]
    side, corners = max(fits, key=lambda f: _likeness(light, *f))
    if _likeness(light, side, corners) > _PROMISING:
        corners = _refined(light, side, corners)
    return Grid(side, _onto(side, corners), _likeness(light, side, corners))


def sampled(light: Light, grid: Grid, border: int) -> Light:
    """The mean light of each module, ``border`` modules around the code too."""
    fine = 5
    side = grid.side + 2 * border
    places = (np.arange(side * fine) + 0.5) / fine - border
    soft = _looked_up(light, grid.onto, *np.meshgrid(places, places))
    weights = cv2.getGaussianKernel(fine, 0.3 * fine).astype(np.float32)
    blocks = soft.reshape(side, fine, side, fine)
    means: Light = np.einsum("aibj,i,j->ab", blocks, weights[:, 0], weights[:, 0])
    return means


def outline(grid: Grid) -> NDArray[np.int32]:
    """The code's four corners in pixels."""
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * grid.side
    return np.rint(cv2.perspectiveTransform(square[:, None], grid.onto))[:, 0].astype(np.int32)


@cache
def known(side: int) -> tuple[Bits, Bits]:
    """Of a code of so many modules: which are alike in every one, and which of those are dark.
    The timing patterns and what stands in corners; format and version are not among them."""
    version = (side - 17) // 4
    dark = np.array(segno.make_qr("7", version=version, error="l").matrix, np.uint8) > 0
    fixed = np.zeros((side, side), bool)
    fixed[6, :] = fixed[:, 6] = True
    for y, x in ((0, 0), (0, side - 8), (side - 8, 0)):
        fixed[y : y + 8, x : x + 8] = True
    middles = consts.ALIGNMENT_POS[version - 2] if version > 1 else ()
    for y, x in product(middles, middles):
        if (y, x) not in {(6, 6), (6, side - 7), (side - 7, 6)}:
            fixed[y - 2 : y + 3, x - 2 : x + 3] = True
    return fixed, dark


def _coarse(light: Light, place: Corners, side: int) -> tuple[int, Matrix]:
    """Corners of the square between the finder patterns' centres, the fourth where modules within
    are of one colour."""
    straight = place.top_right + place.bottom_left - place.top_left
    u = (place.top_right - place.top_left) / (side - 7)
    v = (place.bottom_left - place.top_left) / (side - 7)
    reach = max(3.0, 0.16 * side)
    tries = np.arange(-reach, reach + 0.1)
    square = [place.top_left, place.top_right, straight, place.bottom_left]
    guesses = [
        np.array([square[0], square[1], straight + i * u + j * v, square[3]])
        for i in tries
        for j in tries
    ]
    return side, max(guesses, key=lambda corners: _evenness(light, side, corners))


def _refined(light: Light, side: int, corners: Matrix) -> Matrix:
    best = _likeness(light, side, corners)
    module = np.hypot(*(corners[1] - corners[0])) / (side - 7)
    for step in _STEPS:
        for corner in (2, 0, 1, 3) * 2:
            for move in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                moved = corners.copy()
                moved[corner] += np.array(move) * step * module
                likeness = _likeness(light, side, moved)
                if likeness > best:
                    best, corners = likeness, moved
    return corners


def _likeness(light: Light, side: int, corners: Matrix) -> float:
    """Evenness of all modules, and agreement of the known ones; up to 2."""
    fixed, dark = known(side)
    middles = np.arange(side) + 0.5
    seen = _looked_up(light, _onto(side, corners), *np.meshgrid(middles, middles))[fixed]
    agreement = float(np.where(dark[fixed], -seen, seen).mean())
    return agreement + _evenness(light, side, corners)


def _evenness(light: Light, side: int, corners: Matrix) -> float:
    """How much of the light's variance is between modules and not within them; 0 to 1."""
    places = (np.arange(side)[:, None] + np.array([0.25, 0.75])).ravel()
    seen = _looked_up(light, _onto(side, corners), *np.meshgrid(places, places))
    means = seen.reshape(side, 2, side, 2).mean(axis=(1, 3))
    return float(means.var() / (seen.var() + 1e-6))


def _onto(side: int, corners: Matrix) -> Matrix:
    low, high = 3.5, side - 3.5
    square = np.array([[low, low], [high, low], [high, high], [low, high]], np.float32)
    return cv2.getPerspectiveTransform(square, corners.astype(np.float32)).astype(np.float64)


def _looked_up(light: Light, onto: Matrix, x: Point, y: Point) -> Light:
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in onto)
    return cv2.remap(
        light, (u / w).astype(np.float32), (v / w).astype(np.float32), cv2.INTER_LINEAR
    ).astype(np.float32)
