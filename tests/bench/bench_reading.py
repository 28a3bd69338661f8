"""Reading a damaged page: ours against plain ``tesseract -l vie`` on the same picture."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from kiosk.documents.files import read_files
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON
from tests.bench.measure import Row, cpu_seconds
from tests.kiosk.documents.test_reader import error_rate

DAMAGE = 1.0


def run() -> list[Row]:
    page = papers.damage(papers.birth_certificate(PERSON), DAMAGE, seed=11)
    truth = papers.truth("birth-certificate", PERSON)
    texts: dict[str, str] = {}

    def plain() -> None:
        texts["plain"] = _tesseract(page)

    def ours() -> None:
        texts["ours"] = _ours(page)

    seconds = {"plain": cpu_seconds(plain, 2), "ours": cpu_seconds(ours, 2)}
    errors = {name: error_rate(truth, text) for name, text in texts.items()}
    return [
        Row("plain tesseract: character errors", 100 * errors["plain"], "%"),
        Row("ours: character errors", 100 * errors["ours"], "%"),
        Row("errors, ours / plain", errors["ours"] / errors["plain"], "ratio"),
        Row(
            "CPU, ours / plain", seconds["ours"] / seconds["plain"], "ratio", "child start counted"
        ),
    ]


def _tesseract(page: Image.Image) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.png"
        page.save(file, dpi=(papers.DPI, papers.DPI))
        done = subprocess.run(
            ["tesseract", file, "-", "-l", "vie"],
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout


def _ours(page: Image.Image) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.png"
        page.save(file, dpi=(papers.DPI, papers.DPI))
        (reading,) = asyncio.run(read_files([file], lambda *_: None))
    return reading.page.text
