"""The fault matrix: a journey a cell, one sandbox and one running kiosk for all of them.

Here a sample of the cells is run, the same each time; ``python -m tests.faults.matrix`` runs all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.matrix import table
from tests.faults.troubles import MOMENTS, TROUBLES, Cell, Outcome, cells, sample
from tests.faults.world import World

pytestmark = pytest.mark.xdist_group("fault-matrix")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("fault-matrix")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        with World(folder) as world:
            yield world


def _marked(cell: Cell) -> object:
    first = next(one for one in TROUBLES if one.device == cell.trouble.device)
    quick = cell.trouble is first and cell.moment == "during"
    return pytest.param(cell, id=str(cell), marks=() if quick else (pytest.mark.slow,))


@pytest.mark.parametrize("cell", [_marked(cell) for cell in sample()])
def test_every_trouble_has_a_way_on(world: World, cell: Cell) -> None:
    outcome = world.run(cell)
    assert outcome.problems == []
    assert outcome.way != "stuck"
    if cell.trouble.passing:
        assert outcome.way == ("left" if cell.trouble.forgets else "success")


def test_there_are_enough_of_them() -> None:
    assert len(cells()) >= 60
    assert {trouble.device for trouble in TROUBLES} >= {
        "scanner",
        "code-reader",
        "camera",
        "receipt-printer",
    }


def test_the_sample_has_every_trouble_of_its_own_and_every_moment() -> None:
    drawn = sample()
    assert [cell.trouble for cell in drawn] == [one for one in TROUBLES if not one.alike]
    assert {str(cell) for cell in drawn} <= {str(cell) for cell in cells()}
    assert {(cell.moment, cell.mended) for cell in drawn} == {
        (cell.moment, cell.mended) for cell in cells()
    }


def test_the_table_in_the_documents_has_every_cell() -> None:
    printed = Path("docs/fault-matrix.md").read_text("utf-8")
    assert f"\n{len(cells())} cells, 0 with a broken promise" in printed
    lines = [line.strip("| ").split(" | ") for line in printed.splitlines() if line[:2] == "| "]
    told = {(row[0], row[1]): row[2:] for row in lines[1:]}
    assert set(told) == {(trouble.label, trouble.name) for trouble in TROUBLES}
    for trouble in TROUBLES:
        *mended, unmended = told[trouble.label, trouble.name]
        assert len(mended) == len(MOMENTS)
        assert all(mended)
        assert (unmended == "-") == trouble.passing


def test_a_broken_promise_is_seen_in_the_table() -> None:
    fine = {cell: Outcome(way="success") for cell in cells()}
    assert "0 with a broken promise" in table(fine)
    worst = Cell(TROUBLES[0], MOMENTS[1])
    fine[worst] = Outcome(way="retry", told=["device.scanner.jam"], problems=["printed twice"])
    assert "1 with a broken promise" in table(fine)
    assert "mended, goes on (`device.scanner.jam`) **printed twice**" in table(fine)
