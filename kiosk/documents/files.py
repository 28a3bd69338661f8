"""Image files and PDF as pages with words, for commands that work on files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from certify.pages import load_pages
from kiosk.documents.reader import DocumentReader, PageReading


async def read_files(
    files: Sequence[Path], progress: Callable[[int], None] | None = None
) -> list[PageReading]:
    """A reading for every page of ``files``, in order.

    ``progress`` is called with 1 after each. Raises CertifyError when a file is missing or no page,
    DeviceError when the child is lost.
    """
    readings = []
    pages = await asyncio.to_thread(load_pages, files)
    reader = DocumentReader()
    try:
        for page in pages:
            readings.append(await reader.read_image(page.jpeg, page.dpi))
            if progress:
                progress(1)
    finally:
        await reader.close()
    return readings
