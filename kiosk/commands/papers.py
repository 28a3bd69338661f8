"""Commands for files: ``certify``, ``verify``, ``ocr``, ``compare-faces``, ``read-code``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from certify.__main__ import verify_command
from certify.statement import Mode, Profile

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("pages", nargs=-1, required=True, type=_FILE)
@click.option("--out", type=_FILE, required=True, help="the PDF to write")
@click.option("--mode", type=click.Choice(["pre-check", "post-check"]), default="pre-check")
@click.option(
    "--profile",
    type=click.Choice(["archive", "lean"]),
    default="archive",
    help="lean: paper and ink in layers, a fifth of the size",
)
@click.option("--json", "as_json", is_flag=True, help="facts of the copy as JSON")
def certify(
    pages: tuple[Path, ...], out: Path, mode: Mode, profile: Profile, as_json: bool
) -> None:
    """Make a certified copy of PAGES (images or PDF) with the sandbox's keys: a specimen."""
    from kiosk.sandbox import specimen

    with _progress("certify") as advance:
        work = specimen.certify(pages, out, mode=mode, profile=profile, progress=advance)
        facts = asyncio.run(work)
    if as_json:
        print(json.dumps(facts.to_dict(), ensure_ascii=False))
    else:
        print(f"{out}: number {facts.number}, book {facts.book}, id code {facts.id_code}")


@click.command()
@click.argument("page", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="words with boxes and confidence")
def ocr(page: Path, as_json: bool) -> None:
    """Read PAGE (image or PDF); the text goes to stdout."""
    from kiosk.documents.files import read_files

    with _progress("ocr") as advance:
        readings = asyncio.run(read_files([page], advance))
    if as_json:
        print(json.dumps([_reading(reading) for reading in readings], ensure_ascii=False))
    else:
        print("\n\f".join(reading.page.text for reading in readings))


@click.command("compare-faces")
@click.argument("photos", nargs=-1, type=_FILE)
@click.option("--pairs", type=click.Path(exists=True, path_type=Path), help="CSV path1,path2")
@click.option("--out", type=_FILE, help="CSV with score, match, reason added")
@click.option("--threshold", default=0.5, show_default=True, help="largest distance that matches")
@click.option("--json", "as_json", is_flag=True)
def compare_faces(
    photos: tuple[Path, ...], pairs: Path | None, out: Path | None, threshold: float, as_json: bool
) -> None:
    """Is it the same person? Two PHOTOS, or --pairs IN.csv --out OUT.csv. Exit 1: no match."""
    from kiosk.identity import compare

    if pairs and out:
        count = compare.read_pair_count(pairs)
        with _progress("compare") as advance:
            compare.compare_csv(
                pairs, out, threshold=threshold, progress=lambda done: advance(done, count)
            )
        return
    if len(photos) != 2:
        raise click.UsageError("give two photos, or --pairs IN.csv --out OUT.csv")
    row = compare.compare_files(photos[0], photos[1], threshold)
    if as_json:
        print(json.dumps({"score": row.score, "match": row.match, "reason": row.reason}))
    else:
        score = "no score" if row.score is None else f"score {row.score:.3f}"
        print(f"{'match' if row.match else 'no match'}: {score}, {row.reason}")
    raise SystemExit(2 if row.score is None else 0 if row.match else 1)


@click.command("read-code")
@click.argument("images", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True)
def read_code(images: tuple[Path, ...], as_json: bool) -> None:
    """Read the QR codes in IMAGES; one payload a line. Exit 1: none found."""
    payloads = asyncio.run(_codes([_bytes(image) for image in images]))
    print(json.dumps(payloads, ensure_ascii=False) if as_json else "\n".join(payloads))
    raise SystemExit(0 if payloads else 1)


async def _codes(files: list[bytes]) -> list[str]:
    """Decoded in a child: an image from anywhere may crash or hang a native decoder."""
    from drivers.supervisor import Child, ChildSpec
    from drivers.wire import Blob

    child = Child(ChildSpec("codes", "drivers.codes:CodesWorker", {}))
    try:
        found = [await child.call("decode", deadline=30.0, image=Blob.of(file)) for file in files]
        return [payload for payloads in found for payload in payloads]
    finally:
        await child.close()


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal, and nothing where there is none; call with (done, total)."""
    with click.progressbar(
        length=1, file=sys.stderr, label=label, hidden=not sys.stderr.isatty()
    ) as bar:

        def advance(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield advance


def _reading(reading: object) -> dict[str, object]:
    from kiosk.documents.reader import PageReading

    assert isinstance(reading, PageReading)
    words = [[w.text, w.left, w.top, w.width, w.height, w.confidence] for w in reading.page.words]
    return {"findings": list(reading.findings), "text": reading.page.text, "words": words}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None


COMMANDS = (certify, verify_command, ocr, compare_faces, read_code)
