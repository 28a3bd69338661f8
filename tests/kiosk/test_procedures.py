"""Procedures are data: what ships is valid, and a mistake is told with file, key and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.failures import KioskError
from kiosk.procedures import FeeRule, parse, procedures

TEXT = Path("config/procedures/certified-copy.toml").read_text("utf-8")


def test_the_certified_copy_ships() -> None:
    procedure = procedures()["certified-copy"]
    assert procedure.code == "2.000815"
    assert procedure.steps[-1] == "issue"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"face", ', '"dance", ', "steps: unknown ['dance']"),
        ('"identify", ', "", "identify must be among them"),
        ('"consent", "identify", "face"', '"face", "identify"', "['face'] cannot come before"),
        ('rule = "pages"', 'rule = "auction"', "fee.rule"),
        ("version = 1", "version = 0", "version"),
        ("version = 1", "version = 1\nvershun = 2", "vershun"),
        ("[words.en]", "[words.fr]", "words: missing ['en']"),
        ("[fee]", "[fee", "x.toml"),
    ],
)
def test_mistakes_are_told(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(KioskError) as caught:
        parse("x.toml", TEXT.replace(old, new))
    assert caught.value.detail.startswith("x.toml: ")
    assert told in caught.value.detail


@pytest.mark.parametrize(
    ("pages", "copies", "amount"),
    [(1, 1, 2_000), (2, 1, 4_000), (3, 1, 5_000), (5, 2, 14_000), (500, 1, 200_000)],
)
def test_fee_by_circular_226_2016(pages: int, copies: int, amount: int) -> None:
    assert FeeRule(rule="pages").amount(pages, copies) == amount
    assert FeeRule(rule="free").amount(pages, copies) == 0


def test_proven_needs_a_face() -> None:
    strict = TEXT.replace('identity = "claimed"', 'identity = "proven"')
    assert parse("x.toml", strict).identity == "proven"
    with pytest.raises(KioskError, match="proven needs the step face"):
        parse("x.toml", strict.replace('"face", ', ""))
