"""Image files and PDF as pages with words, for commands that work on files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from certify.pages import load_pages
from kiosk.documents.reader import DocumentReader, PageReading

Progress = Callable[[int, int], None]
"""Called with the number of pages done and of all pages."""


async def read_files(files: Sequence[Path], progress: Progress) -> list[PageReading]:
    """A reading for every page of ``files``, in order.

    Raises CertifyError when a file is missing or no page,
    DeviceError when the child is lost.
    """
    readings = []
    pages = await asyncio.to_thread(load_pages, files)
    reader = DocumentReader()
    try:
        for done, page in enumerate(pages, 1):
            readings.append(await reader.read_image(page.jpeg, page.dpi))
            progress(done, len(pages))
    finally:
        await reader.close()
    return readings
