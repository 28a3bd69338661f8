"""Pictures of sheets as an emulated scanner sees them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageOps

from drivers.emulators.escl_wire import Job

A4_MM = (210, 297)
_UNITS_PER_INCH = 300  # eSCL regions are in three-hundredths of an inch


def check(sheet: bytes) -> None:
    """Raises ValueError for what is no whole image."""
    try:
        Image.open(io.BytesIO(sheet)).load()
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"not a readable image: {error}") from None


def render(sheet: bytes | None, job: Job) -> bytes:
    """The asked region of an A4 bed with the sheet on it, encoded."""
    mode = "L" if job.mode == "Grayscale8" else "RGB"
    left, top, width, height = (round(side * job.dpi / _UNITS_PER_INCH) for side in job.box)
    bed = Image.new(mode, (left + width, top + height), "white")
    if sheet is not None:
        page = _lay_down(Image.open(io.BytesIO(sheet)).convert(mode), job.dpi)
        bed.paste(page, (0, 0))
    out = io.BytesIO()
    kind = "PNG" if job.format == "image/png" else "JPEG"
    options: dict[str, Any] = {"quality": 95} if kind == "JPEG" else {"compress_level": 1}
    region = bed.crop((left, top, left + width, top + height))
    region.save(out, kind, dpi=(job.dpi, job.dpi), **options)
    return out.getvalue()


def _lay_down(image: Image.Image, dpi: int) -> Image.Image:
    """The page as large as A4 allows, white around it."""
    width, height = (round(mm / 25.4 * dpi) for mm in A4_MM)
    if abs(image.width / image.height - width / height) < 0.02:
        return image.resize((width, height), Image.Resampling.BICUBIC)
    return ImageOps.pad(image, (width, height), color="white", centering=(0.5, 0.0))
