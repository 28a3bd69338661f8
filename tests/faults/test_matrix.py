"""The fault matrix: a journey a cell, one sandbox and one running kiosk for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.matrix import table
from tests.faults.troubles import MOMENTS, TROUBLES, Cell, Outcome, cells
from tests.faults.world import World

pytestmark = pytest.mark.xdist_group("fault-matrix")

QUICK = {"jam", "picture broken off", "garbage", "stops", "paper out", "unplugged after the cut"}
"""One or two a device; what they share with the rest is the way through the engine."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("fault-matrix")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        with World(folder) as world:
            yield world


def _marked(cell: Cell) -> object:
    quick = cell.trouble.name in QUICK and cell.moment == "during"
    return pytest.param(cell, id=str(cell), marks=() if quick else (pytest.mark.slow,))


@pytest.mark.parametrize("cell", [_marked(cell) for cell in cells()])
def test_every_trouble_has_a_way_on(world: World, cell: Cell) -> None:
    outcome = world.run(cell)
    assert outcome.problems == []
    assert outcome.way != "stuck"
    if cell.trouble.passing:
        assert outcome.way == "success"


def test_there_are_enough_of_them() -> None:
    assert len(cells()) >= 60
    assert {trouble.device for trouble in TROUBLES} >= {
        "scanner",
        "code-reader",
        "camera",
        "receipt-printer",
    }


def test_the_table_in_the_documents_has_every_trouble() -> None:
    printed = Path("docs/fault-matrix.md").read_text("utf-8")
    for trouble in TROUBLES:
        assert f"| {trouble.device} | {trouble.name} |" in printed
    assert " 0 with a broken promise" in printed


def test_a_broken_promise_is_seen_in_the_table() -> None:
    fine = {cell: Outcome(way="success") for cell in cells()}
    assert "0 with a broken promise" in table(fine)
    worst = Cell(TROUBLES[0], MOMENTS[1])
    fine[worst] = Outcome(way="retry", told=["device.scanner.jam"], problems=["printed twice"])
    assert "1 with a broken promise" in table(fine)
    assert "mended, goes on (`device.scanner.jam`) **printed twice**" in table(fine)
