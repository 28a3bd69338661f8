"""The inside of the child that looks at paper copies: their seal, and whether they were changed."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image

from drivers import codes
from drivers.wire import Blob
from kiosk.documents import comparison
from kiosk.documents.cleanup import Pixels, shrunk
from kiosk.documents.comparison import Box
from kiosk.failures import Fault, KioskError

_SHOWN_WIDTH = 900  # pixels; the screen has 984 for everything
_CLOSE_UPS = 3
_AROUND = 24  # pixels at 200 dpi, 3 mm


class PaperWorker:
    def look(
        self, pixels: Blob, width: int, height: int, channels: int, dpi: int
    ) -> dict[str, Any]:
        """A scanned sheet: {jpeg, dpi, codes (payloads of its QR codes)}.

        Raises KioskError (PAGE_UNREADABLE) when sizes do not fit."""
        if channels not in (1, 3) or width * height * channels != pixels.size or not pixels.size:
            raise KioskError(Fault.PAGE_UNREADABLE, "raster sizes disagree")
        array = np.frombuffer(pixels.view(), np.uint8).reshape(height, width, channels)
        page = np.repeat(array, 3, axis=2) if channels == 1 else array
        return {"jpeg": Blob.of(_jpeg(page)), "dpi": dpi, "codes": codes.decode(page)}

    def compare(
        self, scan: Blob, dpi: int, issued: Blob, ignored: list[list[int]]
    ) -> dict[str, Any]:
        """``scan`` and ``issued``: JPEG. {same_page, picture (JPEG: the scan, upright), marks
        (left, top, width, height, in parts of the picture), close_ups (JPEG, of the first marks)}.
        """
        page = _at_200_dpi(_pixels(scan), dpi)
        original = _pixels(issued)[:, :, 0]
        gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
        boxes = [Box(*map(int, box)) for box in ignored]
        found = comparison.compare(gray, np.ascontiguousarray(original), boxes)
        if found.matrix is None:
            return {"same_page": False, "picture": _shown(page), "marks": [], "close_ups": []}
        height, width = original.shape
        upright = cv2.warpPerspective(
            page, found.matrix, (width, height), borderValue=(255.0, 255.0, 255.0)
        )
        return {
            "same_page": True,
            "picture": _shown(upright),
            "marks": [
                [box.left / width, box.top / height, box.width / width, box.height / height]
                for box in found.boxes
            ],
            "close_ups": [_close_up(upright, box) for box in found.boxes[:_CLOSE_UPS]],
        }


def _pixels(file: Blob) -> Pixels:
    try:
        with Image.open(io.BytesIO(file.read()), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError):
        raise KioskError(Fault.PAGE_UNREADABLE, "not a JPEG") from None


def _at_200_dpi(page: Pixels, dpi: int) -> Pixels:
    scale = comparison.DPI / dpi
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return page if scale == 1 else cv2.resize(page, None, fx=scale, fy=scale, interpolation=way)


def _close_up(page: Pixels, box: Box) -> Blob:
    """What is marked and a little around it; three times as wide as high, so that it is a line."""
    middle_x, middle_y = box.left + box.width // 2, box.top + box.height // 2
    half_high = max(box.height // 2 + _AROUND, (box.width // 2 + _AROUND) // 3)
    half_wide = 3 * half_high
    rows = slice(max(0, middle_y - half_high), middle_y + half_high)
    return Blob.of(_jpeg(page[rows, max(0, middle_x - half_wide) : middle_x + half_wide]))


def _shown(page: Pixels) -> Blob:
    return Blob.of(_jpeg(shrunk(page, _SHOWN_WIDTH)))


def _jpeg(page: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(page).save(out, "JPEG", quality=90)
    return out.getvalue()
