"""Tesseract through pytesseract: letters in, words with boxes out. Document child only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytesseract
from PIL import Image

from certify.pages import Word
from kiosk.documents.cleanup import Pixels
from kiosk.failures import Fault, KioskError

LANGUAGE = "vie"
TIMEOUT = 60.0  # seconds a page; a full one takes about two
_LAYOUT = 4  # --psm 4, one column of lines of any size: best on papers
_DPI_RANGE = (200, 300)  # below, marks over letters melt; above, only the time grows
_LEAST_CONFIDENCE = 25  # below it are pen strokes, stamp rests and specks
_LEADERS = re.compile(r"[.…·_,'`\"|-]{2,}|[|\\_~`]")
_NUMBER = re.compile(r"(?=(?:[^0-9]*[0-9]){4})[0-9Oo]{6,}")


def read_words(letters: Pixels, dpi: int) -> tuple[Word, ...]:
    """The words on a gray image, in reading order, with boxes in its pixels.

    Raises KioskError (PAGE_UNREADABLE) when Tesseract or its Vietnamese data is missing, fails or
    takes longer than TIMEOUT.
    """
    factor = min(max(dpi, _DPI_RANGE[0]), _DPI_RANGE[1]) / dpi
    image = Image.fromarray(letters)
    if factor != 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return tuple(_words(_table(image, round(dpi * factor)), factor))


def mean_confidence(words: tuple[Word, ...]) -> float:
    """0 to 100, each word weighing as many as its letters; 0 without words."""
    letters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / letters if letters else 0.0


def _table(image: Image.Image, dpi: int) -> dict[str, list[Any]]:
    """Tesseract's table of boxes, a list for each column."""
    try:
        table: dict[str, list[Any]] = pytesseract.image_to_data(
            image,
            lang=LANGUAGE,
            config=f"--psm {_LAYOUT} --dpi {dpi}",
            output_type=pytesseract.Output.DICT,
            timeout=TIMEOUT,
        )
    except (pytesseract.TesseractError, pytesseract.TesseractNotFoundError) as error:
        raise KioskError(Fault.PAGE_UNREADABLE, type(error).__name__) from None
    except RuntimeError:  # pytesseract's way of saying time-out
        raise KioskError(Fault.PAGE_UNREADABLE, "ocr timed out", retryable=True) from None
    return table


def _words(table: dict[str, list[Any]], factor: float) -> Iterator[Word]:
    lines: dict[tuple[int, int, int], int] = {}
    for row, text in enumerate(table["text"]):
        confidence = round(float(table["conf"][row]))
        if not text.strip() or confidence < _LEAST_CONFIDENCE or _LEADERS.fullmatch(text):
            continue
        place = (table["block_num"][row], table["par_num"][row], table["line_num"][row])
        yield Word(
            text=_NUMBER.sub(_as_digits, text.strip()),
            left=round(table["left"][row] / factor),
            top=round(table["top"][row] / factor),
            width=round(table["width"][row] / factor),
            height=round(table["height"][row] / factor),
            confidence=confidence,
            line=lines.setdefault(place, len(lines)),
        )


def _as_digits(run: re.Match[str]) -> str:
    """A letter O in a long number is a zero."""
    return run.group().replace("O", "0").replace("o", "0")
