"""What hides or doubles a page is told; what merely wears it is not."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.documents import quality, upright
from kiosk.failures import Fault
from tests.bench.papers import seeds
from tests.bench.papers.bad import spoiled
from tests.bench.papers.corpus import DPI, page
from tests.bench.papers.damage import worn

SEED = seeds.HELD_OUT[0]


@pytest.mark.parametrize(
    ("kind", "fault", "told"),
    [
        ("birth-extract", "glare", Fault.PAGE_GLARE),
        ("id-front", "glare", Fault.PAGE_GLARE),
        ("id-front", "cut", Fault.PAGE_CUT),
        ("id-front", "fingers", Fault.PAGE_FINGERS),
        ("id-front", "blurred", Fault.PAGE_BLURRED),
        ("minutes", "two-sheets", Fault.PAGE_TWO_SHEETS),
    ],
)
def test_what_is_wrong_is_told_first(kind: str, fault: str, told: Fault) -> None:
    image = np.asarray(spoiled(page(kind, SEED), fault, SEED))
    assert quality.findings(image, DPI)[0] == told


@pytest.mark.parametrize("kind", ["id-front", "id-back", "land-plot"])
def test_a_worn_page_passes(kind: str) -> None:
    """Folds, stains, stamps and perspective are no obstacles."""
    image = np.asarray(worn(page(kind, SEED), "heavy", SEED).image)
    assert quality.findings(image, DPI) == ()
    assert not upright.on_its_side(image)


@pytest.mark.parametrize("kind", ["id-back", "land-plot"])
def test_a_page_on_its_side(kind: str) -> None:
    assert upright.on_its_side(np.asarray(spoiled(page(kind, SEED), "sideways", SEED)))
