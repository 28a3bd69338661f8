"""The inside of the camera's child: OpenCV, and a thread that always has the newest frame."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers import camera_sources as sources
from drivers.contract import DeviceError, Fault
from drivers.exposure import FaceExposure
from drivers.wire import Blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

MAX_SIDE = 640  # enough for the preview, and what face detection works best on
_FILE_FPS = 15.0  # of pictures without a pace of their own
_FLAT = 2.0  # deviation below which a picture shows nothing: a covered lens, or the sun


class CameraWorker:
    """``mirrored``: the camera turns left and right about by itself, which is undone here."""

    def __init__(
        self,
        source: str,
        rotation: int,
        patience: float,
        exposure: float | None = None,
        mirrored: bool = False,
    ) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._cv2 = cv2
        self._source = source
        self._fixed = exposure
        self._mirrored = mirrored
        self._turn = {
            90: cv2.ROTATE_90_CLOCKWISE,
            180: cv2.ROTATE_180,
            270: cv2.ROTATE_90_COUNTERCLOCKWISE,
        }.get(rotation)
        self._patience = patience
        self._grabber: _Grabber | None = None
        self._exposure: FaceExposure | None = None

    def open(self) -> None:
        """Raises DeviceError (CAMERA_ABSENT)."""
        self.release()
        capture = self._capture()
        if not capture.isOpened():
            capture.release()
            raise DeviceError(Fault.CAMERA_ABSENT, "it cannot be opened")
        if sources.is_node(self._source):
            self._exposure = FaceExposure(self._cv2, capture, self._fixed)
        self._grabber = _Grabber(capture, self._pause(capture), sources.is_live(self._source))

    def next_frame(self) -> dict[str, Any]:
        """The fields of a Raster: the newest frame not yet given. Empty when a live stream broke
        off, so that it is worth while to open it again.

        Raises DeviceError (CAMERA_STOPPED): a film is over; or nothing new came for too long, the
        same picture again and again included.
        """
        grabber = self._grabber
        frame = grabber.take(self._patience) if grabber else None
        if grabber is None or frame is None:
            broke_off = grabber is not None and grabber.ended
            self.release()
            if broke_off and sources.is_live(self._source):
                return {}
            raise DeviceError(Fault.CAMERA_STOPPED, "over" if broke_off else "nothing new")
        pixels = self._prepare(frame)
        height, width, channels = pixels.shape
        return {
            "pixels": Blob.of(pixels.data),
            "width": width,
            "height": height,
            "channels": channels,
        }

    def meter(self, luma: float) -> None:
        """A face of mean ``luma`` (0 to 255) was seen: the frames to come should suit it."""
        exposure = self._exposure
        if self._grabber and exposure:
            self._grabber.between_frames(lambda: exposure.follow(luma))

    def release(self) -> None:
        grabber, self._grabber = self._grabber, None
        exposure, self._exposure = self._exposure, None
        if grabber:
            grabber.stop(exposure.restore if exposure else lambda: None)

    def _capture(self) -> Any:
        cv2, limit = self._cv2, int(self._patience * 1000)
        if sources.is_node(self._source):
            return cv2.VideoCapture(sources.node_of(self._source), cv2.CAP_V4L2)
        if sources.is_stream(self._source):
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
            return cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, limits)
        if Path(self._source).is_dir():
            return sources.Folder(cv2, Path(self._source))
        backend = cv2.CAP_IMAGES if "%" in self._source else cv2.CAP_ANY
        return cv2.VideoCapture(self._source, backend)

    def _pause(self, capture: Any) -> float:
        """Seconds between frames of a recording, which would otherwise be over at once."""
        if sources.is_live(self._source):
            return 0.0
        return 1.0 / (capture.get(self._cv2.CAP_PROP_FPS) or _FILE_FPS)

    def _prepare(self, frame: Frame) -> Frame:
        """RGB, upright, as others see the person, small."""
        cv2 = self._cv2
        height, width = frame.shape[:2]
        scale = MAX_SIDE / max(height, width)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        if self._mirrored:
            frame = cv2.flip(frame, 1)
        if self._turn is not None:
            frame = cv2.rotate(frame, self._turn)
        rgb: Frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        return rgb


class _Grabber:
    """Reads a capture in a thread of its own and keeps the newest frame.

    ``live``: a frame equal to the one before is none. No sensor gives the same noise twice; a
    camera that hangs does, and its last picture must not pass for the person who stands there now.
    So the first one waits until another has come: until then nothing says that it is not old.
    """

    def __init__(self, capture: Any, pause: float, live: bool) -> None:
        self._capture = capture
        self._pause = pause
        self._live = live
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._print = -1
        self._tasks: deque[Callable[[], None]] = deque()
        self._ended = threading.Event()
        self._at_last: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def take(self, patience: float) -> Frame | None:
        """The newest frame not yet taken; None when the stream ended or nothing new comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self.ended, patience)
            frame, self._newest = self._newest, None
            return frame

    def between_frames(self, task: Callable[[], None]) -> None:
        """OpenCV's captures are not for two threads at once."""
        self._tasks.append(task)

    def stop(self, at_last: Callable[[], None]) -> None:
        self._at_last = at_last
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.ended:
            found, frame = self._capture.read()
            with self._changed:
                if not found:
                    self._ended.set()
                elif self._is_new(frame):
                    self._newest = frame
                self._changed.notify_all()
            while self._tasks:
                self._tasks.popleft()()
            if self._pause:
                self._ended.wait(self._pause)
        self._at_last()
        self._capture.release()

    def _is_new(self, frame: Frame) -> bool:
        if not self._live:
            return True
        last, self._print = self._print, zlib.crc32(frame[::2].tobytes())
        return last not in (-1, self._print) or float(frame[::8, ::8].std()) < _FLAT
