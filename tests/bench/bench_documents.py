"""The corpus of invented papers, read by us and by plain ``tesseract -l vie``, level by level.

Character errors are those of all pages together, divided by all letters. Pages of TUNING seeds may
have been looked at, HELD_OUT ones not; both stand side by side. The whole corpus takes hours:
``KIOSK_BENCH_PAPERS`` is how many kinds are read (a spread over all, default 3),
``KIOSK_BENCH_SEEDS`` how many seeds of each set (default 1), ``KIOSK_BENCH_LEVELS`` which levels.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from kiosk.documents import quality, upright
from kiosk.documents.cleanup import Pixels
from kiosk.documents.reader import DocumentReader
from kiosk.failures import Fault
from tests.bench.measure import Row, cpu_seconds
from tests.bench.papers import bad, corpus, damage, seeds
from tests.bench.papers.damage import Scan
from tests.bench.papers.errors import distance, normal

KINDS = int(os.environ.get("KIOSK_BENCH_PAPERS", "3"))
SEEDS = int(os.environ.get("KIOSK_BENCH_SEEDS", "1"))
LEVELS = os.environ.get("KIOSK_BENCH_LEVELS", " ".join(damage.LEVELS)).split()
SETS = {"tuned": seeds.TUNING[:SEEDS], "held out": seeds.HELD_OUT[:SEEDS]}

Read = Callable[[list[Path]], list[str]]


@dataclass(slots=True)
class _Tally:
    letters: int = 0
    edits: dict[str, int] = field(default_factory=lambda: {"plain": 0, "ours": 0})
    seconds: dict[str, float] = field(default_factory=lambda: {"plain": 0.0, "ours": 0.0})

    def rate(self, who: str) -> float:
        return 100 * self.edits[who] / max(self.letters, 1)

    def rows(self, name: str) -> Iterator[Row]:
        for who in self.edits:
            yield Row(f"{name}: {who}, character errors", self.rate(who), "%")
        ratio = self.edits["ours"] / max(self.edits["plain"], 1)
        yield Row(f"{name}: errors, ours / plain", ratio, "ratio")
        if all(self.seconds.values()):
            cpu = self.seconds["ours"] / self.seconds["plain"]
            yield Row(f"{name}: CPU, ours / plain", cpu, "ratio", "child start counted")


def run() -> list[Row]:
    rows: list[Row] = []
    for name, chosen in SETS.items():
        groups: dict[str, _Tally] = {}
        for level in LEVELS:
            rows += _level(level, chosen, groups).rows(f"{level}, {name}")
        for group, tally in groups.items():
            rows += tally.rows(f"every {group}, {name}")
        rows += gate_rows(name, chosen)
    return rows


def _spread(count: int) -> list[str]:
    """``count`` kinds, evenly from all, so that cards and tables are among them."""
    kinds = list(corpus.KINDS)
    return [kinds[round((at + 0.5) * len(kinds) / count - 0.5)] for at in range(count)]


def _level(level: str, chosen: tuple[int, ...], groups: dict[str, _Tally]) -> _Tally:
    """Letters and edits of all pages of ``level``; added to their ``groups``, too."""
    kinds = _spread(min(KINDS, len(corpus.KINDS)))
    scans = [damage.worn(corpus.page(kind, seed), level, seed) for seed in chosen for kind in kinds]
    total = _Tally()
    with tempfile.TemporaryDirectory() as folder:
        files = [_saved(scan, Path(folder, f"{at}.png")) for at, scan in enumerate(scans)]
        for who, read in (("plain", _plain), ("ours", _ours)):
            texts: list[str] = []
            total.seconds[who] = cpu_seconds(partial(_into, texts, read, files), 1)
            for scan, text in zip(scans, texts, strict=True):
                edits = distance(normal(scan.page.text), normal(text))
                total.edits[who] += edits
                groups.setdefault(scan.page.group, _Tally()).edits[who] += edits
    for scan in scans:
        letters = len(normal(scan.page.text))
        total.letters += letters
        groups[scan.page.group].letters += letters
    return total


def _into(texts: list[str], read: Read, files: list[Path]) -> None:
    texts.extend(read(files))


def _saved(scan: Scan, file: Path) -> Path:
    scan.image.save(file, dpi=(scan.page.dpi, scan.page.dpi), compress_level=1)
    return file


def _plain(files: list[Path]) -> list[str]:
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    read = partial(subprocess.run, env=environment, capture_output=True, text=True, check=True)
    return [str(read(["tesseract", file, "-", "-l", "vie"]).stdout) for file in files]


def _ours(files: list[Path]) -> list[str]:
    return asyncio.run(_read_by_us(files))


async def _read_by_us(files: list[Path]) -> list[str]:
    reader = DocumentReader()
    try:
        return [(await reader.read_file(file)).page.text for file in files]
    finally:
        await reader.close()


def gate_rows(name: str, chosen: tuple[int, ...]) -> list[Row]:
    """How many bad pages the gate knows for what they are, and how many good ones it stops."""
    kinds = _spread(min(KINDS, len(corpus.KINDS)))
    pages = [(corpus.page(kind, seed), seed) for seed in chosen for kind in kinds]
    rows = []
    for fault, told in TOLD.items():
        found = [told(np.asarray(bad.spoiled(page, fault, seed))) for page, seed in pages]
        rows.append(Row(f"gate, {name}: {fault} pages known", _share(found), "%"))
    good = [
        _stopped(np.asarray(damage.worn(page, level, seed).image))
        for level in damage.LEVELS
        for page, seed in pages
    ]
    rows.append(Row(f"gate, {name}: good pages stopped or turned", _share(good), "%"))
    return rows


def _tells(fault: Fault) -> Callable[[Pixels], bool]:
    return lambda image: fault in quality.findings(image, corpus.DPI)


def _stopped(image: Pixels) -> bool:
    return bool(quality.findings(image, corpus.DPI)) or upright.on_its_side(image)


TOLD: dict[str, Callable[[Pixels], bool]] = {
    "blurred": _tells(Fault.PAGE_BLURRED),
    "dark": _tells(Fault.PAGE_DARK),
    "glare": _tells(Fault.PAGE_GLARE),
    "cut": _tells(Fault.PAGE_CUT),
    "sideways": upright.on_its_side,
    "blank": _tells(Fault.PAGE_BLANK),
    "two-sheets": _tells(Fault.PAGE_TWO_SHEETS),
    "fingers": _tells(Fault.PAGE_FINGERS),
}
"""Upside down is told by the reading, not by the gate."""


def _share(answers: list[bool]) -> float:
    return 100 * sum(answers) / max(len(answers), 1)
