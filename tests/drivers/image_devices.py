"""Pictures and small helps for the tests of the scanner and the camera."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from drivers.contract import Raster

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    pixels: Pixels
    dpi: int


def page(number: int, size: tuple[int, int] = (827, 1169)) -> Image.Image:
    """An A4 page at 100 dpi that differs from every other one."""
    image = Image.new("RGB", size, (252, 248, 240))
    draw = ImageDraw.Draw(image)
    for line in range(20):
        width = size[0] * (3 + (line * 7 + number * 5) % 11) // 16
        top = size[1] * (line + 2) // 24
        draw.rectangle((60, top, 60 + width, top + 14), fill=(40, 30, 20 + 10 * line))
    draw.ellipse((500, 100 * number, 700, 100 * number + 200), outline=(200, 20, 30), width=8)
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(raster: Raster) -> Picture:
    """The pixels, copied out; the shared memory is given back."""
    shape = (raster.height, raster.width, raster.channels)
    pixels = np.frombuffer(raster.pixels.read(), np.uint8).reshape(shape)
    raster.pixels.close()
    return Picture(pixels, raster.dpi)


async def collect(rasters: AsyncIterator[Raster], into: list[Picture]) -> None:
    """What comes before a failure is kept too."""
    async for raster in rasters:
        into.append(picture(raster))  # noqa: PERF401


def difference(seen: Pixels, image: Image.Image) -> float:
    """Mean difference in gray levels of the part both have, from the top left corner."""
    expected = np.asarray(image.convert("L" if seen.shape[2] == 1 else "RGB"), np.int16)
    expected = expected.reshape(*expected.shape[:2], -1)
    height, width = min(seen.shape[0], expected.shape[0]), min(seen.shape[1], expected.shape[1])
    return float(np.abs(seen[:height, :width] - expected[:height, :width]).mean())
