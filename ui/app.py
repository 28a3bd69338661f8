"""Qt start-up: fonts, window, QML, and the engine once the first picture is on the glass."""

from __future__ import annotations

import ctypes
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, QSize, QSocketNotifier, Qt, QUrl
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickWindow, QSGRendererInterface

from kiosk.settings import Settings, Site
from ui.bridge import Bridge, Stage
from ui.pictures import Album, PictureProvider
from ui.robot import Robot

log = logging.getLogger(__name__)

_FONT = "Be Vietnam Pro"
_WEIGHTS = ("Regular", "Medium", "SemiBold", "Bold")
_ROOT = Path(__file__).parent


class Engine(Protocol):
    """What runs the sessions, in a thread of its own."""

    def start(self, stage: Stage) -> None: ...

    def stop(self) -> None: ...


def run_screen(
    settings: Settings, engine: Engine, robot: Callable[[Robot], object] | None = None
) -> int:
    """Show the screen until it is closed; the exit code given to ``Stage.quit``, else 0.

    The engine starts after the first frame was painted. ``robot`` is called then too, in the Qt
    thread; what it returns is kept until the end.
    """
    application = start_qt()
    screen = Screen(settings.site, QSize(settings.screen.width, settings.screen.height))
    started: list[object] = []
    begun: list[bool] = []
    failures: list[Exception] = []

    def begin() -> None:
        # The thread that paints may have swapped more frames before this one is told.
        if begun:
            return
        begun.append(True)
        screen.window.frameSwapped.disconnect(begin)
        try:
            engine.start(screen.stage)
            started.append(engine)
            if robot:
                started.append(robot(Robot(screen.window)))
        except Exception as error:  # Qt would only print it and show a dead screen
            failures.append(error)
            application.exit(1)

    ended: list[int] = []

    def end(code: int) -> None:
        # Said twice, the second one would be heard by whatever loop runs after this one.
        if not ended:
            ended.append(code)
            application.exit(code)

    # Queued: the engine must not start inside the painting of the frame it waits for.
    screen.window.frameSwapped.connect(begin, Qt.ConnectionType.QueuedConnection)
    screen.stage.ended.connect(end, Qt.ConnectionType.QueuedConnection)
    screen.show(fullscreen=settings.screen.fullscreen)
    try:
        with _closing_on_signals(application):
            code = application.exec()
        for failure in failures:
            raise failure
        return code
    finally:
        if started:
            engine.stop()
        started.clear()
        screen.close()


def start_qt() -> QGuiApplication:
    """The one application object, with the house font. Offscreen, painting needs no GPU."""
    running = QGuiApplication.instance()
    if isinstance(running, QGuiApplication):
        return running
    _keep_none_alive()
    application = QGuiApplication(["kiosk"])
    if application.platformName() == "offscreen":
        QQuickWindow.setGraphicsApi(QSGRendererInterface.GraphicsApi.Software)
    fonts = resources.files("fontpkg_be_vietnam_pro") / "files"
    for weight in _WEIGHTS:
        QFontDatabase.addApplicationFont(str(fonts / f"BeVietnamPro-{weight}.ttf"))
    application.setFont(QFont(_FONT))
    return application


def _keep_none_alive() -> None:
    """PySide6 6.12 relies on None being immortal, as it is from Python 3.12 on (PEP 683).

    On 3.11 every call of a void method of Qt takes one reference of None away for good; some
    minutes of camera frames later the process ends with "deallocating None".
    """
    if sys.version_info < (3, 12):
        for constant in (None, True, False):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 40


class Screen:
    """The window, its QML, and the stage where an engine shows its views."""

    def __init__(self, site: Site, grid: QSize) -> None:
        self.stage = Stage(site.language)
        self._grid = grid
        self.album = Album()
        self._qml = QQmlApplicationEngine()
        self._qml.addImportPath(str(_ROOT.parent))
        self._qml.addImageProvider("album", PictureProvider(self.album))
        self.kiosk = self._singleton("ui.components", "Kiosk")
        self.theme = self._singleton("ui.theme", "Theme")
        self.kiosk.setProperty("agency", site.agency_name)
        self.kiosk.setProperty("commune", site.commune)
        self._bridge = Bridge(self.stage, self.kiosk, self.album)
        size = {"gridWidth": float(grid.width()), "gridHeight": float(grid.height())}
        self._qml.setInitialProperties(size)
        self._qml.load(QUrl.fromLocalFile(str(_ROOT / "Main.qml")))
        (window,) = self._qml.rootObjects()
        assert isinstance(window, QQuickWindow)
        self.window = window

    def show(self, *, fullscreen: bool) -> None:
        if QGuiApplication.platformName() == "offscreen":
            self.window.resize(self._grid)
            self.window.show()
        elif fullscreen:
            QGuiApplication.setOverrideCursor(Qt.CursorShape.BlankCursor)
            self.window.showFullScreen()
        else:
            room = QGuiApplication.primaryScreen().availableSize() * 0.94
            self.window.resize(self._grid.scaled(room, Qt.AspectRatioMode.KeepAspectRatio))
            self.window.show()

    def turn(self, grid: QSize) -> None:
        """Lay out for another design grid: upright, landscape."""
        self._grid = grid
        self.window.setProperty("gridWidth", float(grid.width()))
        self.window.setProperty("gridHeight", float(grid.height()))

    def close(self) -> None:
        """Bindings end before the objects they read."""
        self.window.close()
        self._qml.deleteLater()

    def _singleton(self, module: str, name: str) -> QObject:
        found = self._qml.singletonInstance(module, name)
        assert isinstance(found, QObject), f"{module}.{name}: QML did not load"
        return found


@contextmanager
def _closing_on_signals(application: QGuiApplication) -> Iterator[None]:
    """SIGTERM and SIGINT close the screen in order: Python sees them only when Qt lets it run."""
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    names = (signal.SIGTERM, signal.SIGINT)
    before = {name: signal.signal(name, lambda *_: application.exit(0)) for name in names}
    wakeup = signal.set_wakeup_fd(writing.fileno())
    notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: reading.recv(64))
    try:
        yield
    finally:
        notifier.setEnabled(False)
        signal.set_wakeup_fd(wakeup)
        for name, handler in before.items():
            signal.signal(name, handler)
        reading.close()
        writing.close()
