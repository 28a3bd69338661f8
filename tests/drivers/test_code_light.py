"""Codes that no decoder reads are read module by module; what is no code costs little."""

from __future__ import annotations

import numpy as np
import pytest
import segno

from drivers import code_grid, code_light, codes
from drivers.code_finders import corners, levelled, log_light
from tests.bench.code_pictures import payload, phone_screen, wall


@pytest.mark.parametrize("seed", [154, 236])
def test_a_lamp_over_a_finder_pattern_is_seen_through(seed: int) -> None:
    screen = phone_screen(seed)
    assert not codes._by_both_levelled(screen)
    assert codes._by_modules(screen) == [payload(seed)]


@pytest.mark.parametrize("version", [1, 3, 7])
def test_the_grid_has_as_many_modules_as_the_code(version: int) -> None:
    modules = np.array(segno.make_qr("7", version=version).matrix, np.uint8)
    code = np.kron(modules, np.ones((4, 4), np.uint8))
    picture = np.pad(np.where(code > 0, 20, 90), 60, constant_values=90).astype(np.uint8)
    place = corners(picture)[0]
    grid = code_grid.fit(levelled(log_light(picture), 3 * place.module), place)
    assert grid.side == len(modules)
    outline = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 4 * len(modules) + 60
    assert np.abs(code_grid.outline(grid) - outline).max() <= 2


def test_the_same_modules_are_alike_in_every_code_of_a_size() -> None:
    fixed, dark = code_grid.known(45)
    for text in ("một", "hai", "0123456789" * 8):
        code = np.array(segno.make_qr(text, version=7).matrix, np.uint8) > 0
        assert (code[fixed] == dark[fixed]).all()


@pytest.mark.parametrize("level", [0, 120, 255])
def test_an_even_wall_has_no_code(level: int) -> None:
    assert not list(code_light.drawings(np.full((480, 640), level, np.uint8)))


def test_a_blotched_wall_has_no_code() -> None:
    assert codes._by_modules(wall(0)) == []


def test_a_picture_smaller_than_a_finder_pattern_has_no_code() -> None:
    assert not list(code_light.drawings(np.zeros((5, 5), np.uint8)))
