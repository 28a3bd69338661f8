"""A seal survives the printer, a drawer and a scanner, for either of two decoders."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.bench_seal import DECODERS, Picture, last_page, sealed
from tests.certify.print_scan import PRINTER_DPI, SCANNER_DPI, printed_and_scanned

SHEETS = 12


@pytest.fixture(scope="module")
def copy() -> tuple[str, bytes]:
    return sealed(1)


@pytest.fixture(scope="module")
def sheets(copy: tuple[str, bytes]) -> list[Picture]:
    printed = last_page(copy[1], PRINTER_DPI)
    return [np.asarray(printed_and_scanned(printed, seed)) for seed in range(SHEETS)]


@pytest.mark.parametrize("decoder", ["zxing-cpp", "zbar"])
def test_it_is_read_from_a_rendered_page(decoder: str, copy: tuple[str, bytes]) -> None:
    page = np.asarray(last_page(copy[1], SCANNER_DPI).convert("L"))
    assert copy[0] in DECODERS[decoder](page)


@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["zxing-cpp", "zbar"])
def test_it_is_read_from_paper(
    decoder: str, copy: tuple[str, bytes], sheets: list[Picture]
) -> None:
    """One failure in twelve is luck; ``./run bench seal`` counts a hundred."""
    read = sum(copy[0] in DECODERS[decoder](sheet) for sheet in sheets)
    assert read >= SHEETS - 1
