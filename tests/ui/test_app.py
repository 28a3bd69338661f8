"""Start-up: the first picture comes before the engine, and the end is orderly."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication

from kiosk.settings import Settings
from kiosk.views import AttractView
from tests.ui.helpers import until
from ui.app import run_screen
from ui.bridge import Stage
from ui.robot import FrameClock, Robot


class Engine:
    """Shows one view from a thread and closes the screen when it was answered."""

    def __init__(self, code: int = 0) -> None:
        self.events: list[str] = []
        self._code = code

    def start(self, stage: Stage) -> None:
        self.events.append("started")
        stage.on_intent = lambda intent: stage.quit(self._code)
        thread = threading.Thread(target=stage.present, args=(AttractView(),))
        thread.start()
        thread.join()

    def stop(self) -> None:
        self.events.append("stopped")


def test_the_engine_starts_after_the_first_frame_and_gives_the_exit_code(
    application: QGuiApplication,
) -> None:
    engine = Engine(code=3)

    def robot(hand: Robot) -> object:
        engine.events.append("too late" if hand.has("main") else "picture")
        return hand.every(5, lambda: hand.tap("main") if hand.has("main") else None)

    assert run_screen(Settings(), engine, robot) == 3
    assert engine.events == ["started", "picture", "stopped"]


def test_a_broken_start_is_not_swallowed(application: QGuiApplication) -> None:
    class Broken(Engine):
        def start(self, stage: Stage) -> None:
            raise RuntimeError("no engine")

    with pytest.raises(RuntimeError, match="no engine"):
        run_screen(Settings(), Broken())


def test_a_stop_signal_closes_the_screen(application: QGuiApplication) -> None:
    engine = Engine()

    def robot(_: Robot) -> None:
        signal.raise_signal(signal.SIGTERM)

    assert run_screen(Settings(), engine, robot) == 0
    assert engine.events == ["started", "stopped"]


def test_the_screen_loads_no_heavy_library() -> None:
    program = (
        "import sys, ui.app, ui.robot, ui.samples;"
        "print(*{'cv2','dlib','sane','tesserocr','pyzbar','pkcs11','pyhanko','reportlab'}"
        ".intersection(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_the_frame_clock_sees_a_held_up_thread(application: QGuiApplication) -> None:
    clock = FrameClock()
    assert (clock.p95, clock.worst) == (0.0, 0.0)
    clock.run(True)
    until(lambda: clock.worst > 0, "a tick")
    threading.Event().wait(0.12)
    until(lambda: clock.worst > 110, "the long gap")
    clock.run(False)
    assert clock.p95 <= clock.worst


def test_void_calls_of_qt_cannot_use_none_up(application: QGuiApplication) -> None:
    size = QSize()
    for _ in range(20_000):
        size.setWidth(1)
    assert sys.getrefcount(None) > 1_000_000
