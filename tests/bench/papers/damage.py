"""Four levels of wear, from a scan of a flat sheet to a paper that lived in a wallet.

What happens to the paper comes first (the back shows through, stains, stamps, folds), then what
happens to its picture (held askew, lit unevenly, out of focus, grain, JPEG). The parameters were
fixed before anything was tuned on them. NumPy and OpenCV; the same arguments, the same pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.bench.papers.corpus import Page, mixed
from tests.bench.papers.sheet import DPI, Box, press, px, stamp_mask

Pixels = npt.NDArray[np.uint8]
_TABLE = (226, 224, 220)  # what lies behind the sheet
_TEA = np.array([0.80, 0.66, 0.44])  # what a stain leaves of red, green and blue
_STAMPS = (("CÔNG TY THÍ DỤ * HÀ NỘI * ", "THÍ DỤ"), ("VĂN PHÒNG CÔNG CHỨNG * SỐ 9 * ", "SỐ 9"))


@dataclass(frozen=True, slots=True)
class Wear:
    """Degrees, millimetres, levels of 255, counts and shares of 1; each as its name says."""

    skew: float  # degrees, either way
    perspective: float  # mm by which a corner moves
    light: float  # share of the light that the darkest corner lacks
    noise: float  # standard deviation, levels
    blur: float  # mm, sigma
    jpeg: int  # quality
    stamps: int  # red, over the text
    stains: int
    folds: int
    show_through: float  # share of the back's ink


LEVELS: dict[str, Wear] = {
    "clean": Wear(0.0, 0.0, 0.0, 2.0, 0.0, 92, 0, 0, 0, 0.0),
    "light": Wear(0.6, 0.5, 0.15, 6.0, 0.05, 75, 0, 0, 1, 0.04),
    "medium": Wear(1.8, 1.5, 0.35, 12.0, 0.085, 55, 1, 1, 2, 0.09),
    "heavy": Wear(3.0, 3.0, 0.50, 18.0, 0.11, 35, 2, 3, 4, 0.15),
}


@dataclass(frozen=True, slots=True)
class Scan:
    """A worn page. ``matrix`` (3 by 3) brings places of the clean page to places of ``image``."""

    page: Page
    level: str
    image: Image.Image
    matrix: npt.NDArray[np.float64]

    def place(self, box: Box) -> Box:
        """Where ``box`` of the clean page lies: the upright rectangle around it."""
        corners = np.array(
            [[(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]], np.float64
        )
        moved = cv2.perspectiveTransform(corners, self.matrix)[0]
        (left, top), (right, bottom) = moved.min(axis=0), moved.max(axis=0)
        return Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))


def worn(page: Page, level: str, seed: int) -> Scan:
    """``page`` after ``level`` of LEVELS."""
    wear, random = LEVELS[level], np.random.default_rng(mixed(f"{page.kind} {level}", seed))
    paper = np.asarray(page.image)
    if page.group != "card":  # plastic is neither folded nor stamped
        paper = _aged(paper, wear, random)
    paper, matrix = _askew(paper, wear, random)
    image = Image.fromarray(photographed(paper, wear, random))
    return Scan(page, level, image, matrix)


def _aged(paper: Pixels, wear: Wear, random: np.random.Generator) -> Pixels:
    if wear.show_through:
        paper = _shown_through(paper, wear.show_through, random)
    for _ in range(wear.stains):
        paper = _stained(paper, random)
    paper = _stamped(paper, wear.stamps, random)
    for number in range(wear.folds):
        paper = _folded(paper, number % 2 == 0, random)
    return paper


def photographed(paper: Pixels, wear: Wear, random: np.random.Generator) -> Pixels:
    """What light, lens, sensor and compression make of a sheet."""
    picture = paper.astype(np.float32)
    if wear.light:
        picture *= _light(paper.shape[0], paper.shape[1], wear.light, random)[..., None]
    if wear.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), wear.blur * DPI / 25.4)
    grain = random.standard_normal(paper.shape[:2], np.float32)
    picture += np.float32(wear.noise) * grain[..., None]
    levels = cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    _, packed = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, wear.jpeg])
    return np.asarray(cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def _light(
    height: int, width: int, depth: float, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """1 in one corner, 1 - ``depth`` in the opposite one, falling smoothly."""
    across, down = np.linspace(0, 1, width), np.linspace(0, 1, height)
    across = across[::-1] if random.random() < 0.5 else across
    down = down[::-1] if random.random() < 0.5 else down
    shade = (across[None, :] + down[:, None]) / 2
    return np.asarray(1 - depth * shade**1.5, np.float32)


def _shown_through(paper: Pixels, share: float, random: np.random.Generator) -> Pixels:
    """The other side's ink: the page itself, mirrored, shifted and soft."""
    back = np.roll(paper[:, ::-1], int(random.integers(px(20), px(60))), axis=0)
    soft = cv2.GaussianBlur(np.ascontiguousarray(back), (0, 0), 3)
    return cv2.addWeighted(paper, 1.0, cv2.bitwise_not(soft), -share, 0)


