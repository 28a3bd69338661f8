"""The camera: OpenCV in a supervised child (``camera_worker``), always giving the newest frame."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from drivers.camera_sources import check_source, look_for
from drivers.contract import DeviceError, Fault, Health, Raster, Status
from drivers.own_thread import OwnThread
from drivers.supervisor import Child, ChildSpec

_RELEASE_DEADLINE = 3.0
_CHILD_MARGIN = 2.0  # the child answers for a silent stream before the supervisor kills it
_START_UP = 15.0  # loading OpenCV on a busy machine
_RETRY_SECONDS = 0.2


class OpenCvCamera:
    """``source``: as ``camera_sources`` says.

    ``rotation`` is degrees clockwise (0, 90, 180, 270); ``exposure`` a fixed one in units of 100
    microseconds, for a V4L2 device only; ``mirrored``: the camera swaps left and right by itself.
    ``deadline``: seconds for one frame; a stream that breaks off is opened again for
    ``reopen_seconds``, so a plug that was pulled and put back is no more than a pause.
    """

    def __init__(
        self,
        *,
        source: str,
        rotation: int = 0,
        exposure: float | None = None,
        mirrored: bool = False,
        deadline: float = 5.0,
        reopen_seconds: float = 3.0,
    ) -> None:
        """Raises ValueError for a source or a rotation that cannot be."""
        check_source(source)
        if rotation not in (0, 90, 180, 270):
            raise ValueError(f"rotation is 0, 90, 180 or 270, not {rotation}")
        options = {
            "source": source,
            "rotation": rotation,
            "exposure": exposure,
            "mirrored": mirrored,
            "patience": deadline,
        }
        self._source = source
        self._deadline = deadline + _CHILD_MARGIN
        self._reopen_seconds = reopen_seconds
        target = "drivers.camera_worker:CameraWorker"
        self._spec = ChildSpec("camera", target, options, deadline=self._deadline)
        self._child = Child(self._spec)
        self._thread = OwnThread("camera")
        self._failed_in_use = False
        self._status = Status(Health.OPENING, time.monotonic())

    def status(self) -> Status:
        """BUSY while frames are taken. FAULT (CAMERA_STOPPED): it is there, but its last use
        failed."""
        return self._status

    async def close(self) -> None:
        self._thread.close()
        await self._child.close()

    async def check(self) -> None:
        """Look whether it is there, without opening it: its light stays off.

        Raises DeviceError (CAMERA_ABSENT).
        """
        if self._status.health is Health.BUSY:
            return
        try:
            await self._thread.run(lambda: look_for(self._source))
        except DeviceError:
            self._failed_in_use = False  # what comes back gets a fresh start
            self._settle(Health.ABSENT, Fault.CAMERA_ABSENT)
            raise
        if self._failed_in_use:
            self._settle(Health.FAULT, Fault.CAMERA_STOPPED)
        else:
            self._settle(Health.READY)

    async def frames(self) -> AsyncGenerator[Raster]:
        """RGB frames, at most 640 pixels a side, each newer than the one before.

        Raises DeviceError: CAMERA_ABSENT when it cannot be opened, CAMERA_STOPPED later.
        """
        failed = Fault.CAMERA_ABSENT
        try:
            await self._open()
            self._set(Health.BUSY)
            failed = Fault.CAMERA_STOPPED
            while True:
                if fields := await self._child.call("next_frame"):
                    self._failed_in_use = False
                    yield Raster(**fields)
                else:
                    await self._reopen()
        except DeviceError as error:
            absent = failed is Fault.CAMERA_ABSENT
            self._failed_in_use = True
            self._set(Health.ABSENT if absent else Health.FAULT, failed)
            raise DeviceError(failed, error.detail or error.code) from error
        except BaseException:  # cancelled, or nobody wants the rest
            await self._release()
            raise

    async def meter(self, luma: float) -> None:
        """A face of mean ``luma`` (0 to 255) is before it: expose the frames to come for that."""
        if self._status.health is not Health.BUSY:
            return
        try:
            await self._child.call("meter", luma=luma)
        except DeviceError:
            pass  # the next frame tells

    async def _open(self) -> None:
        await self._child.call("open", deadline=_START_UP + self._deadline)

    async def _reopen(self) -> None:
        until = time.monotonic() + self._reopen_seconds
        while True:
            try:
                return await self._open()
            except DeviceError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(_RETRY_SECONDS)

    async def _release(self) -> None:
        """The light of the camera goes out; a child that does not answer is replaced."""
        self._set(Health.READY)
        try:
            # Not asyncio.timeout: in a cancelled task Python 3.11.2 lets it raise CancelledError.
            await asyncio.wait_for(self._child.call("release"), _RELEASE_DEADLINE)
        except (DeviceError, TimeoutError):
            stuck, self._child = self._child, Child(self._spec)
            await stuck.close()

    def _settle(self, health: Health, code: str | None = None) -> None:
        """What a check found; a use that began meanwhile knows better."""
        now = self._status
        if now.health is not Health.BUSY and (now.health, now.code) != (health, code):
            self._set(health, code)

    def _set(self, health: Health, code: str | None = None) -> None:
        self._status = Status(health, time.monotonic(), code)
