"""The screenshots in the README: ``python -m tests.strip DEMO_OUT docs/images/journey.png``.

``DEMO_OUT`` is the folder that ``./run demo --headless --out`` filled: its screens in order, and
the receipt last. Few colours keep the picture small; the screens use few anyway.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

COLUMNS = 6
SCREEN = (240, 427)
GAP = 12
COLOURS = 96
_GROUND = "#ffffff"
_EDGE = "#d8cfbf"


def strip(folder: Path) -> Image.Image:
    """Raises FileNotFoundError when the demo left no screens there."""
    files = sorted((folder / "screens").glob("*.png"))
    if not files:
        raise FileNotFoundError(f"no screens in {folder}")
    receipt = folder / "receipt.png"
    cells = [_cell(file) for file in (*files, *([receipt] if receipt.exists() else ()))]
    rows = -(-len(cells) // COLUMNS)
    width, height = SCREEN[0] + GAP, SCREEN[1] + GAP
    sheet = Image.new("RGB", (min(len(cells), COLUMNS) * width - GAP, rows * height - GAP), _GROUND)
    for number, cell in enumerate(cells):
        sheet.paste(cell, ((number % COLUMNS) * width, (number // COLUMNS) * height))
    return sheet.quantize(COLOURS, dither=Image.Dither.NONE)


def _cell(file: Path) -> Image.Image:
    """The picture in a frame, as large as fits."""
    with Image.open(file) as image:
        picture = image.convert("RGB")
    picture.thumbnail((SCREEN[0] - 2, SCREEN[1] - 2), Image.Resampling.LANCZOS)
    framed = Image.new("RGB", (picture.width + 2, picture.height + 2), _EDGE)
    framed.paste(picture, (1, 1))
    cell = Image.new("RGB", SCREEN, _GROUND)
    cell.paste(framed, ((SCREEN[0] - framed.width) // 2, (SCREEN[1] - framed.height) // 2))
    return cell


if __name__ == "__main__":
    demo, target = map(Path, sys.argv[1:])
    strip(demo).save(target, optimize=True)
