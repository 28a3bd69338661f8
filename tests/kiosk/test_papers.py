"""The invented papers: the same every time, marked as specimens, damaged as asked."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from PIL import Image, ImageChops

from kiosk.identity import card_qr, numbers
from kiosk.sandbox import papers
from kiosk.sandbox.people import OTHER_PERSON, PERSON, Citizen

DRAW = {"diploma": papers.diploma, "birth-certificate": papers.birth_certificate}


def same(first: Image.Image, second: Image.Image) -> bool:
    return ImageChops.difference(first, second).getbbox() is None


@pytest.mark.parametrize("kind", papers.KINDS)
def test_a_paper_is_a4_in_colour_and_the_same_every_time(kind: str) -> None:
    page = DRAW[kind](PERSON)
    assert (page.size, page.mode) == ((1654, 2339), "RGB")
    assert same(page, DRAW[kind](PERSON))
    assert not same(page, DRAW[kind](PERSON, seed=2))
    assert not same(page, DRAW[kind](OTHER_PERSON))


@pytest.mark.parametrize("kind", papers.KINDS)
def test_the_truth_names_the_person_and_says_specimen(kind: str) -> None:
    text = papers.truth(kind, PERSON)
    for words in (PERSON.number, "14/03/1992", "MẪU - giấy tờ hư cấu", "Độc lập - Tự do"):
        assert words in text
    assert PERSON.name in text or PERSON.name.upper() in text
    assert OTHER_PERSON.number in papers.truth(kind, OTHER_PERSON)


def test_columns_of_one_line_are_one_line_of_the_truth() -> None:
    assert (
        "Dân tộc: Kinh Quốc tịch: Việt Nam"
        in papers.truth("birth-certificate", PERSON).splitlines()
    )


@pytest.mark.parametrize("kind", papers.KINDS)
def test_no_letter_is_missing_from_the_font(kind: str) -> None:
    """A missing letter is drawn as the font's empty box; none of the text may look like it."""
    font = papers._font("Regular", 12)
    missing = bytes(font.getmask("\U0010fffd"))
    for letter in set(papers.truth(kind, PERSON)) - {"\n", " "}:
        assert bytes(font.getmask(letter)) != missing, letter


def test_the_stamp_is_red() -> None:
    pixels = np.asarray(papers.birth_certificate(PERSON)).astype(int)
    red = (pixels[..., 0] - pixels[..., 1] > 80) & (pixels[..., 0] - pixels[..., 2] > 80)
    assert red[1830:2130, 860:1150].sum() > 5000


def test_damage_is_repeatable_and_grows_with_its_level() -> None:
    page = papers.diploma(PERSON)
    assert same(papers.damage(page, 0), page)
    assert same(papers.damage(page, 0.5, seed=7), papers.damage(page, 0.5, seed=7))
    some, much = (
        np.abs(np.asarray(papers.damage(page, level)).astype(int) - np.asarray(page)).mean()
        for level in (0.5, 1.0)
    )
    assert 0 < some < much


@pytest.mark.parametrize("person", [PERSON, OTHER_PERSON])
def test_invented_people_keep_the_rules_of_their_number(person: Citizen) -> None:
    assert numbers.agrees(person.number, person.birth_date, person.sex)
    assert person.number.endswith("000000")  # a serial that nobody has


def test_the_card_of_an_invented_person_can_be_read() -> None:
    claim = card_qr.parse(PERSON.card_payload)
    assert (claim.number, claim.name, claim.sex) == (PERSON.number, PERSON.name, PERSON.sex)
    assert (claim.birth_date, claim.issued) == (date(1992, 3, 14), date(2022, 5, 20))
    assert claim.address == PERSON.residence
