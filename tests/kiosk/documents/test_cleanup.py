"""The kept page looks like the paper; the page to read has letters only."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kiosk.documents import cleanup
from kiosk.sandbox import papers

STAMP = (slice(1850, 2110), slice(880, 1000))  # the half of the stamp without text or signature


@pytest.mark.parametrize("angle", [-8.3, -2.0, 0.4, 5.25])
def test_a_crooked_page_is_turned_level(certificate: Image.Image, angle: float) -> None:
    crooked = certificate.rotate(
        angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(250, 250, 250)
    )
    cleaned = cleanup.clean(np.asarray(crooked), papers.DPI)
    assert cleaned.angle == pytest.approx(angle, abs=0.1)
    assert abs(cleanup.skew(cleaned.kept)) < 0.15
    assert cleaned.kept.shape[:2] == cleaned.letters.shape


def test_a_level_page_keeps_its_size(certificate: Image.Image) -> None:
    cleaned = cleanup.clean(np.asarray(certificate), papers.DPI)
    assert cleaned.angle == 0
    assert cleaned.kept.shape == np.asarray(certificate).shape


def test_turning_cuts_nothing_off(certificate: Image.Image) -> None:
    """Marks in the very corners of a crooked scan survive; blank surplus does not."""
    crooked = certificate.rotate(3, Image.Resampling.BICUBIC, fillcolor=(250, 250, 250))
    blank_corners = cleanup.clean(np.asarray(crooked), papers.DPI).kept
    draw = ImageDraw.Draw(crooked)
    width, height = crooked.size
    for x in (0, width - 30):
        for y in (0, height - 30):
            draw.rectangle((x, y, x + 29, y + 29), (0, 90, 0))
    marked = cleanup.clean(np.asarray(crooked), papers.DPI).kept.astype(int)
    green = (marked[..., 1] - marked[..., 0] > 40) & (marked[..., 1] - marked[..., 2] > 40)
    assert green.sum() == pytest.approx(4 * 30 * 30, rel=0.05)
    assert blank_corners.shape[0] < marked.shape[0]


def test_the_stamp_stays_on_the_kept_page_and_leaves_the_other(certificate: Image.Image) -> None:
    cleaned = cleanup.clean(np.asarray(certificate), papers.DPI)
    kept = cleaned.kept[STAMP].astype(int)
    red = (kept[..., 0] - kept[..., 1] > 80) & (kept[..., 0] - kept[..., 2] > 80)
    assert red.mean() > 0.05
    assert (cleaned.letters[STAMP] < 128).mean() < red.mean() / 20


def test_red_print_is_not_taken_for_a_stamp(certificate: Image.Image) -> None:
    title = cleanup.clean(np.asarray(certificate), papers.DPI).letters[310:405, 500:1150]
    assert (title < 100).mean() > 0.1


def test_shadows_and_frames_are_gone_from_the_page_to_read(worn_diploma: Image.Image) -> None:
    letters = cleanup.clean(np.asarray(worn_diploma), papers.DPI).letters
    empty = letters[1850:2000, 200:700]  # paper under the darkest shadow
    assert np.asarray(worn_diploma)[1850:2000, 150:300].mean() < 190
    assert (empty < 128).mean() < 0.001
    frame = letters[300:2000, 40:110]
    assert (frame < 128).mean() < 0.02


def test_a_dim_scan_is_brightened_and_keeps_its_hues() -> None:
    dim = np.full((800, 600, 3), (170, 160, 150), np.uint8)
    kept = cleanup.clean(dim, papers.DPI).kept
    assert kept[400, 300] == pytest.approx(np.array((170, 160, 150)) * (245 / 162), abs=3)


@pytest.mark.parametrize(("points", "scanned", "read_at"), [(7, 300, 300), (11, 300, 200)])
def test_small_print_is_read_as_large_as_it_was_scanned(
    points: int, scanned: int, read_at: int
) -> None:
    page = Image.new("L", (2000, 1200), 255)
    font = papers._font("Regular", points * scanned / papers.DPI)
    ImageDraw.Draw(page).multiline_text((60, 60), "Phạm Văn Tưởng Tượng\n" * 9, 0, font)
    letters, dpi = cleanup.sized_for_reading(np.asarray(page), scanned)
    assert dpi == read_at
    assert letters.shape == (1200 * read_at // scanned, 2000 * read_at // scanned)


@pytest.mark.parametrize(("scanned", "read_at"), [(150, 200), (200, 200), (600, 200)])
def test_a_page_is_never_read_smaller_than_marks_need(scanned: int, read_at: int) -> None:
    letters, dpi = cleanup.sized_for_reading(np.full((900, 600), 255, np.uint8), scanned)
    assert (letters.shape[0], dpi) == (900 * read_at // scanned, read_at)
