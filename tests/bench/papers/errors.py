"""The character error rate, fast enough for whole pages.

Myers' bit-parallel edit distance (G. Myers, Journal of the ACM 46, 1999) on Python's long numbers:
one step a letter of the read text, whatever the length of the truth.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict


def distance(expected: str, got: str) -> int:
    """Insertions, deletions and replacements from ``expected`` to ``got``."""
    if not expected:
        return len(got)
    places: defaultdict[str, int] = defaultdict(int)
    for index, letter in enumerate(expected):
        places[letter] |= 1 << index
    full, last = (1 << len(expected)) - 1, 1 << (len(expected) - 1)
    plus, minus, score = full, 0, len(expected)
    for letter in got:
        equal = places[letter]
        vertical = equal | minus
        across = (((equal & plus) + plus) ^ plus) | equal
        up, down = minus | (full & ~(across | plus)), plus & across
        score += bool(up & last) - bool(down & last)
        up, down = (up << 1) | 1, down << 1
        plus, minus = full & (down | ~(vertical | up)), full & (up & vertical)
    return score


def normal(text: str) -> str:
    """Composed letters; blanks and line breaks count as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def error_rate(expected: str, got: str) -> float:
    """Distance over the length of the truth; above 1 when more is invented than stands there."""
    true = normal(expected)
    return distance(true, normal(got)) / max(len(true), 1)
