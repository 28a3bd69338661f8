"""One offscreen application for all tests of the picture; a warning of Qt or QML fails a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import pytest
from PySide6.QtCore import QSize, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication

from kiosk.settings import Site
from ui.app import Screen, start_qt

HERE = Path(__file__).parent
GRIDS = {"portrait": QSize(1080, 1920), "landscape": QSize(1920, 1080)}


def turn(screen: Screen, shape: str) -> None:
    """Quarter size paints faster, and the design grid inside is laid out all the same."""
    screen.turn(GRIDS[shape])
    screen.window.resize(GRIDS[shape] / 4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one worker, so that Qt is loaded in one process only."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("ui"))


@pytest.fixture(scope="session")
def application() -> QGuiApplication:
    return start_qt()


@pytest.fixture(autouse=True)
def qt_messages() -> Iterator[list[str]]:
    """What Qt complained about; nothing is expected."""
    messages: list[str] = []

    def keep(kind: QtMsgType, _: object, text: str | None) -> None:
        if kind != QtMsgType.QtDebugMsg and kind != QtMsgType.QtInfoMsg:
            messages.append(str(text))

    qInstallMessageHandler(keep)
    yield messages
    qInstallMessageHandler(None)
    assert messages == []


@pytest.fixture(scope="session")
def window(application: QGuiApplication) -> Iterator[Screen]:
    screen = Screen(Site(), GRIDS["portrait"])
    screen.theme.setProperty("reduceMotion", True)
    screen.window.show()
    yield screen
    screen.close()


@pytest.fixture
def screen(window: Screen) -> Screen:
    """Upright, in Vietnamese, as a new session finds it."""
    screen = window
    turn(screen, "portrait")
    screen.theme.setProperty("wantedScale", 1.0)
    screen.theme.setProperty("highContrast", False)
    screen.kiosk.setProperty("helpOpen", False)
    screen.stage.set_language("vi")
    screen.stage.set_warning(None)
    return screen
