"""The citizen number: twelve digits that name birthplace, sex and year of birth.

Three digits for the place of birth, one for century and sex, two for the year, six serial; no check
digit (decree 137/2015/NĐ-CP, article 13; circular 59/2021/TT-BCA, article 4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_SHAPE = re.compile(r"[0-9]{12}", re.ASCII)
_FIRST_CENTURY = 1900


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What a number says by itself. ``place``: birthplace code as of the day it was given."""

    place: str
    sex: Sex
    birth_year: int


def parse(number: str) -> NumberFacts | None:
    """The facts inside ``number``; None when it is not a citizen number at all."""
    if not _SHAPE.fullmatch(number):
        return None
    century_and_sex = int(number[3])
    century = _FIRST_CENTURY + 100 * (century_and_sex // 2)
    sex = Sex.FEMALE if century_and_sex % 2 else Sex.MALE
    return NumberFacts(number[:3], sex, century + int(number[4:6]))


def agrees(number: str, birth_date: date | None = None, sex: Sex | None = None) -> bool:
    """Whether ``number`` is well-formed and fits the birth date and sex that are known.

    A wrong answer here is a reason to ask staff, never to refuse: numbers given before a corrected
    birth date or sex stay valid.
    """
    facts = parse(number)
    if facts is None:
        return False
    year_fits = birth_date is None or birth_date.year == facts.birth_year
    return year_fits and (sex is None or sex is facts.sex)
