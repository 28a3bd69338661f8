"""Numbers that can be judged by themselves, without asking anybody."""

from __future__ import annotations

import re

from kiosk.identity.numbers import parse

_TAX = re.compile(r"([0-9]{10})(-?[0-9]{3})?", re.ASCII)
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def is_tax_code(text: str) -> bool:
    """10 digits of which the last checks the others, and 3 more for a branch (circular
    86/2024/TT-BTC); since 2025 a person's or household's tax code is the citizen number."""
    found = _TAX.fullmatch(text.strip())
    if found is None:
        return is_citizen_number(text)
    *digits, last = (int(digit) for digit in found[1])
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=True))
    return last == 10 - total % 11


def is_citizen_number(text: str) -> bool:
    return parse(text.strip()) is not None
