"""The device dock: a small window beside the demo with a button for each thing a hand can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QWindow
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickWindow

from ui.robot import Robot

_ROOT = Path(__file__).parent
_LOOK_MILLISECONDS = 300
_GAP = 12  # pixels between the two windows


class Button(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def bad(self) -> bool: ...


class Panel(Protocol):
    @property
    def device(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def buttons(self) -> Sequence[Button]: ...


class Dock(Protocol):
    """What the window shows and works; its calls return at once."""

    @property
    def panels(self) -> Sequence[Panel]: ...

    def press(self, device: str, name: str) -> None: ...

    def lights(self) -> Mapping[str, tuple[str, bool]]: ...


def beside(dock: Dock, robot: Callable[[Robot], object] | None = None) -> Callable[[Robot], object]:
    """A robot for ``ui.app.run_screen`` that opens the dock beside the screen and is ``robot``."""
    return lambda hand: (DockWindow(dock, hand.window), robot(hand) if robot else None)


class DockWindow:
    """Shown from construction until ``close``, or until ``screen``, which it belongs to, is closed.

    To be made in the Qt thread.
    """

    def __init__(self, dock: Dock, screen: QWindow | None = None) -> None:
        self._dock = dock
        self._qml = QQmlApplicationEngine()
        self._qml.addImportPath(str(_ROOT.parent))
        self._qml.setInitialProperties({"panels": [_shape(panel) for panel in dock.panels]})
        self._qml.load(QUrl.fromLocalFile(str(_ROOT / "Dock.qml")))
        (window,) = self._qml.rootObjects()
        assert isinstance(window, QQuickWindow)
        self.window = window
        signal: Any = window  # QML's signals are not in its type
        signal.pressed.connect(dock.press)
        if screen:
            # A window with a parent does not keep the program running.
            window.setTransientParent(screen)
            window.setPosition(screen.x() + screen.width() + _GAP, screen.y())
        self._timer = QTimer()
        self._timer.timeout.connect(self.look)
        self._timer.start(_LOOK_MILLISECONDS)
        self.look()

    def look(self) -> None:
        lights = {
            device: {"told": told, "fine": fine}
            for device, (told, fine) in self._dock.lights().items()
        }
        self.window.setProperty("lights", lights)

    def close(self) -> None:
        self._timer.stop()
        self.window.close()
        self._qml.deleteLater()


def _shape(panel: Panel) -> dict[str, Any]:
    buttons = [{"name": b.name, "label": b.label, "bad": b.bad} for b in panel.buttons]
    return {"device": panel.device, "title": panel.title, "buttons": buttons}
