"""From five 300-dpi pages to a signed copy: ours against ``ocrmypdf -l vie`` and ``pyhanko sign``.

Both read with one thread a page. The peer gets its pages as a PDF, whose making is not counted.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import img2pdf
import numpy as np
from cryptography.hazmat.primitives import serialization
from PIL import Image

from certify.issue import issue_pre_check
from certify.pages import SourcePage
from kiosk.documents.reader import DocumentReader
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON
from tests.bench.measure import Row, cpu_seconds
from tests.certify import specimens
from tests.certify.text_layer import overlap

DPI = 300
COUNT = 5


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [_write(folder / f"{number}.png", number) for number in range(COUNT)]
        (folder / "pages.pdf").write_bytes(img2pdf.convert([str(file) for file in files]))
        read: list[SourcePage] = []
        made: dict[str, bytes] = {}

        def ours() -> None:
            read[:], made["ours"] = _ours(files)

        def peer() -> None:
            made["peer"] = _peer(folder)

        seconds = {"ours": cpu_seconds(ours, 1), "peer": cpu_seconds(peer, 1)}
        first = np.asarray(Image.open(io.BytesIO(read[0].jpeg)).convert("L"))
        lying = {name: overlap(pdf, first).share for name, pdf in made.items()}
    sizes = {name: len(pdf) / 1e6 for name, pdf in made.items()}
    ratio = seconds["ours"] / seconds["peer"]
    return [
        Row("CPU, ours / peer", ratio, "ratio", f"{seconds['ours']:.1f} s, child start counted"),
        Row("ours: words on their ink", 100 * lying["ours"], "%"),
        Row("peer: words on their ink", 100 * lying["peer"], "%", "its PDF, our measure"),
        Row("size, ours / peer", sizes["ours"] / sizes["peer"], "ratio", f"{sizes['ours']:.1f} MB"),
    ]


def _write(file: Path, number: int) -> Path:
    draw = papers.birth_certificate if number % 2 == 0 else papers.diploma
    image = draw(PERSON, number + 1)
    size = (image.width * DPI // papers.DPI, image.height * DPI // papers.DPI)
    image.resize(size, Image.Resampling.LANCZOS).save(file, dpi=(DPI, DPI))
    return file


def _ours(files: list[Path]) -> tuple[list[SourcePage], bytes]:
    pages = asyncio.run(_read(files))
    facts = specimens.facts()
    officer = specimens.stranger(specimens.OFFICER, specimens.AGENCY)
    agency = specimens.stranger(specimens.AGENCY, specimens.AGENCY)
    host = specimens.SEAL_HOST
    copy = issue_pre_check(
        pages, facts, officer=officer, agency=agency, seal=agency, seal_host=host
    )
    return pages, copy.pdf


async def _read(files: list[Path]) -> list[SourcePage]:
    reader = DocumentReader()
    try:
        return [(await reader.read_image(file.read_bytes())).page for file in files]
    finally:
        await reader.close()


def _peer(folder: Path) -> bytes:
    program = [sys.executable, "-m", "ocrmypdf", "-l", "vie"]
    _call([*program, folder / "pages.pdf", folder / "read.pdf"], OMP_THREAD_LIMIT="1")
    key, certificate = _keys(folder)
    sign = [sys.executable, "-W", "ignore", "-m", "pyhanko", "sign", "addsig", "--field", "Agency"]
    own = ["pemder", "--key", key, "--cert", certificate, "--no-pass"]
    _call([*sign, *own, folder / "read.pdf", folder / "signed.pdf"])
    return (folder / "signed.pdf").read_bytes()


def _keys(folder: Path) -> tuple[Path, Path]:
    signer = specimens.stranger(specimens.AGENCY, specimens.AGENCY)
    key, certificate = folder / "key.pem", folder / "certificate.der"
    key.write_bytes(
        signer.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate.write_bytes(signer.certificate.dump())
    return key, certificate


def _call(command: list[str | Path], **environment: str) -> None:
    subprocess.run(command, env=os.environ | environment, capture_output=True, check=True)
