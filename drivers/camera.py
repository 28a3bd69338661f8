"""The camera: OpenCV's VideoCapture in a supervised child, always giving the newest frame."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from drivers.contract import DeviceError, Fault, Health, Raster, Status
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

MAX_SIDE = 640  # enough for the preview, and what face detection works best on
_RELEASE_DEADLINE = 3.0
_CHILD_MARGIN = 2.0  # the child answers for a silent stream before the supervisor kills it
_MANUAL_EXPOSURE = 1  # V4L2_EXPOSURE_MANUAL
_START_UP = 15.0  # loading OpenCV on a busy machine


class OpenCvCamera:
    """``source``: an MJPEG address, ``/dev/videoN``, or a video file.

    ``rotation`` is degrees clockwise (0, 90, 180, 270); ``exposure`` a fixed one in units of 100
    microseconds, for ``/dev/videoN`` only; ``deadline`` seconds for one frame.
    """

    def __init__(
        self,
        *,
        source: str,
        rotation: int = 0,
        exposure: float | None = None,
        deadline: float = 5.0,
    ) -> None:
        if rotation not in (0, 90, 180, 270):
            raise ValueError(f"rotation is 0, 90, 180 or 270, not {rotation}")
        options = {
            "source": source,
            "rotation": rotation,
            "exposure": exposure,
            "patience": deadline,
        }
        self._deadline = deadline + _CHILD_MARGIN
        self._spec = ChildSpec(
            "camera", f"{__name__}:CameraWorker", options, deadline=self._deadline
        )
        self._child = Child(self._spec)
        self._status = Status(Health.STALE, time.monotonic())

    def status(self) -> Status:
        """What the last use found; STALE before the first one, BUSY while frames are taken."""
        return self._status

    async def close(self) -> None:
        await self._child.close()

    async def frames(self) -> AsyncGenerator[Raster]:
        """RGB frames, at most 640 pixels a side, each newer than the one before.

        Raises DeviceError: CAMERA_ABSENT when it cannot be opened, CAMERA_STOPPED later.
        """
        failed = Fault.CAMERA_ABSENT
        try:
            await self._child.call("open", deadline=_START_UP + self._deadline)
            self._set(Health.BUSY)
            failed = Fault.CAMERA_STOPPED
            while True:
                yield Raster(**await self._child.call("next_frame"))
        except DeviceError as error:
            absent = failed is Fault.CAMERA_ABSENT
            self._set(Health.ABSENT if absent else Health.FAULT, failed)
            raise DeviceError(failed, error.detail or error.code) from error
        except BaseException:  # cancelled, or nobody wants the rest
            await self._release()
            raise

    async def _release(self) -> None:
        """The light of the camera goes out; a child that does not answer is replaced."""
        self._set(Health.READY)
        try:
            # Not asyncio.timeout: in a cancelled task Python 3.11.2 lets it raise CancelledError.
            await asyncio.wait_for(self._child.call("release"), _RELEASE_DEADLINE)
        except (DeviceError, TimeoutError):
            stuck, self._child = self._child, Child(self._spec)
            await stuck.close()

    def _set(self, health: Health, code: str | None = None) -> None:
        self._status = Status(health, time.monotonic(), code)


class CameraWorker:
    """The child's side. A thread drains the stream, so that no old frame waits in a buffer."""

    def __init__(
        self, source: str, rotation: int, patience: float, exposure: float | None = None
    ) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._cv2 = cv2
        self._source = source
        self._exposure = exposure
        self._turn = {
            90: cv2.ROTATE_90_CLOCKWISE,
            180: cv2.ROTATE_180,
            270: cv2.ROTATE_90_COUNTERCLOCKWISE,
        }.get(rotation)
        self._patience = patience
        self._grabber: _Grabber | None = None

    def open(self) -> None:
        self.release()
        capture = self._capture()
        if not capture.isOpened():
            capture.release()
            raise DeviceError(Fault.CAMERA_ABSENT, "it cannot be opened")
        self._grabber = _Grabber(capture, self._pause(capture))

    def next_frame(self) -> dict[str, Any]:
        """The fields of a Raster: the newest frame not yet given."""
        frame = self._grabber.take(self._patience) if self._grabber else None
        if frame is None:
            self.release()
            raise DeviceError(Fault.CAMERA_STOPPED, "no more frames")
        pixels = self._prepare(frame)
        height, width, channels = pixels.shape
        return {
            "pixels": Blob.of(pixels.data),
            "width": width,
            "height": height,
            "channels": channels,
        }

    def release(self) -> None:
        grabber, self._grabber = self._grabber, None
        if grabber:
            grabber.stop()

    def _capture(self) -> Any:
        cv2, limit = self._cv2, int(self._patience * 1000)
        if self._source.startswith("/dev/"):
            capture = cv2.VideoCapture(self._source, cv2.CAP_V4L2)
            if self._exposure is not None:
                capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL_EXPOSURE)
                capture.set(cv2.CAP_PROP_EXPOSURE, self._exposure)
            return capture
        if "://" in self._source:
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
            return cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, limits)
        return cv2.VideoCapture(self._source)

    def _pause(self, capture: Any) -> float:
        """Seconds between frames of a file, which would otherwise be over at once."""
        if self._source.startswith("/dev/") or "://" in self._source:
            return 0.0
        return 1.0 / (capture.get(self._cv2.CAP_PROP_FPS) or 15.0)

    def _prepare(self, frame: Frame) -> Frame:
        """RGB, upright, small."""
        cv2 = self._cv2
        height, width = frame.shape[:2]
        scale = MAX_SIDE / max(height, width)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        if self._turn is not None:
            frame = cv2.rotate(frame, self._turn)
        rgb: Frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        return rgb


class _Grabber:
    """Reads a capture in a thread of its own and keeps the newest frame."""

    def __init__(self, capture: Any, pause: float) -> None:
        self._capture = capture
        self._pause = pause
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self, patience: float) -> Frame | None:
        """The newest frame not yet taken; None when the stream ended or is silent too long."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._ended.is_set(), patience
            )
            frame, self._newest = self._newest, None
            return frame

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            found, frame = self._capture.read()
            with self._changed:
                if found:
                    self._newest = frame
                else:
                    self._ended.set()
                self._changed.notify_all()
            if self._pause:
                self._ended.wait(self._pause)
        self._capture.release()
