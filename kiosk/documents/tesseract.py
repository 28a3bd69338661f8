"""Tesseract's table of words, by tesserocr in this process or by pytesseract as a program.

In the process the model is loaded once, and nothing of a page is ever written to a file. Where
that library cannot be used, on a machine that it was not built for or with data that it does not
understand, pytesseract starts the program for every page. Document child only.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from kiosk.documents.cleanup import Pixels
from kiosk.failures import Fault, KioskError

LANGUAGE = "vie"
TIMEOUT = 60.0  # seconds a page; a full one takes about half a second
_LAYOUT = 4  # --psm 4, one column of lines of any size: best on papers
_DEBIAN_DATA = Path("/usr/share/tesseract-ocr")
log = logging.getLogger(__name__)


def table(letters: Pixels, dpi: int) -> str:
    """The words on a gray image in Tesseract's own format: tab-separated, a line a word.

    Raises KioskError (PAGE_UNREADABLE) when Tesseract or its Vietnamese data is missing, fails or
    takes longer than TIMEOUT.
    """
    reader = _in_process()
    return _by_program(letters, dpi) if reader is None else _by_library(reader, letters, dpi)


@cache
def _in_process() -> Any:
    """Tesseract with its model loaded, or None where it cannot be had so."""
    try:
        import tesserocr

        return tesserocr.PyTessBaseAPI(
            path=_data_folder(), lang=LANGUAGE, psm=_LAYOUT, oem=tesserocr.OEM.LSTM_ONLY
        )
    except (ImportError, RuntimeError) as error:
        log.warning("tesserocr cannot be used (%s), the program is", type(error).__name__)
        return None


def _data_folder() -> str:
    """Where the models are; tesserocr's own guess is the machine that it was built on."""
    newest = max(_DEBIAN_DATA.glob("*/tessdata"), default=_DEBIAN_DATA)
    return os.environ.get("TESSDATA_PREFIX", str(newest))


def _by_library(reader: Any, letters: Pixels, dpi: int) -> str:
    height, width = letters.shape
    reader.SetImageBytes(letters.tobytes(), width, height, 1, width)
    reader.SetSourceResolution(dpi)
    try:
        if not reader.Recognize(round(1000 * TIMEOUT)):
            raise KioskError(Fault.PAGE_UNREADABLE, "ocr failed or timed out", retryable=True)
        return str(reader.GetTSVText(0))
    finally:
        reader.Clear()  # the page is a citizen's


def _by_program(letters: Pixels, dpi: int) -> str:
    import pytesseract
    from PIL import Image

    try:
        return str(
            pytesseract.image_to_data(
                Image.fromarray(letters),
                lang=LANGUAGE,
                config=f"--psm {_LAYOUT} --dpi {dpi}",
                timeout=TIMEOUT,
            )
        )
    except (pytesseract.TesseractError, pytesseract.TesseractNotFoundError) as error:
        raise KioskError(Fault.PAGE_UNREADABLE, type(error).__name__) from None
    except RuntimeError:  # pytesseract's way of saying time-out
        raise KioskError(Fault.PAGE_UNREADABLE, "ocr timed out", retryable=True) from None
