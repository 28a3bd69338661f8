"""What a finger, a key or a language does, through the real QML."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from kiosk.strings import catalogue
from kiosk.views import (
    AttractView,
    Back,
    CallStaff,
    Choose,
    ConsentView,
    Edit,
    IdentifyView,
    Intent,
    Leave,
    Next,
    Redo,
    Remove,
    SetLanguage,
    Text,
    Touch,
    Typed,
)
from tests.ui.conftest import turn
from tests.ui.helpers import buttons, frames, intents, page_of, show, texts, until
from ui.app import Screen
from ui.bridge import bound
from ui.robot import Robot
from ui.samples import samples


@pytest.mark.parametrize(
    ("name", "touched", "intent"),
    [
        ("attract", "main", Next()),
        ("attract", "staff", CallStaff()),
        ("attract", "check-copy", Choose("check-copy")),
        ("checked-differs", "again", Choose("again")),
        ("choose-six", "card.svc-marry", Choose("svc-marry")),
        ("choose-six", "back", Leave()),
        ("consent-data", "main", Next()),
        ("consent-data", "back", Back()),
        ("identify", "staff", CallStaff()),
        ("identify-others", "way.other", Choose("other")),
        ("ways", "way.card", Choose("card")),
        ("card-code", "type", Choose("type")),
        ("check-comparing", "back", Back()),
        ("fault-other", "action.other", Choose("other")),
        ("scan-blurred", "redo.2", Redo(2)),
        ("scan-blurred", "remove.2", Remove(2)),
        ("scan-blurred", "main", Next()),
        ("review-long", "edit.address", Edit("address")),
        ("confirm", "main", Next()),
        ("done-issued", "main", Next()),
        ("fault-jam", "action.retry", Choose("retry")),
        ("fault-jam", "action.staff", Choose("staff")),
        ("fault-jam", "back", Back()),
        ("fault-skip", "action.skip", Choose("skip")),
        ("fault-all", "action.skip", Choose("skip")),
        ("fault-all", "action.later", Choose("later")),
        ("staff-called", "action.continue", Choose("continue")),
        ("staff-called", "staff", CallStaff()),
    ],
)
def test_a_touch_becomes_one_intent(
    screen: Screen, name: str, touched: str, intent: Intent
) -> None:
    show(screen, samples("vi")[name])
    heard = intents(screen)
    Robot(screen.window).tap(touched)
    assert [said for said in heard if said != Touch()] == [intent]
    assert Touch() in heard


def test_every_button_does_something(screen: Screen) -> None:
    for name, view in samples("vi").items():
        show(screen, view)
        for button in [item.objectName() for item in buttons(screen)]:
            if not button.startswith(("tool.", "key.")):  # keys write on the screen itself
                heard = intents(screen)
                Robot(screen.window).tap(button)
                assert len(heard) == 2, f"{name}: {button}"


def test_nothing_else_answers(screen: Screen) -> None:
    show(screen, IdentifyView())
    robot, heard = Robot(screen.window), intents(screen)
    assert not robot.has("main")
    with pytest.raises(LookupError, match="main"):
        robot.tap("main")
    assert heard == []


def test_tab_and_enter_work_like_a_finger(screen: Screen) -> None:
    show(screen, samples("vi")["consent-data"])
    screen.window.requestActivate()
    until(screen.window.isActive, "the window to be active")
    heard = intents(screen)
    for _ in range(3):
        QTest.keyClick(screen.window, Qt.Key.Key_Tab)
    QTest.keyClick(screen.window, Qt.Key.Key_Return)
    QTest.keyClick(screen.window, Qt.Key.Key_Space)
    assert heard == [Next(), Next()]


@pytest.mark.parametrize("name", ["consent-data", "consent-face"])
def test_large_text_lying_down_has_the_consent_in_two_parts(screen: Screen, name: str) -> None:
    """Only after the second can anybody agree, and Go back leads to the first."""
    turn(screen, "landscape")
    screen.theme.setProperty("wantedScale", 1.3)
    show(screen, samples("vi")[name])
    assert float(screen.theme.property("textScale")) >= 1.1
    robot, heard = Robot(screen.window), intents(screen)
    first = _seen(screen)
    robot.tap("main")
    frames(screen)
    assert catalogue("vi")["ui.consent.agree"] in _seen(screen) - first
    robot.tap("back")
    frames(screen)
    assert _seen(screen) == first
    assert set(heard) == {Touch()}
    robot.tap("main")
    robot.tap("main")
    assert set(heard) == {Touch(), Next()}


def _seen(screen: Screen) -> set[str]:
    return {item.property("text") for item in texts(screen)}


def test_the_language_changes_everything_at_once(screen: Screen) -> None:
    show(screen, samples("vi")["consent-data"])
    heard: list[Intent] = []
    screen.stage.on_intent = heard.append
    Robot(screen.window).tap("tool.language")
    until(lambda: screen.kiosk.property("language") == "en", "English")
    frames(screen)
    seen = [item.property("text") for item in texts(screen)]
    english = catalogue("en")
    assert screen.stage.language == "en"
    assert [said for said in heard if said != Touch()] == [SetLanguage("en")]
    assert bound(english["consent.data.title"]) in seen
    assert english["ui.consent.agree"] in seen
    assert bound(catalogue("vi")["consent.data.title"]) not in seen


def test_the_text_grows_then_goes_black_then_starts_over(screen: Screen) -> None:
    show(screen, samples("vi")["confirm"])
    seen = []
    for _ in range(4):
        Robot(screen.window).tap("tool.text")
        seen.append((screen.theme.property("wantedScale"), screen.theme.property("highContrast")))
    assert seen == [(1.15, False), (1.3, False), (1.3, True), (1.0, False)]


def test_the_next_person_starts_with_plain_text(screen: Screen) -> None:
    show(screen, samples("vi")["confirm"])
    Robot(screen.window).tap("tool.text")
    show(screen, AttractView())
    assert screen.theme.property("wantedScale") == 1.0


def test_help_offers_staff_and_a_new_start_and_hides_what_is_below(screen: Screen) -> None:
    show(screen, samples("vi")["consent-data"])
    robot, heard = Robot(screen.window), intents(screen)
    robot.tap("tool.help")
    frames(screen)
    assert robot.has("help.staff")
    assert not robot.has("main")
    robot.tap("help.close")
    assert robot.has("main")
    assert set(heard) == {Touch()}
    robot.tap("tool.help")
    robot.tap("help.restart")
    assert Leave() in heard


def test_somebody_still_there_touches_once(screen: Screen) -> None:
    show(screen, samples("vi")["confirm"])
    robot, heard = Robot(screen.window), intents(screen)
    screen.stage.set_warning(20)
    until(lambda: robot.has("touch"), "the warning")
    assert not robot.has("main")
    robot.tap("touch")
    assert set(heard) == {Touch()}
    screen.stage.set_warning(None)
    until(lambda: robot.has("main"), "the screen to come back")


def test_a_new_question_does_not_take_the_same_touch(screen: Screen) -> None:
    """A double tap on "I agree" must not agree to the next question too."""
    show(screen, samples("vi")["consent-data"])
    screen.theme.setProperty("reduceMotion", False)
    try:
        screen.stage.present(
            ConsentView(purpose="face", title=Text("consent.face.title"), points=())
        )
        until(lambda: screen.kiosk.property("view")["purpose"] == "face", "the next question")
        robot = Robot(screen.window)
        assert not robot.has("main")
        until(lambda: robot.has("main"), "the end of the fade")
    finally:
        screen.theme.setProperty("reduceMotion", True)


def test_news_on_the_same_question_keeps_the_page(screen: Screen) -> None:
    show(screen, IdentifyView())
    before = next(item for item in texts(screen) if item.objectName() == "title")
    show(screen, IdentifyView(state="retry", problem=Text.plain("Mã đã hết hạn")))
    after = next(item for item in texts(screen) if item.objectName() == "title")
    assert after is before
    assert "Mã đã hết hạn" in [item.property("text") for item in texts(screen)]


def test_a_picture_of_the_window_is_saved(screen: Screen, tmp_path: Path) -> None:
    show(screen, AttractView())
    Robot(screen.window).grab(tmp_path / "attract.png")
    assert (tmp_path / "attract.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OSError, match="cannot write"):
        Robot(screen.window).grab(tmp_path / "no" / "folder.png")


def test_six_digits_are_typed_and_corrected(screen: Screen) -> None:
    show(screen, samples("vi")["keypad-can"])
    heard, robot = intents(screen), Robot(screen.window)
    for key in ("1", "2", "9", "delete", "3", "4", "5", "6", "7"):
        assert not robot.has("main") or key == "7"
        robot.tap(f"key.{key}")
        frames(screen)
    robot.tap("main")
    until(lambda: Typed("123456") in heard, "six digits")
    assert page_of(screen).property("typed") == ""
