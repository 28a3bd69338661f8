"""The hidden words of a copy lie on their ink, as Tesseract reads real-looking papers."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from certify.issue import assemble
from certify.pages import SourcePage
from kiosk.documents.files import read_files
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON
from tests.certify import specimens
from tests.certify.text_layer import overlap

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("text-layer")]

PAPERS = {
    "birth certificate": papers.birth_certificate(PERSON),
    "diploma": papers.diploma(PERSON),
    "hasty scan": papers.damage(papers.birth_certificate(PERSON), 0.6, seed=3),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SourcePage]:
    folder = tmp_path_factory.mktemp("papers")
    for name, image in PAPERS.items():
        image.save(folder / f"{name}.png", dpi=(papers.DPI, papers.DPI))
    files = [folder / f"{name}.png" for name in PAPERS]
    readings = asyncio.run(read_files(files, lambda *_: None))
    return {name: reading.page for name, reading in zip(PAPERS, readings, strict=True)}


def copy_of(page: SourcePage) -> bytes:
    return assemble([page], specimens.facts(), lambda _: "HTTPS://X.EXAMPLE/V/AAAA")


def grey(page: SourcePage) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(page.jpeg)) as image:
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("paper", PAPERS)
def test_words_overlap_their_ink(paper: str, read: dict[str, SourcePage]) -> None:
    page = read[paper]
    found = overlap(copy_of(page), grey(page))
    assert found.words == len(page.words) > 100
    assert found.share >= 0.98


def test_a_layer_that_slipped_half_a_line_is_noticed(read: dict[str, SourcePage]) -> None:
    page = read["birth certificate"]
    slipped = tuple(replace(word, top=word.top + 20) for word in page.words)
    assert overlap(copy_of(replace(page, words=slipped)), grey(page)).share < 0.5
