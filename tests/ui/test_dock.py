"""The device dock: what its window shows, and that a press arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication, QWindow
from PySide6.QtQuick import QQuickItem

from kiosk.sandbox.dock import Props, panels
from ui.app import Screen
from ui.dock import DockWindow, beside
from ui.gallery import settle
from ui.robot import Robot, visible_items


class Dock:
    """Two lights, and what was pressed."""

    def __init__(self) -> None:
        self.panels = panels(Props([], [], [], lambda: ""))
        self.presses: list[tuple[str, str]] = []
        self.said: dict[str, tuple[str, bool]] = {"scanner": ("jam", False)}

    def press(self, device: str, name: str) -> None:
        self.presses.append((device, name))

    def lights(self) -> dict[str, tuple[str, bool]]:
        return self.said


@pytest.fixture
def dock(application: QGuiApplication) -> Iterator[tuple[Dock, DockWindow]]:
    model = Dock()
    window = DockWindow(model)
    settle()
    yield model, window
    window.close()
    settle()


def item_of(window: DockWindow, name: str) -> QQuickItem:
    items = visible_items(window.window.contentItem())
    return next(item for item in items if item.objectName() == name)


def text_of(window: DockWindow, name: str) -> str:
    item = item_of(window, name)
    return str(item.property("text"))


def test_every_button_is_there_and_inside_the_window(dock: tuple[Dock, DockWindow]) -> None:
    model, window = dock
    robot = Robot(window.window)
    wanted = {f"{p.device}.{b.name}" for p in model.panels for b in p.buttons}
    assert wanted <= robot.names()
    for name in wanted:
        item = item_of(window, name)
        corner = item.mapToScene(item.boundingRect().bottomRight())
        assert corner.x() <= window.window.width()
        assert corner.y() <= window.window.height()


def test_a_press_arrives(dock: tuple[Dock, DockWindow]) -> None:
    model, window = dock
    Robot(window.window).tap("receipt-printer.cover")
    assert model.presses == [("receipt-printer", "cover")]


def test_the_lights_follow(dock: tuple[Dock, DockWindow]) -> None:
    model, window = dock
    assert text_of(window, "scanner.told") == "jam"
    model.said = {"scanner": ("2 sheets in", True)}
    window.look()
    assert text_of(window, "scanner.told") == "2 sheets in"


def test_it_belongs_to_the_screen(screen: Screen) -> None:
    """So the demo ends when the screen is closed, whatever else is open."""
    kept: Any = beside(Dock(), lambda hand: hand.window)(Robot(screen.window))
    dock, what_the_robot_gave = kept
    with_transients = QWindow.AncestorMode.IncludeTransients
    assert screen.window.isAncestorOf(dock.window, with_transients)
    assert what_the_robot_gave is screen.window
    dock.close()
    settle()
