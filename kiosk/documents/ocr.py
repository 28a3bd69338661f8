"""Letters in, words with boxes out. Document child only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from certify.pages import Word
from kiosk.documents import tesseract
from kiosk.documents.cleanup import Pixels

_LEAST_CONFIDENCE = 25  # below it are pen strokes, stamp rests and specks
_LEADERS = re.compile(r"[.…·_,'`\"|-]{2,}|[|\\_~`]")
_NUMBER = re.compile(r"(?=(?:[^0-9]*[0-9]){4})[0-9Oo]{6,}")
_WORD, _COLUMNS = "5", 12  # in Tesseract's table; blocks and lines have lower levels


def read_words(letters: Pixels, dpi: int, page_dpi: int) -> tuple[Word, ...]:
    """The words on a gray image of ``dpi``, in reading order, with boxes in pixels of ``page_dpi``.

    Raises KioskError (PAGE_UNREADABLE) when Tesseract fails.
    """
    return tuple(_words(tesseract.table(letters, dpi), page_dpi / dpi))


def mean_confidence(words: tuple[Word, ...]) -> float:
    """0 to 100, each word weighing as many as its letters; 0 without words."""
    letters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / letters if letters else 0.0


def _words(table: str, scale: float) -> Iterator[Word]:
    lines: dict[tuple[str, ...], int] = {}
    rows = (row.split("\t") for row in table.split("\n"))
    for row in rows:
        if row[0] != _WORD or len(row) != _COLUMNS:
            continue
        _, _, block, paragraph, line, _, *box, confident, text = row
        confidence = round(float(confident))
        if not _is_text(text, confidence):
            continue
        left, top, width, height = (round(int(side) * scale) for side in box)
        number = lines.setdefault((block, paragraph, line), len(lines))
        word = _NUMBER.sub(_as_digits, text.strip())
        yield Word(word, left, top, width, height, confidence, number)


def _is_text(text: str, confidence: int) -> bool:
    return bool(text.strip()) and confidence >= _LEAST_CONFIDENCE and not _LEADERS.fullmatch(text)


def _as_digits(run: re.Match[str]) -> str:
    """A letter O in a long number is a zero."""
    return run.group().replace("O", "0").replace("o", "0")
