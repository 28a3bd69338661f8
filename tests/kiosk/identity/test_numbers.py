from __future__ import annotations

from datetime import date

import pytest

from kiosk.identity.numbers import NumberFacts, Sex, agrees, parse


@pytest.mark.parametrize(
    ("number", "facts"),
    [
        ("001092000000", NumberFacts("001", Sex.MALE, 1992)),
        ("001192000000", NumberFacts("001", Sex.FEMALE, 1992)),
        ("079200000000", NumberFacts("079", Sex.MALE, 2000)),
        ("096325000000", NumberFacts("096", Sex.FEMALE, 2025)),
        ("001999000000", NumberFacts("001", Sex.FEMALE, 2399)),
    ],
)
def test_the_facts_in_a_number(number: str, facts: NumberFacts) -> None:
    assert parse(number) == facts


@pytest.mark.parametrize(
    "number",
    [
        "",
        "00119200000",
        "0011920000000",
        "00119200000a",
        "001192000000\n",
        " 01192000000",
        "٠" * 12,
    ],
)
def test_what_is_no_number(number: str) -> None:
    assert parse(number) is None
    assert not agrees(number)


def test_the_cross_check() -> None:
    number, birth = "001192000000", date(1992, 3, 14)
    assert agrees(number)
    assert agrees(number, birth, Sex.FEMALE)
    assert not agrees(number, birth, Sex.MALE)
    assert not agrees(number, date(1993, 3, 14), Sex.FEMALE)
    assert not agrees(number, date(2092, 3, 14))  # the century counts
