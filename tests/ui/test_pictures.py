"""Pictures of a view: right colours, readable codes, no trouble with broken ones."""

from __future__ import annotations

import pytest
import zxingcpp
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QGuiApplication

from drivers.contract import Raster
from drivers.wire import Blob
from ui.pictures import Album, Code, PictureProvider, code_image, frame_image
from ui.sample_pictures import page_jpeg


@pytest.fixture
def album(application: QGuiApplication) -> Album:
    return Album()


def _requested(album: Album, address: str) -> QSize:
    size = QSize()
    PictureProvider(album).requestImage(address.removeprefix("image://album/"), size, QSize())
    return size


def test_a_frame_keeps_its_colours_and_rows() -> None:
    pixels = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7, 1, 2, 3, 250, 251, 252])
    image = frame_image(Raster(Blob.of(pixels), 3, 2, 3))
    assert image.size() == QSize(3, 2)
    assert [image.pixelColor(x, 0) for x in range(3)] == [
        QColor(255, 0, 0),
        QColor(0, 255, 0),
        QColor(0, 0, 255),
    ]
    assert image.pixelColor(0, 1) == QColor(9, 8, 7)


def test_a_grey_frame_is_grey() -> None:
    image = frame_image(Raster(Blob.of(bytes([10, 200])), 2, 1, 1))
    assert image.pixelColor(1, 0) == QColor(200, 200, 200)


def test_a_frame_shorter_than_announced_is_not_read() -> None:
    with pytest.raises(ValueError, match="shorter"):
        frame_image(Raster(Blob.of(b"12"), 640, 480, 3))


def test_the_code_can_be_read_back() -> None:
    payload = "https://example.gov.vn/hs/H26.15-261123-0042"
    image = code_image(Code(payload), 352)
    assert 250 < image.width() <= 352
    grey = memoryview(image.constBits()).cast("B", (image.height(), image.bytesPerLine()))
    (found,) = zxingcpp.read_barcodes(grey)
    assert found.text == payload


def test_a_page_is_as_large_as_its_jpeg(album: Album) -> None:
    assert _requested(album, album.add(page_jpeg(1))) == QSize(248, 351)


@pytest.mark.parametrize("broken", [b"not a picture", b""])
def test_a_broken_page_is_an_empty_square(album: Album, broken: bytes) -> None:
    assert _requested(album, album.add(broken)) == QSize(1, 1)


def test_a_closed_frame_is_an_empty_square(album: Album) -> None:
    raster = Raster(Blob.of(bytes(12)), 2, 2, 3)
    address = album.add(raster)
    raster.pixels.close()
    assert _requested(album, address) == QSize(1, 1)


def test_equal_pages_have_one_address_and_frames_a_new_one_each() -> None:
    album = Album()
    assert album.add(b"page") == album.add(b"page") != album.add(b"other")
    raster = Raster(Blob.of(bytes(3)), 1, 1, 3)
    assert album.add(raster) != album.add(raster)


def test_filling_again_lets_the_old_pictures_go() -> None:
    album = Album()
    with album.filling() as first:
        old = first.add(b"old")
    with album.filling() as second:
        new = second.add(b"new")
    assert album.get(old.rpartition("/")[2]) is None
    assert album.get(new.rpartition("/")[2]) == b"new"
