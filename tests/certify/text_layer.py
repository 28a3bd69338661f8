"""Does the hidden text lie on the ink? Words of a PDF's text layer against the page image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
from pypdfium2 import raw

_SPECK = 6  # pixels; smaller blobs are dirt
_STROKE = 1.5  # what is so much larger than the word is a frame, a stamp or a pen's stroke
COVERED = 0.5

Boxes = npt.NDArray[np.float64]  # (n, 4): left, top, right, bottom, in pixels of the page image


@dataclass(frozen=True)
class Overlap:
    """``lying``: words of which at least half of the ink box is under the word's own box."""

    words: int
    lying: int

    @property
    def share(self) -> float:
        return self.lying / self.words


def overlap(pdf: bytes, image: npt.NDArray[np.uint8]) -> Overlap:
    """Of the first page. ``image``: its scan, grey, which fills the sheet."""
    ink, layer = ink_boxes(image), layer_words(pdf, image.shape)
    return Overlap(len(layer), sum(_lies(word, ink) for word in layer))


def ink_boxes(grey: npt.NDArray[np.uint8]) -> Boxes:
    """Boxes of connected dark pixels: letters, accents, and letters that touch."""
    around = cv2.GaussianBlur(grey, (0, 0), 25)
    dark = (grey.astype(np.int16) < around.astype(np.int16) - 30).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    left, top, width, height, area = stats[1:].T
    boxes = np.stack([left, top, left + width, top + height], 1)[area >= _SPECK]
    return boxes.astype(np.float64)


def layer_words(pdf: bytes, shape: tuple[int, ...]) -> list[npt.NDArray[np.float64]]:
    """A box for each hidden word of the first page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0]
        scale = shape[1] / page.get_width()
        found = list(_words(page.get_textpage()))
        return [_in_pixels(box, page.get_height(), scale) for box in found]
    finally:
        document.close()


def layer_text(pdf: bytes, pages: int) -> list[str]:
    """The hidden text of each of the first ``pages``."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [_hidden_text(document[index].get_textpage()) for index in range(pages)]
    finally:
        document.close()


def _hidden_text(text: pypdfium2.PdfTextPage) -> str:
    letters = enumerate(text.get_text_range())
    return "".join(found for index, found in letters if found.isspace() or _is_hidden(text, index))


def _words(text: pypdfium2.PdfTextPage) -> Iterator[npt.NDArray[np.float64]]:
    """Boxes in points: the union of the characters' between blanks."""
    letters: list[tuple[float, ...]] = []
    for index, letter in enumerate(text.get_text_range() + " "):
        if not letter.isspace() and _is_hidden(text, index):
            letters.append(text.get_charbox(index))
        elif letters:
            sides = np.array(letters)
            yield np.concatenate([sides[:, :2].min(0), sides[:, 2:].max(0)])
            letters = []


def _is_hidden(text: pypdfium2.PdfTextPage, index: int) -> bool:
    """Statement, margin line and watermark are text too, and are seen."""
    piece = raw.FPDFText_GetTextObject(text, index)
    return bool(raw.FPDFTextObj_GetTextRenderMode(piece) == raw.FPDF_TEXTRENDERMODE_INVISIBLE)


def _in_pixels(
    box: npt.NDArray[np.float64], height: float, scale: float
) -> npt.NDArray[np.float64]:
    left, bottom, right, top = box
    return np.array([left, height - top, right, height - bottom]) * scale


def _lies(word: npt.NDArray[np.float64], ink: Boxes) -> bool:
    """The ink box of a word: all ink whose middle is within the word's box, a little widened."""
    left, top, right, bottom = word
    middle, sides = (ink[:, :2] + ink[:, 2:]) / 2, ink[:, 2:] - ink[:, :2]
    slack = 0.2 * (bottom - top)
    inside = (
        (middle[:, 0] > left - slack)
        & (middle[:, 0] < right + slack)
        & (middle[:, 1] > top - slack)
        & (middle[:, 1] < bottom + slack)
        & (sides < _STROKE * np.array([right - left, bottom - top]) + 2).all(1)
    )
    if not inside.any():
        return False
    low, high = ink[inside, :2].min(0), ink[inside, 2:].max(0)
    common = np.minimum(high, [right, bottom]) - np.maximum(low, [left, top])
    return bool((common > 0).all() and common.prod() >= COVERED * (high - low).prod())
