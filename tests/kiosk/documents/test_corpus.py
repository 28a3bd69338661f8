"""The papers on which reading is measured are always the same, and say truly what is on them."""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from kiosk.identity import numbers
from kiosk.identity.numbers import Sex
from tests.bench.papers import seeds
from tests.bench.papers.bad import FAULTS, spoiled
from tests.bench.papers.corpus import KINDS, page
from tests.bench.papers.damage import LEVELS, Pixels, Scan, worn
from tests.bench.papers.errors import distance, error_rate
from tests.bench.papers.people import Invention
from tests.bench.papers.sheet import Box

from .test_reader import error_rate as plain_error_rate

SEED = seeds.TUNING[0]
SEXES = {"Nam": Sex.MALE, "Nữ": Sex.FEMALE}
CARD = "id-front"  # a fiftieth of a page, so quick to wear


def digest(image: Pixels) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]


def ink(gray: Pixels, box: Box) -> int:
    """Levels between the darkest and the lightest point of ``box``."""
    cut = gray[box.top : box.bottom, box.left : box.right]
    return int(cut.max()) - int(cut.min())


def test_there_are_enough_kinds_of_every_class() -> None:
    assert len(KINDS) >= 24
    assert {kind.paper_class for kind in KINDS.values()} == {
        "birth", "marriage", "death", "marital-status", "diploma", "transcript", "land-use",
        "id-card", "decision", "business-licence", "other",
    }  # fmt: skip
    assert {kind.group for kind in KINDS.values()} == {"page", "table", "card"}


def test_nobody_is_tuned_on_and_held_out() -> None:
    assert not set(seeds.TUNING) & set(seeds.HELD_OUT)
    people = [{Invention(seed).person() for seed in group}
              for group in (seeds.TUNING, seeds.HELD_OUT)]  # fmt: skip
    assert not people[0] & people[1]


@pytest.mark.parametrize(
    ("kind", "expected"), [("id-back", "31951ca7df5a57f9"), ("transcript", "eb851e88957c95c6")]
)
def test_a_page_is_the_same_on_every_machine(kind: str, expected: str) -> None:
    assert digest(np.asarray(page(kind, SEED).image)) == expected


@pytest.mark.parametrize("level", LEVELS)
def test_wear_is_the_same_twice_and_another_with_another_seed(level: str) -> None:
    first, again, other = (worn(page(CARD, SEED), level, seed) for seed in (1, 1, 2))
    assert digest(np.asarray(first.image)) == digest(np.asarray(again.image))
    assert digest(np.asarray(first.image)) != digest(np.asarray(other.image))


@pytest.mark.parametrize("kind", KINDS)
def test_every_piece_of_text_lies_on_the_page_and_on_ink(kind: str) -> None:
    made = page(kind, SEED)
    assert len(made.fields) == sum(bool(piece.field) for piece in made.pieces)  # no name twice
    assert made.fields
    gray = np.asarray(made.image.convert("L"))
    for piece in made.pieces:
        box = piece.box
        assert 0 <= box.left < box.right <= made.image.width, piece
        assert 0 <= box.top < box.bottom <= made.image.height, piece
        assert ink(gray, box) > 80, piece


@pytest.mark.parametrize("level", LEVELS)
def test_fields_are_found_on_a_worn_page(level: str) -> None:
    scan = worn(page(CARD, SEED), level, SEED)
    gray = np.asarray(scan.image.convert("L"))
    for piece in scan.page.fields.values():
        assert ink(gray, scan.place(piece.box)) > 60, piece


def test_citizen_numbers_belong_to_nobody() -> None:
    for kind in ("birth-certificate", "id-front", "residence"):
        fields = page(kind, SEED).fields
        number, day = (fields[name].text for name in ("citizen_number", "birth_date"))
        born = date(*(int(part) for part in reversed(day.split("/"))))
        assert numbers.agrees(number, born, SEXES[fields["sex"].text])
        assert number.endswith("000000")


def test_every_level_is_worse_than_the_one_before() -> None:
    for better, worse in pairwise(LEVELS.values()):
        for name in ("skew", "perspective", "light", "noise", "blur", "folds", "show_through"):
            assert getattr(better, name) < getattr(worse, name), name
        assert better.jpeg > worse.jpeg
        assert (better.stamps, better.stains) <= (worse.stamps, worse.stains)


def test_letters_stand_out_less_on_every_level() -> None:
    scans = [worn(page(CARD, SEED), level, SEED) for level in LEVELS]
    clarity = [np.mean([_clarity(scan, piece.box) for piece in scan.page.pieces]) for scan in scans]
    assert all(better > worse for better, worse in pairwise(clarity)), clarity


def _clarity(scan: Scan, box: Box) -> float:
    """Levels between print and paper, over the grain."""
    place = scan.place(box)
    gray = np.asarray(scan.image.convert("L"), np.float64)
    cut = gray[place.top : place.bottom, place.left : place.right]
    low, high = np.quantile(cut, (0.02, 0.9))
    return float((high - low) / (1 + LEVELS[scan.level].noise))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_page_is_bad_in_one_way_and_always_the_same(fault: str) -> None:
    first, again = (np.asarray(spoiled(page(CARD, SEED), fault, SEED)) for _ in range(2))
    assert digest(first) == digest(again)
    assert first.dtype == np.uint8
    assert digest(first) != digest(np.asarray(page(CARD, SEED).image))


@pytest.mark.parametrize(
    ("true", "read", "edits"),
    [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kitten", "sitting", 3), ("số", "so", 1)],
)
def test_edits(true: str, read: str, edits: int) -> None:
    assert distance(true, read) == edits


def test_the_quick_error_rate_is_the_plain_one() -> None:
    true = page("decision", SEED).text[:400]
    for read in (true[::2], true[50:] + "x" * 40, true.replace("n", "m"), ""):
        assert error_rate(true, read) == pytest.approx(plain_error_rate(true, read))
    assert error_rate("ố", "ố") == 0  # composed or not
