"""Is the person before the camera the one on the photo? The parent's side of the face child.

What is left of a face lives in the child's memory only, and :meth:`FaceMatcher.forget` ends that
process: face templates are sensitive data and never stored (law 91/2025/QH15).
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.contract import Raster
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob

DEFAULT_THRESHOLD = 0.5  # dlib distance; the portal-signed policy says otherwise if it must

_SPEC = ChildSpec(
    name="faces",
    target="kiosk.identity.face_worker:FaceWorker",
    environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    deadline=20.0,
    nice=5,
)


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What one frame showed.

    ``distance``: dlib's, 0 is identical; None when the frame is no good for comparing.
    ``guidance``: "no-face", "come-closer", "too-dark", "hold-still" or "ok". Only a frame that is
    "ok" and no match speaks against the person. ``luma``: mean light of the face, 0 to 255, as the
    camera took it, or None.
    """

    found: bool
    distance: float | None
    match: bool
    guidance: str
    luma: float | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two image files. ``reason``: "ok", "unreadable-first", "no-face-in-second" and so on."""

    distance: float | None
    match: bool
    reason: str


class FaceMatcher:
    """Compares camera frames with one reference photo, in a child that lives as long as that.

    Every method may raise DeviceError: CHILD_DIED, CHILD_TIMEOUT or CHILD_CIRCUIT_OPEN. A new child
    knows no reference: load it again.
    """

    def __init__(self, threshold: float = DEFAULT_THRESHOLD) -> None:
        self.threshold = threshold
        self._child: Child | None = None

    async def load_reference(self, jpeg: bytes) -> None:
        """Take the face on ``jpeg`` as the reference, in place of any other.

        Raises DeviceError (FACE_NO_REFERENCE) when no face is found on it.
        """
        await self._running().call("load_reference", jpeg=Blob.of(jpeg))

    async def compare(self, frame: Raster) -> FaceResult:
        """Raises DeviceError (FACE_NO_REFERENCE) when no reference is loaded."""
        answer = await self._running().call(
            "compare",
            pixels=frame.pixels,
            width=frame.width,
            height=frame.height,
            channels=frame.channels,
        )
        return FaceResult(match=self._matches(answer["distance"]), **answer)

    async def compare_images(self, first: bytes, second: bytes) -> Likeness:
        """Two image files (JPEG, PNG); the child remembers files it has seen."""
        answer = await self._running().call(
            "compare_images", first=Blob.of(first), second=Blob.of(second)
        )
        return Likeness(match=self._matches(answer["distance"]), **answer)

    async def forget(self) -> None:
        """End the child, and with it everything known of a face. The matcher stays usable."""
        child, self._child = self._child, None
        if child is not None:
            await child.close()

    def _running(self) -> Child:
        if self._child is None:
            self._child = Child(_SPEC)
        return self._child

    def _matches(self, distance: float | None) -> bool:
        return distance is not None and distance <= self.threshold
