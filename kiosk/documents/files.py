"""Image files and PDF as pages with words, for commands that work on files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from certify.errors import Fault
from certify.pages import MAX_PAGES
from drivers.contract import DeviceError
from kiosk.documents.reader import DocumentReader, PageReading

Progress = Callable[[int, int], None]
"""Called with the number of pages done and of all pages."""


async def read_files(files: Sequence[Path], progress: Progress) -> list[PageReading]:
    """A reading for every page of ``files``, in order.

    Raises DeviceError: a code of certify.errors when a file is missing or no page or there are more
    than MAX_PAGES, PAGE_UNREADABLE, or that the child is lost.
    """
    reader = DocumentReader()
    try:
        counts = [await reader.count_pages(file) for file in files]
        if sum(counts) > MAX_PAGES:
            raise DeviceError(Fault.TOO_MANY_PAGES, f"more than {MAX_PAGES}")
        readings: list[PageReading] = []
        for file, count in zip(files, counts, strict=True):
            for index in range(count):
                readings.append(await reader.read_file(file, index))
                progress(len(readings), sum(counts))
        return readings
    finally:
        await reader.close()