def _stained(paper: Pixels, random: np.random.Generator) -> Pixels:
    """The ring and the pool of a cup of tea; print under it stays."""
    height, width = paper.shape[:2]
    centre = (int(random.integers(0, width)), int(random.integers(0, height)))
    radius = int(random.integers(px(14), px(32)))
    pool = np.zeros((height, width), np.float32)
    cv2.circle(pool, centre, radius, 0.45, -1)
    cv2.circle(pool, centre, radius, 1.0, px(1.2))
    pool = cv2.GaussianBlur(pool, (0, 0), px(0.7))
    left = 1 - pool[..., None] * (1 - _TEA.astype(np.float32))
    return np.asarray(paper * left, np.uint8)


def _stamped(paper: Pixels, count: int, random: np.random.Generator) -> Pixels:
    page = Image.fromarray(paper)
    for number in range(count):
        mask = stamp_mask(*_STAMPS[number % 2])
        x = int(random.integers(px(20), max(px(21), page.width - px(20))))
        y = int(random.integers(px(20), max(px(21), page.height - px(20))))
        press(page, (x, y), mask, random.uniform(0.7, 0.95), random.uniform(-25, 25))
    return np.asarray(page)


def _folded(paper: Pixels, across: bool, random: np.random.Generator) -> Pixels:
    """A crease: a dark line where toner is partly lost, a soft shadow on one side of it."""
    side = paper.shape[0] if across else paper.shape[1]
    at = side * random.uniform(0.2, 0.8)
    away = (np.arange(side) - at) / DPI * 25.4
    shadow = 0.16 * np.exp(-np.maximum(away, 0) / 5) * (away >= 0)
    crease = 0.45 * np.exp(-np.square(away / 0.16))
    left = (1 - shadow - crease).astype(np.float32)
    left = left[:, None, None] if across else left[None, :, None]
    return np.asarray(np.clip(paper * left, 0, 255), np.uint8)


def _askew(
    paper: Pixels, wear: Wear, random: np.random.Generator
) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """Turned and seen from aside, on a picture large enough to cut nothing off."""
    if not wear.skew and not wear.perspective:
        return paper, np.eye(3)
    height, width = paper.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    turn = math.radians(wear.skew) * (1 if random.random() < 0.5 else -1)
    rotation = np.array([(math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))])
    moved = (corners - corners.mean(axis=0)) @ rotation.T
    moved += random.uniform(-1, 1, (4, 2)) * wear.perspective * DPI / 25.4
    moved -= moved.min(axis=0)
    size = (math.ceil(moved[:, 0].max()), math.ceil(moved[:, 1].max()))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    warped = cv2.warpPerspective(paper, matrix, size, flags=cv2.INTER_CUBIC, borderValue=_TABLE)
    return np.asarray(warped, np.uint8), np.asarray(matrix, np.float64)
