"""Five 200-dpi colour pages in both profiles: how large, and how well they can still be read.

Both copies are rendered at the 300 dpi of the mask without the words, the watermark and the
statement that a copy adds, and read by our own reader; errors are those of letters against what is
printed on the papers.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image

from certify.issue import Issued, issue_pre_check
from certify.layers import layered
from certify.pages import SourcePage
from kiosk.documents.files import read_files
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON
from tests.bench.bench_certify import KINDS
from tests.bench.measure import Row, cpu_seconds
from tests.certify import specimens
from tests.kiosk.documents.test_reader import error_rate

RENDERED_DPI = 300
WEAR = (0.0, 0.4)  # of papers.damage


def run() -> list[Row]:
    return [row for level in WEAR for row in _rows(level)]


def _rows(level: float) -> list[Row]:
    scans = [_scan(kind, number, level) for number, kind in enumerate(KINDS)]
    archived = _read(scans, papers.DPI)
    lean: list[SourcePage] = []
    seconds = cpu_seconds(lambda: lean.extend(map(layered, archived)), 1) / len(archived)
    copies = {"archive": _issued(archived).pdf, "lean": _issued(lean).pdf}
    errors = {name: _errors(pdf) for name, pdf in copies.items()}
    wear = f"wear {level}"
    return [
        *(Row(f"{name}: size", len(pdf) / 1e6, "MB", wear) for name, pdf in copies.items()),
        *(Row(f"{name}: character errors", rate, "%", wear) for name, rate in errors.items()),
        Row("lean: errors more than archive", errors["lean"] - errors["archive"], "points", wear),
        Row("lean: CPU a page more", seconds, "s", wear),
    ]


def _scan(kind: str, number: int, level: float) -> Image.Image:
    draw = papers.diploma if kind == "diploma" else papers.birth_certificate
    return papers.damage(draw(PERSON, number + 1), level, number + 1)


def _read(images: Sequence[Image.Image], dpi: int) -> list[SourcePage]:
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"{number}.png" for number in range(len(images))]
        for file, image in zip(files, images, strict=True):
            image.save(file, dpi=(dpi, dpi))
        readings = asyncio.run(read_files(files, lambda *_: None))
    return [reading.page for reading in readings]


def _issued(pages: list[SourcePage]) -> Issued:
    officer = specimens.stranger(specimens.OFFICER, specimens.AGENCY)
    agency = specimens.stranger(specimens.AGENCY, specimens.AGENCY)
    return issue_pre_check(
        pages,
        specimens.facts(),
        officer=officer,
        agency=agency,
        seal=agency,
        seal_host=specimens.SEAL_HOST,
    )


def _errors(pdf: bytes) -> float:
    document = pypdfium2.PdfDocument(_without_text(pdf))
    images = [document[i].render(scale=RENDERED_DPI / 72).to_pil() for i in range(len(KINDS))]
    document.close()
    pairs = zip(KINDS, _read(images, RENDERED_DPI), strict=True)
    rates = [error_rate(papers.truth(kind, PERSON), page.text) for kind, page in pairs]
    return 100 * sum(rates) / len(rates)


def _without_text(pdf: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for page in opened.pages:
            page.Contents = opened.make_stream(pikepdf.unparse_content_stream(_drawn(page)))
        out = io.BytesIO()
        opened.save(out)
    return out.getvalue()


def _drawn(page: pikepdf.Page) -> list[Any]:
    kept, in_text = [], False
    for instruction in pikepdf.parse_content_stream(page):
        in_text = in_text or str(instruction.operator) == "BT"
        if not in_text:
            kept.append(instruction)
        in_text = in_text and str(instruction.operator) != "ET"
    return kept
