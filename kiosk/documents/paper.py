"""Paper copies under examination: the parent's side of the child that looks at them.

Nothing of the paper is kept: it lives in this session's memory and in the child, which ends with
the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.contract import Raster
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob

_SPEC = ChildSpec(
    name="paper copies",
    target="kiosk.documents.paper_worker:PaperWorker",
    environment={"OMP_NUM_THREADS": "1"},
    deadline=30.0,
    nice=5,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A scanned sheet. ``codes``: what its QR codes say."""

    jpeg: bytes
    dpi: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """``picture``: JPEG of the scan, upright when ``same_page``. ``marks``: (left, top, width,
    height) in parts of it, where it differs. ``close_ups``: JPEG of the first of them."""

    same_page: bool
    picture: bytes
    marks: tuple[tuple[float, float, float, float], ...] = ()
    close_ups: tuple[bytes, ...] = ()


class PaperExaminer:
    """Both calls raise DeviceError: PAGE_UNREADABLE, or CHILD_DIED, CHILD_TIMEOUT,
    CHILD_CIRCUIT_OPEN."""

    def __init__(self) -> None:
        self._child = Child(_SPEC)

    async def look(self, raster: Raster) -> Sheet:
        answer = await self._child.call(
            "look",
            pixels=raster.pixels,
            width=raster.width,
            height=raster.height,
            channels=raster.channels,
            dpi=raster.dpi,
        )
        return Sheet(answer["jpeg"].read(), answer["dpi"], tuple(answer["codes"]))

    async def compare(
        self, sheet: Sheet, issued: bytes, ignored: Sequence[Sequence[int]]
    ) -> Compared:
        """``issued``: the page as the portal gives it, ``ignored``: its boxes that do not count."""
        answer = await self._child.call(
            "compare",
            scan=Blob.of(sheet.jpeg),
            dpi=sheet.dpi,
            issued=Blob.of(issued),
            ignored=[list(box) for box in ignored],
        )
        return Compared(
            same_page=answer["same_page"],
            picture=answer["picture"].read(),
            marks=tuple(tuple(mark) for mark in answer["marks"]),
            close_ups=tuple(close_up.read() for close_up in answer["close_ups"]),
        )

    async def close(self) -> None:
        await self._child.close()
