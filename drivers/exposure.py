"""The camera's exposure follows the face: a window behind a person must not make the face black."""

from __future__ import annotations

from typing import Any

TARGET = 115.0  # mean of the face, 0 to 255
_WELL = (80.0, 160.0)  # left alone, so that it does not hunt
_GAMMA = 2.2  # of the sRGB curve that a webcam applies
_STEP = 2.0  # at most twice or half the light from one frame to the next
_REACH = 16.0  # at most so much more or less than the camera's own choice
_MANUAL, _AUTO = 1, 3  # V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_APERTURE_PRIORITY


def better(exposure: float, luma: float, own: float) -> float:
    """The exposure to try next for a face of mean ``luma``, where the camera's own was ``own``."""
    if _WELL[0] <= luma <= _WELL[1]:
        return exposure
    factor = (TARGET / max(luma, 1.0)) ** _GAMMA
    wanted = exposure * min(max(factor, 1 / _STEP), _STEP)
    return float(round(min(max(wanted, own / _REACH, 1.0), own * _REACH)))


class FaceExposure:
    """Works the V4L2 controls of an open OpenCV capture. Units of 100 microseconds.

    A camera keeps its controls when it is closed, so what was changed must be put back:
    :meth:`restore`. ``fixed``: an exposure that the profile asks for, never changed.
    """

    def __init__(self, cv2: Any, capture: Any, fixed: float | None) -> None:
        self._mode, self._value = cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE
        self._capture = capture
        self._fixed = fixed is not None
        self._own = 0.0
        self._now = 0.0
        if fixed is None:
            capture.set(self._mode, _AUTO)  # whoever had the camera before may have left it dark
        else:
            capture.set(self._mode, _MANUAL)
            capture.set(self._value, fixed)

    def follow(self, luma: float) -> None:
        """A camera that cannot be told is left to itself."""
        if self._fixed:
            return
        own = self._own or float(self._capture.get(self._value))
        wanted = better(self._now or own, luma, own)
        if own <= 0 or wanted == (self._now or own):
            return
        if not (self._capture.set(self._mode, _MANUAL) and self._capture.set(self._value, wanted)):
            self._capture.set(self._mode, _AUTO)
            self._fixed = True
            return
        self._own, self._now = own, wanted

    def restore(self) -> None:
        if self._own:
            self._capture.set(self._mode, _AUTO)
            self._own = self._now = 0.0
