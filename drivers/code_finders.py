"""Where a QR code lies whose finder patterns are hard to see: two that can be seen, and the third
looked for where those two say it must be, however weakly it shows.

A lamp mirrored in a telephone's glass rarely covers two finder patterns, and decoders give up for
want of one. Positions are (x, y) in pixels, floats; pictures are float32 (height, width).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import combinations, islice, product
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]
Point = NDArray[np.float64]

_SIDE = 3  # pixels a module in the pattern that is searched for
_SIZES = tuple(2.6 * 1.16**step for step in range(9))  # pixels a module in the picture
_LEAST = 0.45  # correlation of a pattern that counts as seen
_SEEN = 8
_TRIPLES = 8
_APART = 75  # modules: the diagonal of the largest code that is tried


class Corners(NamedTuple):
    """Centres of the three finder patterns, and pixels a module."""

    top_left: Point
    top_right: Point
    bottom_left: Point
    module: float


class _Mark(NamedTuple):
    likeness: float
    at: Point
    module: float


class _Guess(NamedTuple):
    likeness: float
    corner: Point
    one: Point
    other: Point
    module: float


class _Map(NamedTuple):
    """Correlation with a finder pattern of modules of so many pixels, wherever it fits."""

    like: Light
    module: float


def log_light(gray: NDArray[np.uint8]) -> Light:
    """Contrast instead of light: a lamp adds, and would drown what lies beside it."""
    return np.log(gray.astype(np.float32) + 8)


def levelled(light: Light, reach: float) -> Light:
    """Each place against mean and deviation of a square of ``reach`` pixels around, within 1.5."""
    soft = cv2.GaussianBlur(light, (0, 0), 0.7)
    around = (int(reach) | 1, int(reach) | 1)
    mean = cv2.blur(soft, around)
    variance = np.maximum(cv2.blur(soft * soft, around) - mean * mean, 0)
    return np.clip((soft - mean) / (np.sqrt(variance) + 0.04), -1.5, 1.5).astype(np.float32)


def corners(gray: NDArray[np.uint8]) -> list[Corners]:
    """At most eight places where a code may lie, the likeliest first."""
    light = log_light(gray)
    seen = _seen([_likeness(light, module) for module in _SIZES])
    near = cache(lambda module: _likeness(levelled(light, 2 * module), module))
    pairs = combinations(seen, 2)
    found = [_ordered(guess) for a, b in pairs for guess in _third(near, a, b)]
    places = (place for _, place in sorted(found, key=lambda guess: -guess[0]))
    return list(islice(_distinct(places), _TRIPLES))


def _distinct(places: Iterable[Corners]) -> Iterator[Corners]:
    kept: list[Corners] = []
    for place in places:
        if _is_square(place) and not any(_same(place, other) for other in kept):
            kept.append(place)
            yield place


def _third(near: Callable[[float], _Map], a: _Mark, b: _Mark) -> Iterator[_Guess]:
    """Two marks are a side of the square or its diagonal. The larger module is believed: the dark
    core of a large pattern resembles a small one."""
    module = max(a.module, b.module)
    apart = float(np.hypot(*(b.at - a.at))) / module
    if not 11 < apart < _APART:
        return
    across = np.array([a.at[1] - b.at[1], b.at[0] - a.at[0]])
    reach = max(4.0, 0.22 * apart) * module
    like = a.likeness + b.likeness
    sizes = {size for size in (a.module, b.module) if size > 0.7 * module}
    for way, size in product((across, -across), sizes):
        for corner, other in ((a, b), (b, a)):
            for mark in _peaks(near(size), 0.0, (corner.at + way, reach))[:3]:
                yield _Guess(like + mark.likeness, corner.at, other.at, mark.at, module)
        for mark in _peaks(near(size), 0.0, ((a.at + b.at + way) / 2, reach))[:3]:
            yield _Guess(like + mark.likeness, mark.at, a.at, b.at, module)


def _ordered(guess: _Guess) -> tuple[float, Corners]:
    """Clockwise as on paper: a code in a mirror is none."""
    likeness, corner, p, q, module = guess
    u, v = p - corner, q - corner
    if u[0] * v[1] - u[1] * v[0] < 0:
        p, q = q, p
    return likeness, Corners(corner, p, q, module)


def _is_square(place: Corners) -> bool:
    u, v = place.top_right - place.top_left, place.bottom_left - place.top_left
    long, high = float(np.hypot(*u)), float(np.hypot(*v))
    if not 0.7 * high < long < 1.43 * high:
        return False
    return bool(abs(u @ v) < 0.45 * long * high)


def _same(one: Corners, other: Corners) -> bool:
    apart = max(float(np.hypot(*(p - q))) for p, q in zip(one[:3], other[:3], strict=True))
    return apart < 1.2 * one.module


def _seen(maps: list[_Map]) -> list[_Mark]:
    found = [mark for like in maps for mark in _peaks(like, _LEAST)]
    kept: list[_Mark] = []
    for mark in sorted(found, key=lambda mark: -mark.likeness):
        if all(np.hypot(*(mark.at - o.at)) > 3 * max(mark.module, o.module) for o in kept):
            kept.append(mark)
    return kept[:_SEEN]


def _likeness(light: Light, module: float) -> _Map:
    scale = _SIDE / module
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pattern = _pattern()
    if min(light.shape) * scale < pattern.shape[0] + 1:
        return _Map(np.zeros((1, 1), np.float32), module)
    resized = cv2.resize(light, None, fx=scale, fy=scale, interpolation=how)
    like = cv2.matchTemplate(resized, pattern, cv2.TM_CCOEFF_NORMED)
    return _Map(like.astype(np.float32), module)


def _peaks(found: _Map, least: float, near: tuple[Point, float] | None = None) -> list[_Mark]:
    """Highest first; ``near``: only within so many pixels of a point."""
    like, module = found
    scale, half = _SIDE / module, _pattern().shape[0] // 2
    top, left = 0, 0
    if near:
        low = np.maximum((near[0] - near[1] + 0.5) * scale - 0.5 - half, 0).astype(int)
        high = np.maximum((near[0] + near[1] + 0.5) * scale + 0.5 - half, 0).astype(int)
        left, top = int(low[0]), int(low[1])
        like = like[top : high[1], left : high[0]]
    if not like.size:
        return []
    peak = (like == cv2.dilate(like, np.ones((5, 5), np.uint8))) & (like > least)
    y, x = np.nonzero(peak)
    best = np.argsort(-like[y, x])[:_SEEN]
    spots = np.stack([x[best] + left, y[best] + top], axis=1)
    places = (spots + half + 0.5) / scale - 0.5
    likes = like[y[best], x[best]]
    return [_Mark(float(like), at, module) for like, at in zip(likes, places, strict=True)]


@cache
def _pattern() -> Light:
    """A finder pattern and a module around it, the mean of all its rotations: one search finds it
    however it is turned."""
    reach = int(4.5 * _SIDE)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32) / _SIDE
    mean = np.zeros_like(x)
    for angle in np.deg2rad(np.arange(0, 90, 7.5)):
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        ring = np.maximum(abs(along), abs(across))
        white = ((ring > 1.5) & (ring < 2.5)) | (ring > 3.5)
        mean += cv2.GaussianBlur(white.astype(np.float32), (0, 0), 0.35 * _SIDE)
    pattern: Light = mean.astype(np.float32)
    return pattern
