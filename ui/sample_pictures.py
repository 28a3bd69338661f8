"""Drawn pages and a drawn face, for the views of ``ui.samples``."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QIODevice, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from drivers.contract import Raster
from drivers.wire import Blob


def page_jpeg(number: int) -> bytes:
    """A sheet with lines and a stamp, 248 x 351 pixels."""
    image = QImage(248, 351, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(74, 34, 100, 8, QColor("#8C1C13"))
    painter.fillRect(54, 54, 140, 9, QColor("#211A14"))
    for line in range(11):
        width = 150 + (line * 37 + number * 23) % 44
        painter.fillRect(28, 92 + line * 18, width, 6, QColor("#6B6156"))
    painter.setPen(QColor("#B5322A"))
    painter.drawEllipse(QRectF(156, 270, 58, 58))
    painter.drawEllipse(QRectF(162, 276, 46, 46))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "JPG", 85)  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def face_raster(width: int = 640, height: int = 480) -> Raster:
    """A drawn head before a wall, as a camera frame."""
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor("#B9C4C0"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, x, y, w, h in (
        ("#2E4A4F", 0.26, 0.78, 0.48, 0.6),
        ("#C99A7B", 0.44, 0.62, 0.12, 0.25),
        ("#D8AC8D", 0.36, 0.2, 0.28, 0.52),
        ("#54463C", 0.36, 0.15, 0.28, 0.2),
        ("#33281F", 0.43, 0.42, 0.03, 0.03),
        ("#33281F", 0.54, 0.42, 0.03, 0.03),
        ("#A45B4C", 0.46, 0.58, 0.08, 0.03),
    ):
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QRectF(x * width, y * height, w * width, h * height))
    painter.end()
    rows = memoryview(image.constBits())
    row = width * 3
    pixels = b"".join(
        rows[y * image.bytesPerLine() : y * image.bytesPerLine() + row] for y in range(height)
    )
    return Raster(Blob.of(pixels), width, height, 3)
