"""Waiting for the picture, and reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QEventLoop, QRectF, QTimer
from PySide6.QtQuick import QQuickItem

from kiosk.views import Intent, View
from ui.app import Screen
from ui.robot import visible_items


def until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Run the event loop until ``condition``; fail after ``seconds``."""
    loop = QEventLoop()
    poll, limit = QTimer(), QTimer()
    poll.timeout.connect(lambda: loop.exit(0) if condition() else None)
    limit.setSingleShot(True)
    limit.timeout.connect(lambda: loop.exit(1))
    poll.start(2)
    limit.start(int(seconds * 1000))
    ended = loop.exec()
    poll.stop()
    limit.stop()
    assert ended == 0, f"waited in vain for {what}"


def frames(screen: Screen, count: int = 2) -> None:
    """Let ``count`` frames be painted."""
    painted: list[None] = []

    def count_one() -> None:
        painted.append(None)
        if len(painted) < count:
            screen.window.update()

    screen.window.frameSwapped.connect(count_one)
    screen.window.update()
    until(lambda: len(painted) >= count, "a painted frame")
    screen.window.frameSwapped.disconnect(count_one)


def show(screen: Screen, view: View) -> None:
    """Present ``view`` and wait until its page is laid out with the largest text that fits."""
    screen.stage.present(view)
    until(lambda: screen.kiosk.property("screen") == view.screen, view.screen)
    frames(screen)
    until(lambda: not needs_room(screen), "text that fits")


def page_of(screen: Screen) -> QQuickItem:
    wanted = screen.kiosk.property("screen")
    return next(item for item in items(screen) if item.objectName() == wanted)


def needs_room(screen: Screen) -> bool:
    crowded = float(page_of(screen).property("overflow")) > 1
    return crowded and float(screen.theme.property("textScale")) > 0.86


def items(screen: Screen) -> Iterator[QQuickItem]:
    return visible_items(screen.window.contentItem())


def texts(screen: Screen) -> list[QQuickItem]:
    return [item for item in items(screen) if item.inherits("QQuickText") and item.property("text")]


def buttons(screen: Screen) -> list[QQuickItem]:
    return [item for item in items(screen) if item.inherits("QQuickAbstractButton")]


def box(screen: Screen, item: QQuickItem) -> QRectF:
    """Where ``item`` is, in pixels of the design grid."""
    return item.mapRectToItem(page_of(screen), QRectF(0, 0, item.width(), item.height()))


def intents(screen: Screen) -> list[Intent]:
    """A list that grows by what the person does from now on."""
    heard: list[Intent] = []
    screen.stage.on_intent = heard.append
    return heard
