"""QR codes in pictures: zxing-cpp first, zbar for what it misses, then zxing-cpp again on the
picture at twice its size, and on that one sharpened.

What each finds is measured by ``./run bench codes``. Payloads are data: nothing here acts on them.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from drivers.contract import DeviceError, Fault
from drivers.wire import Blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8]

MAX_PAYLOAD = 4096
MAX_PIXELS = 100_000_000
_ENLARGE_PIXELS = 2_000_000
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")


def decode(image: Pixels | bytes) -> list[str]:
    """The payloads of the QR codes seen, none twice: at most 4096 characters each, longer ones
    are dropped. ``image``: uint8 pixels (height, width) gray or (height, width, 3) RGB, or an
    encoded image file.

    Raises DeviceError IMAGE_UNREADABLE: not an image, a damaged one, or over 100 megapixels.
    """
    pixels = _load(image) if isinstance(image, bytes) else image
    payloads = _by_zxing(pixels) or _by_zbar(pixels) or _by_zxing_enlarged(pixels)
    return [text for text in dict.fromkeys(payloads) if 0 < len(text) <= MAX_PAYLOAD]


class CodesWorker:
    """The child's side."""

    def decode(self, image: Blob) -> list[str]:
        """As :func:`decode`, from an encoded image file."""
        return decode(image.read())


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


def _by_zbar(pixels: Pixels) -> list[str]:
    from pyzbar import pyzbar

    found = pyzbar.decode(pixels, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [_text(code.data, code.data.decode("latin-1")) for code in found]


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
