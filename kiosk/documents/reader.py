"""Pages in, pages with words out. The parent's side of the document child."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certify.pages import SourcePage, Word
from drivers.contract import DeviceError, Raster
from drivers.supervisor import Child, ChildSpec

DEADLINE = 90.0  # seconds a page; Tesseract itself is stopped at 60
_PREFIX = "kiosk-ocr-"
_ENVIRONMENT = {
    # Tesseract's own threads cost three times the work for little time; those of NumPy only wait.
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Page images are kept in the heap: giving 25 MB back and asking anew costs a twentieth of all.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as it will be kept, and what was found on it.

    ``thumbnail``: JPEG about 240 pixels wide. ``findings``: codes of kiosk.failures (PAGE_BLANK,
    PAGE_BLURRED, PAGE_DARK, PAGE_TOO_SMALL); empty for a good page. ``confidence``: mean over the
    words, 0 to 100.
    """

    page: SourcePage
    thumbnail: bytes
    findings: tuple[str, ...]
    confidence: float


class DocumentReader:
    """Reads pages one after the other in a child; a caller scans on while a page is read.

    Its methods raise DeviceError: PAGE_UNREADABLE, or CHILD_DIED, CHILD_TIMEOUT,
    CHILD_CIRCUIT_OPEN; the next page gets a fresh child.
    """

    def __init__(self, deadline: float = DEADLINE) -> None:
        # Tesseract's input and output are files. They hold a citizen's paper, so they lie in
        # memory, in a folder that this side clears when the child can no longer do so.
        _remove_left_behind()
        memory = _MEMORY_FOLDER if _MEMORY_FOLDER.is_dir() else None
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=memory)
        self._child = Child(
            ChildSpec(
                name="documents",
                target="kiosk.documents.worker:DocumentWorker",
                options={"folder": self._folder.name},
                environment=_ENVIRONMENT,
                deadline=deadline,
                nice=10,
            )
        )

    async def read_page(self, raster: Raster) -> PageReading:
        """A page of the scanner."""
        answer = await self._call(
            "read_raster",
            pixels=raster.pixels,
            width=raster.width,
            height=raster.height,
            channels=raster.channels,
            dpi=raster.dpi,
        )
        return _reading(answer)

    async def count_pages(self, file: Path) -> int:
        """Pages of a PNG, JPEG, TIFF or PDF file; further codes of certify.errors."""
        return int(await self._call("count_pages", file=str(file)))

    async def read_file(self, file: Path, index: int = 0) -> PageReading:
        """One page of such a file; further codes of certify.errors."""
        return _reading(await self._call("read_file", file=str(file), index=index))

    async def close(self) -> None:
        await self._child.close()
        self._folder.cleanup()

    async def _call(self, method: str, **arguments: Any) -> Any:
        try:
            return await self._child.call(method, **arguments)
        except DeviceError:
            self._clear()
            raise

    def _clear(self) -> None:
        """Remove what lost children left; the one that runs now keeps its place."""
        for place in Path(self._folder.name).glob("*"):
            if place.name != str(self._child.pid):
                shutil.rmtree(place, ignore_errors=True)


def _remove_left_behind() -> None:
    """What kiosks left that were killed: nobody else would ever remove it."""
    for place in _MEMORY_FOLDER.glob(f"{_PREFIX}*"):
        pid = place.name.removeprefix(_PREFIX).partition("-")[0]
        if not (pid.isdecimal() and Path("/proc", pid).exists()):
            shutil.rmtree(place, ignore_errors=True)


def _reading(answer: dict[str, Any]) -> PageReading:
    page = SourcePage(
        jpeg=answer["jpeg"].read(),
        width=answer["width"],
        height=answer["height"],
        dpi=answer["dpi"],
        words=tuple(Word(*fields) for fields in answer["words"]),
    )
    return PageReading(
        page, answer["thumbnail"].read(), tuple(answer["findings"]), answer["confidence"]
    )
