"""QR codes are read from pixels and files, and a bad file is an error with a code."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import segno
from PIL import Image, ImageFilter

from drivers import codes
from drivers.contract import MAX_PAYLOAD, DeviceError, Fault
from drivers.wire import Blob
from tests.bench.code_pictures import payload, phone_screen, smeared

NAME = "001203004567||Đặng Thị Bịa|19021990|Nữ|Tổ 5, xã Ô Diên, Hà Nội|01012022"


def qr_image(text: str, **options: Any) -> Image.Image:
    out = io.BytesIO()
    segno.make_qr(text, **options).save(out, kind="png", scale=4)
    return Image.open(io.BytesIO(out.getvalue()))


def as_file(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def two_codes() -> Image.Image:
    first, second = qr_image("một").convert("L"), qr_image("hai").convert("L")
    both = Image.new("L", (first.width + second.width + 40, first.height + 40), 255)
    both.paste(first, (10, 10))
    both.paste(second, (first.width + 30, 10))
    return both


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_reads_vietnamese_from_image_files(kind: str) -> None:
    assert codes.decode(as_file(qr_image(NAME).convert("RGB"), kind)) == [NAME]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_reads_vietnamese_from_pixels(mode: str) -> None:
    assert codes.decode(np.asarray(qr_image(NAME).convert(mode))) == [NAME]


def test_reads_text_that_a_code_declares_as_latin() -> None:
    assert codes.decode(as_file(qr_image("Chào", encoding="iso-8859-1"))) == ["Chào"]


def test_reads_dark_modules_on_a_transparent_ground() -> None:
    ink = qr_image("trong suốt").convert("L").point(lambda level: 255 - level)
    image = Image.new("RGBA", ink.size, (0, 0, 0, 0))
    image.putalpha(ink)
    assert codes.decode(as_file(image)) == ["trong suốt"]


def test_reads_every_code_of_a_picture_once() -> None:
    assert sorted(codes.decode(as_file(two_codes()))) == ["hai", "một"]


def test_no_code_is_no_payload() -> None:
    assert codes.decode(as_file(Image.new("RGB", (200, 200), "white"))) == []
    assert codes.decode(as_file(Image.new("L", (1, 1)))) == []


def test_zbar_is_asked_only_about_what_zxing_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    zbar = Mock(wraps=codes._by_zbar)
    monkeypatch.setattr(codes, "_by_zbar", zbar)
    picture = as_file(qr_image(NAME))
    assert codes.decode(picture) == [NAME]
    zbar.assert_not_called()
    monkeypatch.setattr(codes, "_by_zxing", lambda pixels: [])
    assert codes.decode(picture) == [NAME]
    zbar.assert_called_once()


def test_a_code_of_tiny_modules_is_read_enlarged() -> None:
    small = qr_image(NAME).convert("L").resize((64, 64), Image.Resampling.BILINEAR)
    pixels = np.asarray(small.filter(ImageFilter.GaussianBlur(0.5)))
    assert not codes._by_zxing(pixels)
    assert codes.decode(pixels) == [NAME]


def test_a_blurred_code_is_read_sharpened() -> None:
    seed = 41  # neither decoder reads it, nor zxing-cpp at twice the size
    assert codes.decode(smeared(seed)) == [payload(seed)]


def test_a_dim_telephone_under_lamps_is_read_with_its_light_levelled() -> None:
    screen = phone_screen(0)  # neither decoder reads it, nor zxing-cpp enlarged
    assert not codes._by_zxing(screen)
    assert not codes._by_zbar(screen)
    assert codes.decode(screen) == [payload(0)]
    gray, colour = screen[:, :, None], np.dstack([screen] * 3)
    for frame in (gray, colour):
        height, width, channels = frame.shape
        blob = Blob.of(np.ascontiguousarray(frame).data)
        assert codes.CodesWorker().decode_frame(blob, width, height, channels) == [payload(0)]


def test_longest_payload_is_4096_characters() -> None:
    fits = "7" * MAX_PAYLOAD
    assert codes.decode(as_file(qr_image(fits, error="l"))) == [fits]
    assert codes.decode(as_file(qr_image(fits + "7", error="l"))) == []


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 11000 by 11000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 11000, 11000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7 is no picture",
        as_file(qr_image(NAME))[:150],
        as_file(qr_image(NAME).convert("L"), "JPEG")[:900],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        bomb(),
    ],
    ids=["empty", "pdf", "cut png", "cut jpeg", "postscript", "bomb"],
)
def test_what_is_no_image_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(DeviceError) as caught:
        codes.decode(data)
    assert caught.value.code == Fault.IMAGE_UNREADABLE
    assert not caught.value.retryable


def test_a_bomb_is_refused_for_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "MAX_PIXELS", 100)
    with pytest.raises(DeviceError, match="megapixels"):
        codes.decode(as_file(Image.new("L", (11, 10))))


def test_the_child_side_takes_a_blob() -> None:
    assert codes.CodesWorker().decode(Blob.of(as_file(qr_image(NAME)))) == [NAME]
