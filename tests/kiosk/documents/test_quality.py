"""What a scan is told to be, before it is read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from kiosk.documents import quality
from kiosk.failures import Fault
from kiosk.sandbox import papers


def findings(image: Image.Image, dpi: int = papers.DPI) -> tuple[Fault, ...]:
    return quality.findings(np.asarray(image), dpi)


def test_good_and_worn_papers_are_fine(certificate: Image.Image, worn_diploma: Image.Image) -> None:
    assert findings(certificate) == ()
    assert findings(worn_diploma) == ()


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_blurred_page(certificate: Image.Image, level: float) -> None:
    """Grain is sharp; it must not hide that the letters are not."""
    blurred = papers.damage(certificate.filter(ImageFilter.GaussianBlur(4)), level)
    assert findings(blurred) == (Fault.PAGE_BLURRED,)


def test_sharpness_is_judged_alike_at_a_higher_resolution(certificate: Image.Image) -> None:
    large = certificate.resize((3308, 4678), Image.Resampling.BICUBIC)
    assert findings(large, 2 * papers.DPI) == ()


def test_a_page_without_ink_is_blank_and_one_with_a_word_is_not() -> None:
    grain = np.random.default_rng(1).normal(235, 12, (2339, 1654, 1)).clip(0, 255)
    page = Image.fromarray(np.repeat(grain.astype(np.uint8), 3, axis=2))
    assert findings(page) == (Fault.PAGE_BLANK,)
    ImageDraw.Draw(page).text((700, 900), "Nghiệm", (20, 20, 20), papers._font("Bold", 16))
    assert findings(page) == ()


def test_a_page_with_only_a_red_stamp_is_not_blank() -> None:
    page = Image.new("RGB", papers.SIZE, "white")
    ImageDraw.Draw(page).ellipse((600, 900, 900, 1200), outline=(205, 32, 40), width=6)
    assert Fault.PAGE_BLANK not in findings(page)


def test_darkness(certificate: Image.Image) -> None:
    assert findings(certificate.point(lambda value: value // 5)) == (Fault.PAGE_DARK,)
    assert findings(Image.new("RGB", papers.SIZE)) == (Fault.PAGE_DARK,)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (299, 2000)])
def test_too_small(size: tuple[int, int]) -> None:
    assert findings(Image.new("RGB", size, "white")) == (Fault.PAGE_TOO_SMALL,)
