"""Invented citizens, and the only face the sandbox has.

The face is ``skimage.data.astronaut()``, a NASA portrait in the public domain (extra ``dev``).
Everything drawn from it is deterministic. Pillow and NumPy only: the demo may call this anywhere.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from kiosk.identity.numbers import Sex

Pixels = npt.NDArray[np.uint8]

FRAME_SIZE = (640, 480)
_PORTRAIT_BOX = (114, 0, 334, 293)  # passport shape, 3:4; head and collar
_FRAME_BOX = (24, 0, 424, 300)  # what a camera at arm's length sees, 4:3


@dataclass(frozen=True, slots=True)
class Citizen:
    """A person who does not exist; the number's serial of zeros is never given out."""

    name: str
    number: str
    birth_date: date
    sex: Sex
    birthplace: str
    residence: str
    ethnicity: str
    nationality: str
    father: str
    mother: str
    card_issued: date

    @property
    def card_payload(self) -> str:
        """What the QR code on this person's card says."""
        sex = "Nữ" if self.sex is Sex.FEMALE else "Nam"
        birth, issued = (f"{day:%d%m%Y}" for day in (self.birth_date, self.card_issued))
        return f"{self.number}||{self.name}|{birth}|{sex}|{self.residence}|{issued}"


PERSON = Citizen(
    name="Trần Thị Mẫu",
    number="001192000000",
    birth_date=date(1992, 3, 14),
    sex=Sex.FEMALE,
    birthplace="Xã Yên Hòa, thành phố Hà Nội",
    residence="Số 12 ngõ Mẫu, Xã Yên Hòa, thành phố Hà Nội",
    ethnicity="Kinh",
    nationality="Việt Nam",
    father="Trần Văn Thử",
    mother="Lê Thị Nghiệm",
    card_issued=date(2022, 5, 20),
)

OTHER_PERSON = Citizen(
    name="Nguyễn Văn Thí",
    number="031085000000",
    birth_date=date(1985, 11, 2),
    sex=Sex.MALE,
    birthplace="Phường Hồng Bàng, thành phố Hải Phòng",
    residence="Số 7 phố Thí Dụ, Phường Hồng Bàng, thành phố Hải Phòng",
    ethnicity="Kinh",
    nationality="Việt Nam",
    father="Nguyễn Văn Giả",
    mother="Phạm Thị Định",
    card_issued=date(2021, 8, 9),
)


@dataclass(frozen=True, slots=True)
class _Pin:
    """A soft magnifier: everything near (x, y) grows by ``grow`` and moves by ``shift``.

    Distances in pixels of the astronaut picture.
    """

    x: float
    y: float
    radius: float
    grow: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)


# Nose, chin, mouth and both eyes. Found by trying: dlib's distance grows fastest when the eyes
# move together and the mouth gets taller, and the detector still sees a face.
_STRANGER_PINS = (
    _Pin(224, 128, 17.4, (1.01, 1.33), (0.0, 1.6)),
    _Pin(224, 172, 35.0, (1.08, 1.01), (0.0, 5.7)),
    _Pin(223, 147, 21.2, (1.23, 1.46), (0.0, 2.8)),
    _Pin(203, 102, 18.7, (0.79, 0.72), (7.9, -1.9)),
    _Pin(246, 104, 18.7, (0.79, 0.74), (-7.9, -1.9)),
)


def portrait() -> bytes:
    """PERSON as the identity provider knows her: JPEG, 330 by 440 pixels, RGB."""
    return _jpeg(_astronaut().crop(_PORTRAIT_BOX).resize((330, 440), Image.Resampling.LANCZOS))


def card_portrait() -> bytes:
    """The same on her card: JPEG of about 16 KB, which is what a chip has room for."""
    return _jpeg(
        _astronaut().crop(_PORTRAIT_BOX).resize((330, 440), Image.Resampling.LANCZOS), quality=70
    )


def camera_frames(count: int) -> list[bytes]:
    """PERSON before the camera: ``count`` different JPEG frames of 640 by 480 pixels."""
    return list(_frames(_astronaut(), count, seed=1))


