"""The inside of the face child: finds the largest face and measures how alike two faces are.

dlib's 128 numbers of a face (a template) stay in this process and die with it; only distances
leave. Distances below 0.6 mean "same person" by dlib's own measure; the policy asks for less.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from drivers.wire import Blob
from kiosk.failures import Fault, KioskError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its models package still asks for pkg_resources
    import face_recognition
    from face_recognition.api import face_detector

# The import switches this on for the whole process: half a picture would pass as a whole one.
ImageFile.LOAD_TRUNCATED_IMAGES = False

Pixels = npt.NDArray[np.uint8]
Template = npt.NDArray[np.float64]

_DETECT_SIDE = 640  # pixels; in larger pictures HOG is slow and sees faces in the wallpaper
_ENCODE_SIDE = 1600
_MAX_PIXELS = 60_000_000
_FORMATS = ("JPEG", "JPEG2000", "PNG", "WEBP", "BMP", "TIFF")  # never EPS: that starts Ghostscript
_CACHE_SIZE = 4096  # templates of 1 KiB

_DARK_LUMA = 40  # of 255
_DIM_LUMA = 90  # a face darker than this is made brighter before it is compared
_WELL_LIT = 110
_GAMMA = 2.2  # of the sRGB curve, near enough
_SMALL_FACE = 0.2  # of the frame's height
_MOVING_SHARPNESS = 12.0  # variance of the Laplacian on a face of 150 pixels


@dataclass(frozen=True, slots=True)
class _Box:
    top: int
    right: int
    bottom: int
    left: int

    def scaled(self, factor: float) -> tuple[int, int, int, int]:
        """As face_recognition wants it: top, right, bottom, left."""
        edges = (self.top, self.right, self.bottom, self.left)
        top, right, bottom, left = (round(edge * factor) for edge in edges)
        return top, right, bottom, left


class FaceWorker:
    def __init__(self) -> None:
        self._reference: Template | None = None
        self._templates: OrderedDict[bytes, Template | str] = OrderedDict()

    def load_reference(self, jpeg: Blob) -> None:
        """Keep the face on ``jpeg``. Raises KioskError (FACE_NO_REFERENCE)."""
        self._reference = None
        template = _template_of_file(jpeg.read())
        if isinstance(template, str):
            raise KioskError(Fault.FACE_NO_REFERENCE, template)
        self._reference = template

    def compare(self, pixels: Blob, width: int, height: int, channels: int) -> dict[str, Any]:
        """One camera frame against the reference; the fields of FaceResult except ``match``."""
        if self._reference is None:
            raise KioskError(Fault.FACE_NO_REFERENCE, "none loaded")
        frame = _rgb(np.frombuffer(pixels.view(), np.uint8).reshape(height, width, channels))
        box = _largest_face(frame)
        luma = _mean_luma(frame, box)
        guidance = _guidance(frame, box, luma)
        distance = None
        if box is not None and guidance == "ok":
            distance = _distance(_template(_well_lit(frame, luma), box), self._reference)
        seen = None if box is None else luma
        return {"found": box is not None, "distance": distance, "guidance": guidance, "luma": seen}

    def compare_images(self, first: Blob, second: Blob) -> dict[str, Any]:
        """Two image files. ``reason`` is "ok", or what is wrong with which of them."""
        templates = []
        for which, blob in (("first", first), ("second", second)):
            template = self._remembered(blob.read())
            if isinstance(template, str):
                reason = (
                    f"{template}-in-{which}" if template == "no-face" else f"{template}-{which}"
                )
                return {"distance": None, "reason": reason}
            templates.append(template)
        return {"distance": _distance(*templates), "reason": "ok"}

    def _remembered(self, data: bytes) -> Template | str:
        key = hashlib.sha256(data).digest()
        if key not in self._templates:
            self._templates[key] = _template_of_file(data)
            if len(self._templates) > _CACHE_SIZE:
                self._templates.popitem(last=False)
        self._templates.move_to_end(key)
        return self._templates[key]


def _template_of_file(data: bytes) -> Template | str:
    """The template of the largest face, or "unreadable" or "no-face"."""
    image = _open(data)
    if image is None:
        return "unreadable"
    box = _largest_face(image)
    return "no-face" if box is None else _template(image, box)


def _open(data: bytes) -> Pixels | None:
    """RGB pixels, upright, at most _ENCODE_SIDE on a side; None when it is not an image."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.draft("RGB", (_ENCODE_SIDE, _ENCODE_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    upright.thumbnail((_ENCODE_SIDE, _ENCODE_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(upright)


