"""Every screen, in both languages, sizes and shapes: nothing cut, nothing overlapping."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtQuick import QQuickItem

from tests.ui.conftest import turn
from tests.ui.helpers import box, buttons, items, page_of, show, texts
from ui.app import Screen
from ui.samples import samples

SMALLEST_TOUCH = 90
"""Design pixels; LOOK: 24 mm on the 23.8 inch panel."""

EXPECTED = {
    "attract": {"main", "staff", "tool.language", "check-copy"},
    "check": {"back", "staff"},
    "check-comparing": {"back", "staff"},
    "checked-same": {"main", "again", "staff"},
    "checked-differs": {"main", "again", "staff"},
    "choose-one": {"card.svc-copy", "back", "staff"},
    "choose-six": {"card.svc-copy", "card.svc-lookup", "card.svc-death"},
    "consent-data": {"main", "back", "staff"},
    "consent-face": {"main", "back", "staff"},
    "identify": {"back", "staff"},
    "collect-slip": {"back", "staff"},
    "identify-others": {"back", "staff", "way.other"},
    "reasons": {"way.no-phone", "way.card", "way.face", "way.help", "back", "staff"},
    "card-staff": {"back", "staff"},
    "keypad-pin": {"key.0", "key.delete", "back", "staff"},
    "ways": {"way.phone", "way.screen", "way.card", "way.officer", "back", "staff"},
    "ways-offline": {"way.card", "back", "staff"},
    "show-code": {"back", "staff"},
    "card-code": {"type", "back", "staff"},
    "card-lay": {"back", "staff"},
    "card-take": {"staff"},
    "keypad-can": {"key.0", "key.5", "key.9", "key.delete", "back", "staff"},
    "fault-original-left": {"action.paper-out", "action.staff"},
    "fault-other": {"action.retry", "action.staff", "action.other", "back"},
    "scan-waiting": {"back", "staff"},
    "scan-blurred": {"main", "back", "staff", "redo.1", "redo.2"},
    "scan-redo": {"main", "redo.2", "redo.5"},
    "review": {"main", "back", "edit.scan"},
    "review-long": {"main", "edit.scan", "edit.copies", "edit.address", "edit.phone"},
    "face-looking": {"back", "staff"},
    "confirm": {"main", "back", "staff"},
    "issuing": {"staff"},
    "issuing-waiting": {"main", "staff"},
    "done-issued": {"main", "staff"},
    "fault-jam": {"action.retry", "action.staff", "back"},
    "fault-skip": {"action.retry", "action.staff", "action.skip"},
    "fault-reader": {"action.retry", "action.staff", "action.camera", "back"},
    "identify-camera": {"back", "staff"},
    "fault-all": {"action.retry", "action.staff", "action.skip", "action.later"},
    "staff-called": {"action.continue", "staff"},
}
ABSENT = {
    "scan-waiting": {"main"},
    "scan-scanning": {"main", "back", "redo.1"},
    "scan-reading": {"main", "back"},
    "issuing": {"main", "back"},
    "check-comparing": {"main"},
    "done-issued": {"back"},
    "identify": {"main", "way.other"},
    "ways-offline": {"main", "way.phone"},
    "card-code": {"main"},
    "card-reading": {"main", "back"},
    "card-take": {"main", "back"},
    "keypad-can": {"main"},
    "fault-staff": {"back", "action.retry"},
    "face-looking": {"main"},
}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("scale", [1.0, 1.3])
@pytest.mark.parametrize("shape", ["portrait", "landscape"])
def test_every_screen_is_whole(screen: Screen, shape: str, scale: float, language: str) -> None:
    turn(screen, shape)
    screen.stage.set_language(language)
    screen.theme.setProperty("wantedScale", scale)
    for name, view in samples(language).items():
        show(screen, view)
        where = f"{name}, {language}, {scale}, {shape}"
        _nothing_cut(screen, where)
        _nothing_overlaps(screen, where)
        _all_there(screen, name, where)
        _nothing_empty(screen, where)
        assert float(page_of(screen).property("overflow")) <= 1, where
        least = 1.0 if shape == "portrait" else 0.9
        assert screen.theme.property("textScale") >= least - 0.001, where


def _nothing_cut(screen: Screen, where: str) -> None:
    page = page_of(screen)
    grid = QRectF(-1, -1, page.width() + 2, page.height() + 2)
    for item in texts(screen):
        words = f"{where}: {item.property('text')!r}"
        assert not item.property("truncated"), words
        assert item.property("contentWidth") <= item.width() + 1, words
        assert item.property("contentHeight") <= item.height() + 1, words
        assert grid.contains(box(screen, item)), words
        assert item.property("fontInfo").property("pixelSize").toNumber() >= 24, words


def _nothing_overlaps(screen: Screen, where: str) -> None:
    seen: list[tuple[QRectF, QQuickItem]] = []
    for item in [*texts(screen), *buttons(screen)]:
        place = box(screen, item).adjusted(2, 2, -2, -2)
        for other_place, other in seen:
            if place.intersects(other_place) and not other.isAncestorOf(item):
                assert item.isAncestorOf(other), f"{where}: {_name(item)} lies over {_name(other)}"
        seen.append((place, item))


def _nothing_empty(screen: Screen, where: str) -> None:
    """No close-up without its picture, and no box around nothing."""
    for item in items(screen):
        if item.objectName() == "close-up":
            (near,) = (each for each in item.childItems() if each.inherits("QQuickImage"))
            assert near.property("paintedHeight") >= 70, where
        if item.metaObject().className().startswith("Panel_"):
            inside = [each for each in item.childItems() if each.isVisible()]
            assert inside, f"{where}: an empty box"


def _all_there(screen: Screen, name: str, where: str) -> None:
    there = {button.objectName() for button in buttons(screen)}
    assert EXPECTED.get(name, set()) <= there, where
    assert not ABSENT.get(name, set()) & there, where
    for button in buttons(screen):
        place = box(screen, button)
        assert button.objectName(), f"{where}: a button without a name"
        assert min(place.width(), place.height()) >= SMALLEST_TOUCH, f"{where}: {_name(button)}"
        assert button.property("text"), f"{where}: {_name(button)} says nothing"


def _name(item: QQuickItem) -> str:
    return repr(item.objectName() or item.property("text"))


@pytest.mark.parametrize("name", [
    "choose-six", "scan-blurred", "review", "fault-skip", "identify-others", "ways", "reasons",
    "card-code", "keypad-pin",
])  # fmt: skip
def test_upright_what_is_touched_lies_low(screen: Screen, name: str) -> None:
    """A wheelchair reaches the lower 60 % of the panel."""
    show(screen, samples("vi")[name])
    for button in buttons(screen):
        assert box(screen, button).top() >= 0.4 * page_of(screen).height(), _name(button)


def test_only_one_button_is_the_next_action(screen: Screen) -> None:
    for name, view in samples("vi").items():
        show(screen, view)
        big = [b for b in buttons(screen) if b.metaObject().indexOfProperty("kind") >= 0]
        assert len([b for b in big if b.property("kind") == "primary"]) <= 1, name
