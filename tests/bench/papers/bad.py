"""Scans that should not reach the reader as they are, and what is wrong with each.

Made of a corpus page in the light or the medium level. Upside down and sideways the kiosk can put
right by itself; of all others the citizen must hear. Parameters fixed before any tuning.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from tests.bench.papers import damage
from tests.bench.papers.corpus import Page, mixed
from tests.bench.papers.damage import LEVELS, Pixels
from tests.bench.papers.sheet import px

Random = np.random.Generator
_SKINS = ((226, 178, 150), (198, 146, 116), (158, 108, 82))


def spoiled(page: Page, fault: str, seed: int) -> Image.Image:
    """``page`` with ``fault`` (one of FAULTS)."""
    random = np.random.default_rng(mixed(f"{page.kind} {fault}", seed))
    level = "light" if random.random() < 0.5 else "medium"
    return Image.fromarray(FAULTS[fault](page, level, random))


def _worn(page: Page, level: str, random: Random) -> Pixels:
    return np.asarray(damage.worn(page, level, int(random.integers(1_000_000))).image)


def _blurred(page: Page, level: str, random: Random) -> Pixels:
    """Out of focus by 0.4 to 0.7 mm, or moved by 1.6 to 2.6 mm, before the grain."""
    sharp = np.asarray(page.image)
    if random.random() < 0.5:
        soft = cv2.GaussianBlur(sharp, (0, 0), px(1) * random.uniform(0.4, 0.7))
    else:
        length = px(random.uniform(1.6, 2.6))
        kernel = np.zeros((length, length), np.float32)
        turn = random.uniform(0, math.pi)
        reach = np.array([math.cos(turn), math.sin(turn)]) * length / 2
        middle = np.array([length / 2, length / 2])
        start, end = (tuple(map(int, np.rint(middle + side * reach))) for side in (-1, 1))
        cv2.line(kernel, start, end, 1.0, 1)
        soft = cv2.filter2D(sharp, -1, kernel / kernel.sum())
    return damage.photographed(np.asarray(soft, np.uint8), LEVELS[level], random)


def _dark(page: Page, level: str, random: Random) -> Pixels:
    """An eighth to a quarter of the light; grain stays what it is."""
    dim = np.asarray(page.image) * np.float32(random.uniform(0.12, 0.25))
    return damage.photographed(dim.astype(np.uint8), LEVELS[level], random)


def _glare(page: Page, level: str, random: Random) -> Pixels:
    """A lamp mirrored in laminate: 35 to 60 mm in which print is washed out."""
    picture = _worn(page, level, random).astype(np.float32) * np.float32(0.86)
    height, width = picture.shape[:2]
    spot = np.zeros((height, width), np.float32)
    centre = (_inside(width, random), _inside(height, random))
    axes = (px(random.uniform(18, 30)), px(random.uniform(12, 22)))
    cv2.ellipse(spot, centre, axes, float(random.uniform(0, 180)), 0, 360, 1.0, -1)
    spot = cv2.GaussianBlur(spot, (0, 0), px(2.5))[..., None]
    return np.asarray(picture * (1 - spot) + 255 * spot, np.uint8)


def _cut(page: Page, level: str, random: Random) -> Pixels:
    """A corner folded over or off the glass: 45 to 80 mm of both sides are table."""
    picture = _worn(page, level, random).copy()
    height, width = picture.shape[:2]
    most = 0.6 * min(height, width) * 25.4 / damage.DPI
    legs = [min(most, random.uniform(45, 80)) for _ in range(2)]
    x, y = (width if random.random() < 0.5 else 0), (height if random.random() < 0.5 else 0)
    along, down = px(legs[0]) * (-1 if x else 1), px(legs[1]) * (-1 if y else 1)
    corner = np.array([(x, y), (x + along, y), (x, y + down)], np.int32)
    cv2.fillPoly(picture, [corner], [int(random.integers(40, 120))] * 3)
    return picture


def _upside_down(page: Page, level: str, random: Random) -> Pixels:
    return np.ascontiguousarray(_worn(page, level, random)[::-1, ::-1])


def _sideways(page: Page, level: str, random: Random) -> Pixels:
    turns = 1 if random.random() < 0.5 else 3
    return np.ascontiguousarray(np.rot90(_worn(page, level, random), turns))


def _blank(page: Page, level: str, random: Random) -> Pixels:
    """The back of the sheet, where its front shows through."""
    paper = np.full_like(np.asarray(page.image), 250)
    back = cv2.GaussianBlur(np.ascontiguousarray(np.asarray(page.image)[:, ::-1]), (0, 0), 3)
    share = 2 * LEVELS[level].show_through
    shown = cv2.addWeighted(paper, 1.0, cv2.bitwise_not(back), -share, 0)
    return damage.photographed(np.asarray(shown, np.uint8), LEVELS[level], random)


def _two_sheets(page: Page, level: str, random: Random) -> Pixels:
    """One sheet on another, moved by 25 to 60 mm and askew by 2 to 5 degrees."""
    paper = np.asarray(page.image)
    height, width = paper.shape[:2]
    turn = random.uniform(2, 5) * (1 if random.random() < 0.5 else -1)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    most = 0.4 * min(height, width)
    matrix[:, 2] += [math.copysign(min(most, px(random.uniform(25, 60))), random.uniform(-1, 1))
                     for _ in range(2)]  # fmt: skip
    under = cv2.flip(paper, -1) if random.random() < 0.3 else paper
    above = cv2.warpAffine(paper, matrix, (width, height), borderValue=(255, 255, 255))
    there = cv2.warpAffine(np.ones((height, width), np.float32), matrix, (width, height))
    shadow = 1 - 0.5 * cv2.GaussianBlur(there, (0, 0), px(0.8)) * (1 - there)
    both = np.where(there[..., None] > 0.5, above, under) * shadow[..., None]
    return damage.photographed(both.astype(np.uint8), LEVELS[level], random)


def _fingers(page: Page, level: str, random: Random) -> Pixels:
    """One to three fingers, 16 to 21 mm wide, that hold the sheet from its sides."""
    picture = _worn(page, level, random).copy()
    height, width = picture.shape[:2]
    skin = _SKINS[int(random.integers(len(_SKINS)))]
    left = random.random() < 0.5
    for _ in range(int(random.integers(1, 4))):
        thick, long = px(random.uniform(16, 21)), px(random.uniform(22, 42))
        y = int(random.integers(height // 8, 7 * height // 8))
        tip = (long if left else width - long, y + int(random.integers(-px(8), px(8))))
        root = (-thick if left else width + thick, y)
        cv2.line(picture, root, tip, tuple(int(part * 0.8) for part in skin), thick)
        cv2.line(picture, root, tip, skin, round(thick * 0.8))
    return picture


def _inside(length: int, random: Random) -> int:
    return int(random.integers(length // 4, 3 * length // 4))


FAULTS: dict[str, Callable[[Page, str, Random], Pixels]] = {
    "blurred": _blurred,
    "dark": _dark,
    "glare": _glare,
    "cut": _cut,
    "upside-down": _upside_down,
    "sideways": _sideways,
    "blank": _blank,
    "two-sheets": _two_sheets,
    "fingers": _fingers,
}