def _rgb(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels)


def _largest_face(image: Pixels) -> _Box | None:
    """The largest face, in pixels of the image shrunk to _DETECT_SIDE; of equals the surest."""
    small = Image.fromarray(image)
    small.thumbnail((_DETECT_SIDE, _DETECT_SIDE), Image.Resampling.BILINEAR)
    boxes, scores, _ = face_detector.run(np.asarray(small), 1, 0.0)
    if not boxes:
        return None
    # Areas of HOG's pyramid differ by 1.44 a level, so those within 10% are the same size.
    largest = max(box.area() for box in boxes)
    close = [
        (score, box) for score, box in zip(scores, boxes, strict=True) if box.area() > largest * 0.9
    ]
    box = max(close, key=lambda pair: pair[0])[1]
    height, width = small.height, small.width
    return _Box(
        max(box.top(), 0), min(box.right(), width), min(box.bottom(), height), max(box.left(), 0)
    )


def _template(image: Pixels, box: _Box) -> Template:
    factor = max(1.0, max(image.shape[:2]) / _DETECT_SIDE)
    encodings = face_recognition.face_encodings(image, [box.scaled(factor)])
    return np.asarray(encodings[0], np.float64)


def _distance(first: Template, second: Template) -> float:
    return float(np.linalg.norm(first - second))


def _mean_luma(frame: Pixels, box: _Box | None) -> float:
    """Of the face, 0 to 255; of the whole frame where there is none."""
    return float(_luma(_area(frame, box)).mean())


def _well_lit(frame: Pixels, luma: float) -> Pixels:
    """``frame`` with the light on a dim face raised, as a longer exposure would have done it; what
    is bright around it burns out. A face in good light is left as it is."""
    if luma >= _DIM_LUMA:
        return frame
    light = (np.arange(256) / 255) ** _GAMMA * (_WELL_LIT / max(luma, 1.0)) ** _GAMMA
    curve = np.rint(255 * np.clip(light, 0, 1) ** (1 / _GAMMA)).astype(np.uint8)
    return np.ascontiguousarray(curve[frame])


def _guidance(frame: Pixels, box: _Box | None, luma: float) -> str:
    """What the person should do: no-face, come-closer, too-dark, hold-still or ok."""
    if luma < _DARK_LUMA:
        return "too-dark"
    if box is None:
        return "no-face"
    area = _area(frame, box)
    if area.shape[0] < _SMALL_FACE * frame.shape[0]:
        return "come-closer"
    return "hold-still" if _sharpness(area) < _MOVING_SHARPNESS else "ok"


def _area(frame: Pixels, box: _Box | None) -> Pixels:
    factor = max(1.0, max(frame.shape[:2]) / _DETECT_SIDE)
    return frame if box is None else _cut(frame, box.scaled(factor))


def _cut(frame: Pixels, edges: tuple[int, int, int, int]) -> Pixels:
    top, right, bottom, left = edges
    return frame[top:bottom, left:right]


def _luma(image: Pixels) -> npt.NDArray[np.float64]:
    return np.asarray(image @ np.array([0.299, 0.587, 0.114]), np.float64)


def _sharpness(face: Pixels) -> float:
    """Variance of the Laplacian at a fixed size and tone, so that near, far, dim faces compare."""
    luma = _luma(np.asarray(Image.fromarray(face).resize((150, 150), Image.Resampling.BOX)))
    luma *= 128 / max(float(luma.mean()), 1.0)
    middle = luma[1:-1, 1:-1]
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float((around - 4 * middle).var())
