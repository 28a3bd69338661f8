"""``kiosk compare-faces``: image files against each other, one pair or a CSV of them."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.contract import DeviceError
from kiosk.failures import Fault, KioskError
from kiosk.identity.faces import DEFAULT_THRESHOLD, FaceMatcher, Likeness

Progress = Callable[[int], None]

_MAX_BYTES = 100 * 1024 * 1024
_COLUMNS = ("path1", "path2")


@dataclass(frozen=True, slots=True)
class PairRow:
    """One compared pair. ``score``: 1 - dlib distance, more is more alike; None without two faces.

    ``reason``: "ok", "missing-first", "unreadable-first", "no-face-in-first", the same for
    "second", or "failed" when the child was lost over this pair.
    """

    first: str
    second: str
    score: float | None
    match: bool
    reason: str


def compare_files(first: Path, second: Path, threshold: float = DEFAULT_THRESHOLD) -> PairRow:
    return next(compare_pairs([(str(first), str(second))], threshold=threshold))


def compare_pairs(
    pairs: Iterable[tuple[str, str]],
    *,
    threshold: float = DEFAULT_THRESHOLD,
    progress: Progress | None = None,
) -> Iterator[PairRow]:
    """A row for every pair, in order; a bad file makes a row with a reason, never an error.

    ``progress`` is called with the number of pairs done after each.
    """
    matcher = FaceMatcher(threshold)
    with asyncio.Runner() as runner:
        try:
            for done, (first, second) in enumerate(pairs, 1):
                yield runner.run(_compare(matcher, first, second))
                if progress:
                    progress(done)
        finally:
            runner.run(matcher.forget())


def compare_csv(
    source: Path,
    target: Path,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    progress: Progress | None = None,
) -> int:
    """Read pairs from ``source``, write them with score, match and reason to ``target``.

    The pairs are the columns path1 and path2, or the first two where there is no header; other
    columns are carried along. Relative paths count from the working folder, else from the folder of
    ``source``. ``match`` is 1 or 0. Returns the number of pairs. Raises KioskError
    (INPUT_UNREADABLE) when the table cannot be read or written.
    """
    header, rows = _read_table(source)
    first, second = header.index("path1"), header.index("path2")
    pairs = [(_find(row[first], source), _find(row[second], source)) for row in rows]
    try:
        with target.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([*header, "score", "match", "reason"])
            results = compare_pairs(pairs, threshold=threshold, progress=progress)
            for row, result in zip(rows, results, strict=True):
                score = "" if result.score is None else f"{result.score:.4f}"
                writer.writerow([*row, score, int(result.match), result.reason])
    except OSError as error:
        raise KioskError(Fault.INPUT_UNREADABLE, f"{target}: {error.strerror}") from None
    return len(rows)


def read_pair_count(source: Path) -> int:
    """How many pairs ``compare_csv`` will compare, for a progress bar."""
    return len(_read_table(source)[1])


def _read_table(source: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise KioskError(Fault.INPUT_UNREADABLE, f"{source}: {error}") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if set(_COLUMNS) <= set(header):
        rows = rows[1:]
    else:
        header = [*_COLUMNS, *(f"column{n}" for n in range(3, len(header) + 1))]
    for line, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise KioskError(Fault.INPUT_UNREADABLE, f"{source}: row {line} has {len(row)} columns")
    return header, rows


def _find(name: str, source: Path) -> str:
    beside = source.parent / name
    return str(beside) if not Path(name).exists() and beside.exists() else name


async def _compare(matcher: FaceMatcher, first: str, second: str) -> PairRow:
    contents = []
    for which, name in (("first", first), ("second", second)):
        content = _read(Path(name))
        if content is None:
            return PairRow(first, second, None, False, f"missing-{which}")
        contents.append(content)
    try:
        likeness = await matcher.compare_images(*contents)
    except DeviceError:
        likeness = Likeness(None, False, "failed")
    score = None if likeness.distance is None else round(1 - likeness.distance, 4)
    return PairRow(first, second, score, likeness.match, likeness.reason)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except (OSError, ValueError):  # ValueError: a name with a null character
        return None
