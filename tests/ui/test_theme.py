"""Contrast of the tokens, and the catalogue behind the screens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor

import ui
from kiosk.strings import LANGUAGES, catalogue
from ui.app import Screen

_ON_PAPER = [
    (text, ground)
    for text in ("ink", "inkSoft", "primary", "teal")
    for ground in ("paper", "paperDeep", "surface")
]
_ON_CARDS = [("ink", f"{card}Bg") for card in ("teal", "success", "warn", "fault")]
_IN_COLOUR = [
    ("inkSoft", "tealBg"),
    ("inkSoft", "successBg"),
    ("teal", "tealBg"),
    ("success", "surface"),
    ("success", "successBg"),
    ("warn", "warnBg"),
    ("fault", "faultBg"),
    ("primaryInk", "primary"),
    ("tealInk", "teal"),
]


@pytest.mark.parametrize("contrast", [False, True])
def test_every_text_has_seven_to_one(screen: Screen, contrast: bool) -> None:
    screen.theme.setProperty("highContrast", contrast)
    for text, ground in _ON_PAPER + _ON_CARDS + _IN_COLOUR:
        ratio = _ratio(screen.theme.property(text), screen.theme.property(ground))
        assert ratio >= 7, f"{text} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize("contrast", [False, True])
def test_every_edge_that_can_be_touched_has_three_to_one(screen: Screen, contrast: bool) -> None:
    screen.theme.setProperty("highContrast", contrast)
    for ground in ("paper", "paperDeep"):
        line = screen.theme.property("line")
        assert _ratio(line, screen.theme.property(ground)) >= 3, ground


def _ratio(one: QColor, other: QColor) -> float:
    """WCAG 2.2, contrast ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _qml() -> str:
    folder = Path(ui.__file__).parent
    return "\n".join(file.read_text("utf-8") for file in folder.rglob("*.qml"))


def test_every_word_a_screen_asks_for_is_in_every_language() -> None:
    asked = set(re.findall(r'Kiosk\.(?:word|say)\("([\w.]+)"', _qml()))
    assert len(asked) > 30
    for language in LANGUAGES:
        have = catalogue(language)
        missing = {key for key in asked if f"ui.{key}" not in have and not key.endswith(".")}
        assert not missing, language


def test_no_screen_has_words_of_its_own() -> None:
    assert not re.findall(r'text: "[^"]*[^\W\d_]{2}', _qml())


def test_the_languages_have_the_same_keys_and_places() -> None:
    def shape(language: str) -> dict[str, list[str]]:
        return {
            key: sorted(re.findall(r"\{(\w+)\}", value))
            for key, value in catalogue(language).items()
            if key.startswith("ui.")
        }

    assert shape("vi") == shape("en")


def test_every_picture_has_its_twin_for_high_contrast() -> None:
    folder = Path(ui.__file__).parent / "theme" / "pictures"
    light = {file.name for file in folder.glob("*.svg")} - {"drum.svg"}
    assert light == {file.name for file in (folder / "hc").glob("*.svg")}
    assert len(light) > 30
