"""QR codes in pictures: zxing-cpp first, zbar for what it misses, then zxing-cpp again on the
picture at twice its size, and on that one sharpened; then both on the picture with its light
levelled, as a dim telephone under a lamp needs it; at last zxing-cpp on what is seen module by
module (``code_light``).

What each finds is measured by ``./run bench codes``. Payloads are data: nothing here acts on them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from drivers.contract import MAX_PAYLOAD, DeviceError, Fault
from drivers.wire import Blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
_ENLARGE_PIXELS = 2_000_000
_LEVEL_PIXELS = 500_000  # a camera's frame; a scanned page has even light
_NOISE = 3.0  # levels of 255 below which a difference means nothing
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")


def decode(image: Pixels | bytes) -> list[str]:
    """The payloads of the QR codes seen, none twice: at most 4096 characters each, longer ones
    are dropped. ``image``: uint8 pixels (height, width) gray or (height, width, 3) RGB, or an
    encoded image file.

    Raises DeviceError IMAGE_UNREADABLE: not an image, a damaged one, or over 100 megapixels.
    """
    pixels = _load(image) if isinstance(image, bytes) else image
    payloads = _by_zxing(pixels) or _by_zbar(pixels) or _by_zxing_enlarged(pixels)
    payloads = payloads or _by_both_levelled(pixels) or _by_modules(pixels)
    return [text for text in dict.fromkeys(payloads) if 0 < len(text) <= MAX_PAYLOAD]


class CodesWorker:
    """The child's side."""

    def decode(self, image: Blob) -> list[str]:
        """As :func:`decode`, from an encoded image file."""
        return decode(image.read())

    def decode_frame(self, pixels: Blob, width: int, height: int, channels: int) -> list[str]:
        """As :func:`decode`, from the fields of a Raster."""
        import numpy as np

        frame = np.frombuffer(pixels.view(), np.uint8).reshape(height, width, channels)
        return decode(frame if channels == 3 else frame[:, :, 0])


def _by_zxing(pixels: Pixels) -> list[str]:
    import zxingcpp

    qr = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    found = zxingcpp.read_barcodes(pixels, formats=qr, text_mode=zxingcpp.TextMode.Plain)
    return [_text(code.bytes, code.text) for code in found if code.valid]


def _by_zxing_enlarged(pixels: Pixels) -> list[str]:
    """Modules of one or two pixels, as in a camera's frame, are read at twice the size; blurred
    ones after sharpening too."""
    import numpy as np
    from PIL import Image, ImageFilter

    height, width = pixels.shape[:2]
    if height * width > _ENLARGE_PIXELS:
        return []
    double = Image.fromarray(pixels).resize((2 * width, 2 * height), Image.Resampling.LANCZOS)
    sharp = ImageFilter.UnsharpMask(radius=6, percent=300, threshold=0)
    return _by_zxing(np.asarray(double)) or _by_zxing(np.asarray(double.filter(sharp)))


def _by_both_levelled(pixels: Pixels) -> list[str]:
    """zbar copes better with a corner under a lamp, zxing-cpp with modules of three pixels."""
    if pixels.shape[0] * pixels.shape[1] > _LEVEL_PIXELS:
        return []
    for decode_by, times, blur, reach in _LEVELS:
        if found := decode_by(_levelled(pixels, times, blur, reach)):
            return found
    return []


def _by_modules(pixels: Pixels) -> list[str]:
    from drivers import code_light

    if pixels.shape[0] * pixels.shape[1] > _LEVEL_PIXELS:
        return []
    drawings = map(_by_zxing, code_light.drawings(_gray(pixels)))
    return next((found for found in drawings if found), [])


def _gray(pixels: Pixels) -> Pixels:
    import cv2
    import numpy as np

    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8)


def _levelled(pixels: Pixels, times: int, blur: float, reach: int) -> Pixels:
    """Gray, ``times`` as large, each place against the mean and the deviation of what is around:
    neither a bright spot nor a dark band decides what is black. ``blur`` (deviation) and ``reach``
    (side of what is around) in pixels of ``pixels``."""
    import cv2
    import numpy as np

    large = cv2.resize(_gray(pixels), None, fx=times, fy=times, interpolation=cv2.INTER_LANCZOS4)
    light = cv2.GaussianBlur(large, (0, 0), blur * times).astype(np.float32)
    around = (reach * times + 1, reach * times + 1)
    mean = cv2.blur(light, around)
    variance = np.maximum(cv2.blur(light * light, around) - mean * mean, 0)
    level = 128 + 70 * (light - mean) / (np.sqrt(variance) + _NOISE)
    return np.clip(level, 0, 255).astype(np.uint8)


def _by_zbar(pixels: Pixels) -> list[str]:
    from pyzbar import pyzbar

    found = pyzbar.decode(pixels, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [_text(code.data, code.data.decode("latin-1")) for code in found]


_LEVELS: tuple[tuple[Callable[[Pixels], list[str]], int, float, int], ...] = (
    (_by_zbar, 2, 0.75, 20),
    (_by_zbar, 2, 0.75, 13),
    (_by_zbar, 2, 1.1, 20),
    (_by_zxing, 4, 0.75, 20),
    (_by_zxing, 3, 1.0, 10),
    (_by_zbar, 2, 1.4, 10),
)
"""Decoder, enlargement, blur and reach: each for other distances, found on the tuning seeds."""


def _text(raw: bytes, guess: str) -> str:
    """Vietnamese codes are UTF-8 without saying so; a library may guess Latin or Japanese."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return guess


def _load(data: bytes) -> Pixels:
    """An image file as gray pixels, what is transparent taken as white."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DeviceError(Fault.IMAGE_UNREADABLE, "over 100 megapixels", retryable=False)
            return np.asarray(_flatten(image))
    except DeviceError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
        raise DeviceError(Fault.IMAGE_UNREADABLE, type(error).__name__, retryable=False) from None


def _flatten(image: Image) -> Any:
    from PIL import Image as Images

    if image.has_transparency_data:
        white = Images.new("RGBA", image.size, "white")
        image = Images.alpha_composite(white, image.convert("RGBA"))
    return image.convert("L")
