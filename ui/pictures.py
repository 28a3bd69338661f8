"""Pictures that come with a view: scanned pages, camera frames, codes to take away."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtQuick import QQuickImageProvider

from drivers.contract import Raster

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code to be drawn, with the quiet zone of four modules that ISO/IEC 18004 asks for."""

    payload: str

    quiet_zone: ClassVar[int] = 4


class Album:
    """The pictures of the view on the screen, by address. Those of earlier views are let go."""

    def __init__(self) -> None:
        self._pictures: dict[str, bytes | Raster | Code] = {}
        self._frame = 0

    def add(self, picture: bytes | Raster | Code) -> str:
        """The address of ``picture`` for an Image. Equal pages keep theirs and are not reloaded."""
        name = self._name(picture)
        self._pictures[name] = picture
        return f"image://album/{name}"

    def get(self, name: str) -> bytes | Raster | Code | None:
        return self._pictures.get(name)

    @contextmanager
    def filling(self) -> Iterator[Album]:
        """Collect the pictures of the next view, then forget all others at once."""
        fresh = Album()
        fresh._frame = self._frame
        yield fresh
        self._pictures, self._frame = fresh._pictures, fresh._frame

    def __len__(self) -> int:
        return len(self._pictures)

    def _name(self, picture: bytes | Raster | Code) -> str:
        if isinstance(picture, Raster):
            self._frame += 1
            return f"frame-{self._frame}"
        if isinstance(picture, Code):
            return f"code-{hashlib.sha256(picture.payload.encode()).hexdigest()[:16]}"
        return f"page-{hashlib.sha256(picture).hexdigest()[:16]}"


class PictureProvider(QQuickImageProvider):
    """Gives QML the pictures of an album.

    Images must load in the Qt thread (not ``asynchronous: true``): a loader thread that waits for
    Python, while Qt inside Python waits for that thread, hangs the screen.
    """

    def __init__(self, album: Album) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._album = album

    def requestImage(self, name: str, size: QSize, requested: QSize) -> QImage:
        try:
            image = _image(self._album.get(name), requested)
        except (ValueError, OSError) as error:
            log.warning("a picture could not be shown: %s", error)
            image = QImage()
        if image.isNull():
            # QML must get something; an empty square beside the words is harmless.
            image = QImage(1, 1, QImage.Format.Format_ARGB32)
            image.fill(Qt.GlobalColor.transparent)
        size.setWidth(image.width())
        size.setHeight(image.height())
        return image


def _image(picture: bytes | Raster | Code | None, requested: QSize) -> QImage:
    if isinstance(picture, Raster):
        return frame_image(picture)
    if isinstance(picture, Code):
        return code_image(picture, requested.width())
    return QImage.fromData(picture) if picture else QImage()


def frame_image(raster: Raster) -> QImage:
    """One copy, made by the change to the display's own format; the shared memory is not held."""
    layout = (
        QImage.Format.Format_RGB888 if raster.channels == 3 else QImage.Format.Format_Grayscale8
    )
    row = raster.width * raster.channels
    if raster.pixels.size < row * raster.height:
        raise ValueError("the frame is shorter than its size says")
    view = raster.pixels.view()
    mapped = QImage(view, raster.width, raster.height, row, layout)
    return mapped.convertToFormat(QImage.Format.Format_RGB32)


def code_image(code: Code, width: int) -> QImage:
    """Black on white, whole pixels to a module, at most ``width`` wide where that is possible."""
    import segno

    symbol = segno.make(code.payload, micro=False, error="m")
    modules = list(symbol.matrix_iter(border=code.quiet_zone))
    pixels = max(1, width // len(modules))
    lines = (b"".join((b"\0" if dark else b"\xff") * pixels for dark in row) for row in modules)
    side = len(modules) * pixels
    ink = b"".join(line * pixels for line in lines)
    # A copy, because QImage does not keep the bytes alive.
    return QImage(ink, side, side, side, QImage.Format.Format_Grayscale8).copy()
