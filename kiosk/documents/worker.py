"""The inside of the document child: a raster or an image file in, a kept page with words out."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from certify.pages import Word, open_page, page_count
from drivers.wire import Blob
from kiosk.documents import cleanup, ocr, quality, upright
from kiosk.documents.cleanup import Pixels
from kiosk.failures import Fault, KioskError

_A4_WIDTH_INCHES = 8.27
_LEAST_DPI = 72
_NOT_WORTH_READING = {Fault.PAGE_BLANK, Fault.PAGE_DARK, Fault.PAGE_TOO_SMALL}
_THUMBNAIL_WIDTH = 240
_DOUBTFUL = 70  # mean confidence; below it the page may stand on its head
_CLEARLY_BETTER = 15
_KEPT_QUALITY = 75  # about 0.3 MB for a page of 200 dpi


class DocumentWorker:
    """``folder``: where Tesseract's files go, each child in a place of its own."""

    def __init__(self, folder: str) -> None:
        tempfile.tempdir = os.path.join(folder, str(os.getpid()))
        os.mkdir(tempfile.tempdir, mode=0o700)

    def read_raster(
        self, pixels: Blob, width: int, height: int, channels: int, dpi: int
    ) -> dict[str, Any]:
        """A page of the scanner. Raises KioskError (PAGE_UNREADABLE) when sizes do not fit."""
        if channels not in (1, 3) or width * height * channels != pixels.size or not pixels.size:
            raise KioskError(Fault.PAGE_UNREADABLE, "raster sizes disagree")
        array = np.frombuffer(pixels.view(), np.uint8).reshape(height, width, channels)
        return _read(np.repeat(array, 3, axis=2) if channels == 1 else array, dpi)

    def count_pages(self, file: str) -> int:
        """Pages of an image file or PDF. Raises CertifyError as certify.pages does."""
        return page_count(Path(file))

    def read_file(self, file: str, index: int) -> dict[str, Any]:
        """One page of an image file or PDF. Raises CertifyError as certify.pages does."""
        page, dpi = open_page(Path(file), index)
        return _read(np.asarray(page if page.mode == "RGB" else page.convert("RGB")), dpi)


def _read(page: Pixels, dpi: int) -> dict[str, Any]:
    dpi = dpi or max(_LEAST_DPI, round(min(page.shape[:2]) / _A4_WIDTH_INCHES))
    if upright.on_its_side(page):  # which way is left to the reading: it finds heads and feet
        page = np.ascontiguousarray(np.rot90(page))
    findings = quality.findings(page, dpi)
    if _NOT_WORTH_READING.intersection(findings):
        return _answer(page, dpi, (), findings)
    clean = cleanup.clean(page, dpi)
    kept, words = clean.kept, ocr.read_words(clean.letters, clean.letters_dpi, dpi)
    if ocr.mean_confidence(words) < _DOUBTFUL:
        turned = ocr.read_words(_upside_down(clean.letters), clean.letters_dpi, dpi)
        if ocr.mean_confidence(turned) > ocr.mean_confidence(words) + _CLEARLY_BETTER:
            kept, words = _upside_down(kept), turned
    return _answer(kept, dpi, words, findings)


def _upside_down(image: Pixels) -> Pixels:
    return np.ascontiguousarray(image[::-1, ::-1])


def _answer(
    kept: Pixels, dpi: int, words: tuple[Word, ...], findings: tuple[Fault, ...]
) -> dict[str, Any]:
    return {
        "jpeg": Blob.of(_jpeg(kept, _KEPT_QUALITY, dpi)),
        "thumbnail": Blob.of(_jpeg(cleanup.shrunk(kept, _THUMBNAIL_WIDTH), 80, dpi)),
        "width": kept.shape[1],
        "height": kept.shape[0],
        "dpi": dpi,
        "words": [[w.text, w.left, w.top, w.width, w.height, w.confidence, w.line] for w in words],
        "findings": [str(finding) for finding in findings],
        "confidence": ocr.mean_confidence(words),
    }


def _jpeg(image: Pixels, quality: int, dpi: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True, dpi=(dpi, dpi))
    return buffer.getvalue()
