"""Between the engine's thread and Qt: newest view wins, sentences and pictures find their way."""

from __future__ import annotations

import threading

import pytest

from kiosk.views import DoneView, FaceView, IdentifyView, IssuingView, Milestone, Text
from tests.ui.helpers import frames, until
from ui.app import Screen
from ui.bridge import Stage, bound, describe
from ui.pictures import Album
from ui.sample_pictures import face_raster
from ui.samples import samples


def test_a_view_becomes_plain_values_in_the_language() -> None:
    view = IssuingView(
        title=Text("ui.staff"),
        lead=Text.plain("x"),
        milestones=(
            Milestone("lock", Text("ui.back"), "done"),
            Milestone("x", Text("ui.back"), "now"),
        ),
    )
    shown = describe(view, "en", Album())
    assert shown["title"] == "Call staff"
    assert [stone["state"] for stone in shown["milestones"]] == ["done", "now"]
    assert (shown["done"], shown["total"]) == (1, 2)
    assert shown["can_go_back"] is False


def test_the_take_away_code_becomes_a_picture() -> None:
    done = samples("vi")["done-issued"]
    assert isinstance(done, DoneView)
    assert describe(done, "vi", Album())["take_away"].startswith("image://album/code-")


def test_an_unknown_sentence_is_told_to_the_one_who_presents_it() -> None:
    with pytest.raises(KeyError):
        Stage().present(IdentifyView(problem=Text("no.such.sentence")))


def test_lone_words_and_ong_ba_are_held_together() -> None:
    assert bound("Mời ông/bà xem lại") == "Mời ông/\u2060bà xem lại"
    assert bound("Xin ông bà đọc rồi chạm vào đây\nXong") == (
        "Xin ông bà đọc rồi chạm vào\u00a0đây\nXong"
    )


def test_only_the_newest_view_is_shown(screen: Screen) -> None:
    seen: list[str] = []
    screen.kiosk.viewChanged.connect(  # type: ignore[attr-defined]
        lambda: seen.append(screen.kiosk.property("view")["state"])
    )

    def engine() -> None:
        for state in ("waiting", "checking", "retry"):
            screen.stage.present(IdentifyView(state=state))

    thread = threading.Thread(target=engine)
    thread.start()
    thread.join()
    until(lambda: seen != [], "the view")
    frames(screen)
    assert seen == ["retry"]


def test_a_camera_leaves_no_pixels_behind(screen: Screen) -> None:
    raster = face_raster(64, 48)
    album = screen.album
    frames_shown = set()
    for _ in range(30):
        screen.stage.present(FaceView(guidance=Text("face.look"), preview=raster))
        frames(screen)
        frames_shown.add(screen.kiosk.property("view")["preview"])
    assert len(frames_shown) == 30
    assert len(album) == 1
    screen.stage.present(IdentifyView())
    until(lambda: screen.kiosk.property("screen") == "Identify", "the next screen")
    assert len(album) == 0
