"""Every screen as a picture: ``python -m ui.gallery OUT_DIR [--only NAME] [--half]``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSize, Qt, QTimer

from kiosk.settings import Site
from kiosk.strings import LANGUAGES
from ui.app import Screen, start_qt
from ui.samples import samples

PORTRAIT, LANDSCAPE = QSize(1080, 1920), QSize(1920, 1080)
SCALES = (1.0, 1.15, 1.3)


def settle(milliseconds: int = 60) -> None:
    """Let Qt load, lay out and paint."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def render(folder: Path, only: str, half: bool) -> Iterator[Path]:
    screen = Screen(Site(), PORTRAIT)
    screen.theme.setProperty("reduceMotion", True)
    for shape, grid in (("portrait", PORTRAIT), ("landscape", LANDSCAPE)):
        screen.turn(grid)
        screen.show(fullscreen=False)
        for language in LANGUAGES:
            screen.stage.set_language(language)
            for name, view in samples(language).items():
                if only and only not in name:
                    continue
                screen.stage.present(view)
                settle()
                for scale, contrast in (*((scale, False) for scale in SCALES), (1.3, True)):
                    screen.theme.setProperty("wantedScale", scale)
                    screen.theme.setProperty("highContrast", contrast)
                    settle(240)
                    tail = f"{scale:g}{'-contrast' if contrast else ''}"
                    path = folder / f"{name}.{language}.{shape}.{tail}.png"
                    picture = screen.window.grabWindow()
                    if half:
                        picture = picture.scaledToWidth(
                            picture.width() // 2, Qt.TransformationMode.SmoothTransformation
                        )
                    picture.save(str(path))
                    yield path
    screen.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="screens whose name contains this")
    parser.add_argument("--half", action="store_true", help="half the size, smooth")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    options.folder.mkdir(parents=True, exist_ok=True)
    start_qt()
    for path in render(options.folder, options.only, options.half):
        print(path)  # noqa: T201


if __name__ == "__main__":
    main()
