"""A hand and an eye for demo and tests: real presses on the real window, and a stopwatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtQuick import QQuickItem, QQuickWindow


class Robot:
    """Works the window as a finger would. To be used in the Qt thread, from a QTimer."""

    def __init__(self, window: QQuickWindow) -> None:
        self.clock = FrameClock()
        self._window = window

    @property
    def window(self) -> QQuickWindow:
        return self._window

    def every(self, milliseconds: int, call: Callable[[], None]) -> object:
        """Call again and again until the returned object is gone."""
        timer = QTimer()
        timer.timeout.connect(call)
        timer.start(milliseconds)
        return timer

    def has(self, name: str) -> bool:
        """Is there something of this objectName that can be touched now?"""
        return self._find(name) is not None

    def names(self) -> set[str]:
        """objectNames of everything that is visible and can be touched or read now."""
        return {item.objectName() for item in self._items() if item.objectName()}

    def tap(self, name: str) -> None:
        """Press and release in the middle of it. Raises LookupError when it is not there."""
        item = self._find(name)
        if item is None:
            raise LookupError(f"nothing to touch is called {name!r}; there is {self.names()}")
        centre = item.mapToScene(QPointF(item.width() / 2, item.height() / 2))
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseButtonPress, centre, left)
        self._send(QEvent.Type.MouseButtonRelease, centre, none)

    def grab(self, path: Path) -> None:
        """Save what the window shows as PNG. Raises OSError when the file cannot be written."""
        if not self._window.grabWindow().save(str(path), "PNG"):  # type: ignore[call-overload]
            raise OSError(f"cannot write {path}")

    def _send(self, kind: QEvent.Type, at: QPointF, held: Qt.MouseButton) -> None:
        where = QPointF(self._window.mapToGlobal(at.toPoint()))
        button, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, at, where, button, held, keys)
        QCoreApplication.sendEvent(self._window, event)

    def _find(self, name: str) -> QQuickItem | None:
        return next((item for item in self._items() if item.objectName() == name), None)

    def _items(self) -> Iterator[QQuickItem]:
        return visible_items(self._window.contentItem())


def visible_items(item: QQuickItem) -> Iterator[QQuickItem]:
    """``item`` and all below it that are visible and enabled, outermost first."""
    if item.isVisible() and item.isEnabled():
        yield item
        for child in item.childItems():
            yield from visible_items(child)


class FrameClock(QObject):
    """How evenly the GUI thread runs: gaps between the ticks of a timer of ``TICK_MS``."""

    TICK_MS = 16

    def __init__(self) -> None:
        super().__init__()
        self._gaps: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def run(self, running: bool) -> None:
        """Start or pause; what was measured before is kept."""
        if running and not self._timer.isActive():
            self._last = time.perf_counter()
            self._timer.start(self.TICK_MS)
        elif not running:
            self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._gaps.append((now - self._last) * 1000)
        self._last = now

    @property
    def p95(self) -> float:
        """95 of 100 gaps are at most this long, milliseconds; 0 before the first tick."""
        ordered = sorted(self._gaps)
        return ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0

    @property
    def worst(self) -> float:
        """The longest gap, milliseconds."""
        return max(self._gaps, default=0.0)