def stranger_frames(count: int) -> list[bytes]:
    """Someone whom PERSON's portrait must not match: JPEG frames of 640 by 480 pixels.

    Not a second person: no other face may be shipped, so this is the same picture with its features
    moved and its tone darkened until dlib's distance passes 0.6. It shows that a mismatch is told
    as one; it says nothing about how well the matcher tells people apart.
    """
    stranger = Image.fromarray(_darken(_warp(np.asarray(_astronaut()), _STRANGER_PINS)))
    return list(_frames(stranger, count, seed=2))


def empty_frames(count: int) -> list[bytes]:
    """A lit room with nobody in it: JPEG frames of 640 by 480 pixels."""
    width, height = FRAME_SIZE
    wall = np.linspace(150, 190, width, dtype=np.float32)
    frames = []
    for index in range(count):
        noise = np.random.default_rng(index).normal(0, 3, (height, width))
        gray = np.clip(wall + noise, 0, 255).astype(np.uint8)
        frames.append(_jpeg(Image.fromarray(gray).convert("RGB")))
    return frames


def _astronaut() -> Image.Image:
    from skimage import data  # dev extra; and slow to import

    return Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]


def _frames(person: Image.Image, count: int, seed: int) -> Iterator[bytes]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield _jpeg(_photograph(person, random), quality=88)


def _photograph(person: Image.Image, random: np.random.Generator) -> Image.Image:
    """Another photograph of ``person``: step, sway, tilt, turn, light, focus and sensor noise."""
    left, top, right, bottom = _FRAME_BOX
    closer = random.uniform(0, 24)
    sway = random.uniform(-14, 14)
    turned = random.uniform(0, 12)  # a head turned a little looks narrower
    box = (left + closer + sway - turned, top, right - closer + sway + turned, bottom - closer)
    tilted = person.rotate(
        random.uniform(-4, 4),
        Image.Resampling.BICUBIC,
        center=(224, 150),
        fillcolor=(160, 150, 140),
    )
    frame = tilted.resize(FRAME_SIZE, Image.Resampling.BICUBIC, box=box)
    frame = ImageEnhance.Brightness(frame).enhance(random.uniform(0.8, 1.15))
    frame = ImageEnhance.Contrast(frame).enhance(random.uniform(0.85, 1.1))
    frame = frame.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.0)))
    noise = random.normal(0, 4, (FRAME_SIZE[1], FRAME_SIZE[0], 3))
    return Image.fromarray(np.clip(np.asarray(frame) + noise, 0, 255).astype(np.uint8))


def _warp(image: Pixels, pins: tuple[_Pin, ...]) -> Pixels:
    height, width, _ = image.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    from_x, from_y = x.copy(), y.copy()
    for pin in pins:
        weight = np.exp(-((x - pin.x) ** 2 + (y - pin.y) ** 2) / pin.radius**2)
        from_x += weight * ((pin.x - x) * (1 - 1 / pin.grow[0]) - pin.shift[0])
        from_y += weight * ((pin.y - y) * (1 - 1 / pin.grow[1]) - pin.shift[1])
    return _sample(image, from_x, from_y)


def _sample(
    image: Pixels, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    """``image`` at fractional places, bilinear; beyond the edge the edge goes on."""
    height, width, _ = image.shape
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    column, row = x.astype(int), y.astype(int)
    right, down = (x - column)[..., None], (y - row)[..., None]
    upper = image[row, column] * (1 - right) + image[row, column + 1] * right
    lower = image[row + 1, column] * (1 - right) + image[row + 1, column + 1] * right
    return np.asarray(np.rint(upper * (1 - down) + lower * down), np.uint8)


def _darken(image: Pixels) -> Pixels:
    tone = (image / 255.0) ** 1.5 * (1.0, 1.0, 0.85)
    return np.asarray(np.rint(tone * 255), np.uint8)


def _jpeg(image: Image.Image, quality: int = 92) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
