"""A print that was scanned is the same page; one changed character on it is found and marked."""

from __future__ import annotations

import asyncio
import io

import cv2
import numpy as np
import pytest
import segno
from PIL import Image

from drivers.contract import Raster
from drivers.wire import Blob
from kiosk.documents import comparison
from kiosk.documents.cleanup import Pixels
from kiosk.documents.comparison import Box, Comparison
from kiosk.documents.paper import Compared, PaperExaminer, Sheet
from kiosk.documents.paper_worker import PaperWorker
from kiosk.failures import Fault, KioskError
from tests.kiosk.documents import altered

KIND = "birth_certificate"


@pytest.fixture(scope="module")
def page() -> Pixels:
    return np.asarray(Image.open(io.BytesIO(altered.issued_page(KIND))))


@pytest.fixture(scope="module")
def print_of_it() -> Pixels:
    return altered.scanned(KIND, "", 1)


def gray(scan: Pixels) -> Pixels:
    return cv2.cvtColor(scan, cv2.COLOR_RGB2GRAY)


def marked(found: Comparison, x: int, y: int) -> bool:
    return any(
        box.left <= x <= box.left + box.width and box.top <= y <= box.top + box.height
        for box in found.boxes
    )


def test_printer_and_scanner_change_nothing(page: Pixels, print_of_it: Pixels) -> None:
    found = comparison.compare(gray(print_of_it), page)
    assert found.matrix is not None
    assert found.boxes == ()


@pytest.mark.parametrize(
    ("change", "x", "y"),
    [
        ("3 to 8 in a date", 613, 687),
        ("one letter of a name", 655, 605),
    ],
)
def test_one_changed_character_is_marked(page: Pixels, change: str, x: int, y: int) -> None:
    found = comparison.compare(gray(altered.scanned(KIND, change, 3)), page)
    assert marked(found, x, y), found.boxes
    assert len(found.boxes) == 1


def test_ink_that_is_gone_is_marked_too(page: Pixels, print_of_it: Pixels) -> None:
    more = page.copy()
    cv2.line(more, (600, 700), (640, 700), 0, 6)  # was issued, and is not on the paper
    found = comparison.compare(gray(print_of_it), more)
    assert marked(found, 620, 700)
    assert not comparison.compare(gray(print_of_it), more, [Box(580, 680, 80, 40)]).boxes


def test_it_may_lie_upside_down(page: Pixels, print_of_it: Pixels) -> None:
    turned = np.ascontiguousarray(gray(print_of_it)[::-1, ::-1])
    assert comparison.compare(turned, page).boxes == ()


@pytest.mark.parametrize(("kind", "person"), [(KIND, "others"), ("diploma", "")])
def test_another_page_is_another_page(page: Pixels, kind: str, person: str) -> None:
    found = comparison.compare(gray(altered.scanned(kind, person, 2)), page)
    assert found.matrix is None or len(found.boxes) > 8


def test_a_blank_sheet_is_another_page(page: Pixels) -> None:
    assert comparison.compare(np.full_like(page, 250), page).matrix is None


def test_the_child_gives_the_scan_with_marks_and_close_ups(page: Pixels) -> None:
    scan = altered.scanned(KIND, "3 to 8 in a date", 1)
    raster = Raster(Blob.of(scan.tobytes()), scan.shape[1], scan.shape[0], 3, 200)

    async def story() -> tuple[Sheet, Compared]:
        examiner = PaperExaminer()
        try:
            sheet = await examiner.look(raster)
            return sheet, await examiner.compare(sheet, altered.issued_page(KIND), [])
        finally:
            await examiner.close()

    sheet, found = asyncio.run(story())
    assert sheet.codes == ()  # its seal is on a sheet of its own
    ((left, top, width, height),) = found.marks
    assert left * page.shape[1] < 613 < (left + width) * page.shape[1]
    assert top * page.shape[0] < 687 < (top + height) * page.shape[0]
    assert Image.open(io.BytesIO(found.picture)).width == 900
    (close_up,) = found.close_ups
    assert Image.open(io.BytesIO(close_up)).width > 100


def test_codes_on_a_sheet_are_read() -> None:
    text = "HTTPS://XACTHUC.MOT-CUA.EXAMPLE/V/ABC"
    rows = np.array(list(segno.make(text, error="m").matrix_iter(scale=4, border=4)), np.uint8)
    sheet = np.where(rows > 0, 0, 255).astype(np.uint8)
    answer = PaperWorker().look(Blob.of(sheet.tobytes()), sheet.shape[1], sheet.shape[0], 1, 200)
    assert answer["codes"] == [text]


def test_what_is_no_sheet_is_refused() -> None:
    with pytest.raises(KioskError) as caught:
        PaperWorker().look(Blob.of(b"123"), 4, 4, 1, 200)
    assert caught.value.code == Fault.PAGE_UNREADABLE
