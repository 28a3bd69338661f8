"""From five 300-dpi pages to a signed copy: ours against ``ocrmypdf -l vie`` and ``pyhanko sign``.

Whole commands on the same images, each process with its imports; both read with one thread a page.
Both have their keys and their bytecode from a run before. The peer gets its pages as a PDF, whose
making is not counted.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import img2pdf
import numpy as np
from cryptography.hazmat.primitives import serialization
from PIL import Image

from certify.copyfile import open_reader, read_copy
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON
from tests.bench.measure import Row, cpu_seconds
from tests.certify import specimens
from tests.certify.text_layer import layer_text, overlap
from tests.kiosk.documents.test_reader import error_rate

DPI = 300
KINDS = ("birth-certificate", "diploma", "birth-certificate", "diploma", "birth-certificate")


@dataclass(frozen=True)
class Made:
    """A signed PDF, and the CPU that it cost."""

    pdf: bytes
    seconds: float


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [_write(folder, number, kind) for number, kind in enumerate(KINDS)]
        (folder / "pages.pdf").write_bytes(img2pdf.convert([str(file) for file in files]))
        ours = _made(folder, "copy.pdf", lambda: _ours(folder, files))
        peer = _made(folder, "signed.pdf", lambda: _peer(folder))
        read = layer_text(ours.pdf, len(KINDS))
        said = (folder / "read.txt").read_text("utf-8").split("\f")[: len(KINDS)]
    return [
        Row("CPU, ours / peer", ours.seconds / peer.seconds, "ratio", f"{ours.seconds:.1f} s"),
        Row("ours: character errors", 100 * _errors(read), "%", "of the text in the PDF"),
        Row("peer: character errors", 100 * _errors(said), "%", "of its sidecar"),
        *_lying(ours.pdf, peer.pdf),
        Row("size, ours / peer", len(ours.pdf) / len(peer.pdf), "ratio", _megabytes(ours.pdf)),
    ]


def _made(folder: Path, file: str, work: Callable[[], None]) -> Made:
    work()  # keys and bytecode
    seconds = cpu_seconds(work, 1)
    return Made((folder / file).read_bytes(), seconds)


def _errors(texts: list[str]) -> float:
    rates = [error_rate(papers.truth(k, PERSON), t) for k, t in zip(KINDS, texts, strict=True)]
    return sum(rates) / len(rates)


def _lying(ours: bytes, peer: bytes) -> list[Row]:
    reader = open_reader(ours)
    assert reader is not None
    with Image.open(io.BytesIO(read_copy(reader).images[0])) as image:
        first = np.asarray(image.convert("L"))
    shares = [100 * overlap(pdf, first).share for pdf in (ours, peer)]
    return [
        Row("ours: words on their ink", shares[0], "%"),
        Row("peer: words on their ink", shares[1], "%", "its PDF, our measure"),
    ]


def _megabytes(pdf: bytes) -> str:
    return f"{len(pdf) / 1e6:.1f} MB"


def _write(folder: Path, number: int, kind: str) -> Path:
    draw = papers.birth_certificate if kind == "birth-certificate" else papers.diploma
    image = draw(PERSON, number + 1)
    size = (image.width * DPI // papers.DPI, image.height * DPI // papers.DPI)
    file = folder / f"{number}.png"
    image.resize(size, Image.Resampling.LANCZOS).save(file, dpi=(DPI, DPI))
    return file


def _ours(folder: Path, files: list[Path]) -> None:
    program = [sys.executable, "-m", "kiosk", "certify"]
    _call(folder, [*program, *files, "--out", folder / "copy.pdf"])


def _peer(folder: Path) -> None:
    program = [sys.executable, "-m", "ocrmypdf", "-l", "vie"]
    files = [folder / name for name in ("read.txt", "pages.pdf", "read.pdf")]
    _call(folder, [*program, "--sidecar", *files])
    key, certificate = _keys(folder)
    sign = [sys.executable, "-W", "ignore", "-m", "pyhanko", "sign", "addsig", "--field", "Agency"]
    own = ["pemder", "--key", key, "--cert", certificate, "--no-pass"]
    _call(folder, [*sign, *own, folder / "read.pdf", folder / "signed.pdf"])


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


def _call(folder: Path, command: list[str | Path]) -> None:
    own = {"OMP_THREAD_LIMIT": "1", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment = os.environ | own | {"XDG_DATA_HOME": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, env=environment, capture_output=True, check=True)
