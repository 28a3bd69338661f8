from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from PIL import Image

from drivers.contract import Raster
from drivers.wire import Blob
from kiosk.documents.reader import DocumentReader
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON


def raster(image: Image.Image, dpi: int = papers.DPI) -> Raster:
    rgb = image.convert("RGB")
    return Raster(Blob.of(rgb.tobytes()), rgb.width, rgb.height, 3, dpi)


@pytest.fixture(scope="session")
def reader() -> Iterator[DocumentReader]:
    reader = DocumentReader()
    yield reader
    asyncio.run(reader.close())


@pytest.fixture(scope="session")
def certificate() -> Image.Image:
    return papers.birth_certificate(PERSON)


@pytest.fixture(scope="session")
def worn_diploma() -> Image.Image:
    return papers.damage(papers.diploma(PERSON), level=1, seed=3)
