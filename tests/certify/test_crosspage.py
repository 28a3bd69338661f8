"""The marks in the margin of every sheet, and the one that joins over all of them, as rendered."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from certify import crosspage
from certify.drawing import MM, place
from certify.issue import assemble
from certify.numbers import grouped
from certify.pages import SourcePage
from tests.certify import specimens

DPI = 200
A4_MM = (210, 297)
SQUARE_MM = (40, 60, 25)  # left, top, side
COLOURS = ((250, 246, 236), (236, 244, 250), (252, 252, 252))
Pixels = npt.NDArray[np.uint8]


def pixels(millimetres: float) -> int:
    return round(millimetres / 25.4 * DPI)


def sheet(
    paper: tuple[int, int, int], *, square: tuple[int, int, int] = (180, 30, 40), edge: bool = False
) -> SourcePage:
    """A square of known place and colour; ``edge``: writing in the middle of the right margin."""
    image = Image.new("RGB", (pixels(210), pixels(297)), paper)
    draw = ImageDraw.Draw(image)
    left, top, side = SQUARE_MM
    draw.rectangle([pixels(x) for x in (left, top, left + side, top + side)], square)
    if edge:
        draw.rectangle([pixels(x) for x in (201, 145, 204, 152)], (20, 20, 20))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, subsampling=0, dpi=(DPI, DPI))
    return SourcePage(out.getvalue(), image.width, image.height, DPI, ())


@cache
def rendered(count: int, *, edge: bool = False) -> list[Pixels]:
    return [np.asarray(page) for page in render(copy(count, edge=edge))]


@cache
def copy(count: int, *, edge: bool = False) -> bytes:
    pages = [sheet(COLOURS[number], edge=edge) for number in range(count)]
    return assemble(pages, specimens.facts(), lambda _: "HTTPS://X.EXAMPLE/V/" + 240 * "A")


def render(pdf: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=DPI / 72).to_pil().convert("RGB") for page in document]
    finally:
        document.close()


def strip(page: Pixels, offset: float = 0.0) -> Pixels:
    """The slice on a rendered sheet, grey."""
    box = crosspage.slice_box((A4_MM[0] * MM, A4_MM[1] * MM), offset)
    left, right = (round(x / 72 * DPI) for x in (box.left, box.left + box.width))
    bottom, top = (page.shape[0] - round(y / 72 * DPI) for y in (box.bottom, box.corners[3]))
    return np.asarray(page[top:bottom, left:right].mean(axis=2), np.uint8)


def join(left: Pixels, right: Pixels) -> float:
    """How well the picture goes on where two slices meet: 1 when it is the same on both sides."""
    return float(np.corrcoef(left[:, -4:-1].mean(1), right[:, 1:4].mean(1))[0, 1])


def test_slices_of_neighbours_join_and_of_others_do_not() -> None:
    first, second, third = (strip(page) for page in rendered(3))
    assert join(first, second) > 0.7
    assert join(second, third) > 0.7
    assert join(first, third) < 0.3  # the second was taken out
    assert join(second, first) < 0.3  # put in another order
    assert all((slice_ < 120).mean() > 0.05 for slice_ in (first, second, third))


def test_lines_are_those_of_one_copy_alone() -> None:
    one, other = (specimens.facts(id_code=code) for code in ("000H000001AZ", "00001WC4KM1T"))
    apart = [
        abs(crosspage.line_height(one, 3, x / 4) - crosspage.line_height(other, 3, x / 4))
        for x in range(8)
    ]
    assert max(apart) > MM


def test_a_single_sheet_has_none() -> None:
    assert strip(rendered(1)[0]).min() > 200


def test_it_goes_where_nothing_is_written() -> None:
    placed = [place(sheet(COLOURS[0])), place(sheet(COLOURS[0], edge=True))]
    assert crosspage.find_offset(placed[:1]) == 0
    offset = crosspage.find_offset(placed)
    assert abs(offset) >= 24 * MM
    page = rendered(2, edge=True)[1]
    assert (strip(page, offset) < 120).mean() > 0.05


def test_what_has_writing_everywhere_is_not_hidden() -> None:
    """The mark is multiplied with what lies under it: dark stays dark."""
    image = Image.new("RGB", (pixels(210), pixels(297)), COLOURS[2])
    draw = ImageDraw.Draw(image)
    for y in range(0, image.height, 8):
        draw.line((image.width - 80, y, image.width, y), (20, 20, 20), 3)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, subsampling=0, dpi=(DPI, DPI))
    page = SourcePage(out.getvalue(), image.width, image.height, DPI, ())
    pdf = assemble([page, page], specimens.facts(), lambda _: "HTTPS://X.EXAMPLE/V/AAAA")
    shown = strip(np.asarray(render(pdf)[0]))
    was = strip(np.asarray(Image.open(io.BytesIO(page.jpeg)).convert("RGB")))
    assert (shown[was < 60] < 90).mean() > 0.98
    assert (shown[was > 200] < 150).mean() > 0.03  # and the mark is there


@pytest.mark.parametrize("number", range(3))
def test_every_sheet_is_of_true_scale_and_colour(number: int) -> None:
    """Cover page and all, within a third of a millimetre and a few levels of red, green, blue."""
    page = rendered(3)[number].astype(int)
    red = (page[..., 0] > 140) & (page[..., 1] < 90)
    rows, columns = np.nonzero(red.any(1))[0], np.nonzero(red.any(0))[0]
    left, top, side = SQUARE_MM
    found = [x / DPI * 25.4 for x in (columns[0], rows[0], columns[-1] - columns[0])]
    assert found == pytest.approx([left, top, side], abs=0.33)
    inside = page[pixels(top + 5) : pixels(top + 15), pixels(left + 5) : pixels(left + 15)]
    assert inside.mean((0, 1)) == pytest.approx((180, 30, 40), abs=6)
    assert page[pixels(20), pixels(30)] == pytest.approx(COLOURS[number], abs=3)


@pytest.mark.parametrize("number", range(3))
def test_every_sheet_has_watermark_page_number_and_id_code(number: int) -> None:
    document = pypdfium2.PdfDocument(copy(3))
    text = document[number].get_textpage().get_text_range()
    document.close()
    assert f"Mã định danh {grouped(specimens.facts().id_code)} · Trang {number + 1}/3" in text
    assert "TTPVHCC" in text
    page = rendered(3)[number].astype(int)
    grey = np.abs(page - np.multiply(COLOURS[number], 0.91)).max(2) < 5
    assert 0.01 < grey.mean() < 0.05  # seen, and pale
