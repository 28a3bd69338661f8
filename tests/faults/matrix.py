"""``python -m tests.faults.matrix``: run every cell of the fault matrix, print it as Markdown."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.faults.troubles import MOMENTS, TROUBLES, Cell, Outcome, Trouble, cells
from tests.faults.world import World

_WAYS = {
    "success": "goes on",
    "retry": "mended, goes on",
    "other": "another device, goes on",
    "asked": "person looks, goes on",
    "left": "reminded, staff called",
    "without": "goes on without",
    "cancel": "stops cleanly",
    "later": "asked to come later",
    "stuck": "**dead end**",
}
_HEAD = """# The fault matrix

Written by `python -m tests.faults.matrix`, which runs every cell as a journey of a scripted citizen
through the real engine, drivers and queue against the sandbox: a certified copy of two sheets.

*Before*: the device is in trouble when the citizen comes. *During*: it strikes while the device is
used (the second sheet, the waiting for the code, the preview, the copy, the middle of the slip).
*After*: the device has done its part. *Nobody mends it*: staff is called and cannot help.

"""
_FOOT = """
- *goes on*: nothing is shown. *mended, goes on*: the screen says what is wrong, staff mends it, the
  same step goes on. *tried again, goes on*: the same without staff. *goes on without*: the journey
  ends without that device, and the screen says so. *stops cleanly*: the session ends; no draft, no
  dossier, no slip. *asked to come later*: nobody is let in. *person looks, goes on*: the printer
  got all of the slip and then said nothing, so the screen asks whether it is there.
  *reminded, staff called*: the person goes without the slip, which cannot be pulled back.
- *HID-POS* is read with pyusb over USB/IP, *wedge* from a pipe of key events; a *presenter* holds a
  slip until it is taken; of a *thin roll* the kiosk counts what is left.
- *another device, goes on*: the camera reads the code in place of the code reader.
- In each cell it is checked that both sheets are in the dossier, that the portal has it exactly
  once (not at all after *stops cleanly*), that no slip is printed twice, that what the last screen
  says about the slip is true, that trouble with the printer is told with "your dossier is safe",
  that trouble after use is not told at all, and that the kiosk is ready for the next citizen.
- Of a copy on paper it is checked too that it comes out once or not at all, and that the last
  screen says which, or that it may lie in the tray. Some troubles of the document printer lie in
  wait for its second side.
- To save time nobody is at the officer's desk but where a copy is to be printed (every other
  journey ends with an appointment slip), and the camera is declined where it is not the point.
"""


def run_all() -> dict[Cell, Outcome]:
    found = {}
    with tempfile.TemporaryDirectory(prefix="fault-matrix-") as folder:
        os.environ["XDG_DATA_HOME"] = folder
        with World(Path(folder)) as world:
            for cell in cells():
                found[cell] = world.run(cell)
                print(f"{cell}: {found[cell]}", file=sys.stderr, flush=True)
    return found


def table(outcomes: Mapping[Cell, Outcome]) -> str:
    """A row a trouble, a column a moment, and what comes of it when nobody mends it."""
    lines = ["| device | trouble | before | during | after | nobody mends it |", "|---" * 6 + "|"]
    lines += [_row(trouble, outcomes) for trouble in TROUBLES]
    broken = sum(bool(outcome.problems) for outcome in outcomes.values())
    seconds = sum(outcome.seconds for outcome in outcomes.values())
    count = f"{len(outcomes)} cells, {broken} with a broken promise, {seconds:.0f} s.\n"
    return _HEAD + count + "\n" + "\n".join(lines) + "\n" + _FOOT


def _row(trouble: Trouble, outcomes: Mapping[Cell, Outcome]) -> str:
    mended = [_told(outcomes[Cell(trouble, moment)]) for moment in MOMENTS]
    left = [
        _told(outcomes[cell], retry="tried again, goes on")
        for moment in MOMENTS
        if (cell := Cell(trouble, moment, mended=False)) in outcomes
    ]
    unmended = "; ".join(dict.fromkeys(left)) or "-"
    return f"| {trouble.label} | {trouble.name} | {' | '.join(mended)} | {unmended} |"


def _told(outcome: Outcome, retry: str = _WAYS["retry"]) -> str:
    codes = ", ".join(f"`{code}`" for code in dict.fromkeys(outcome.told))
    way = retry if outcome.way == "retry" else _WAYS[outcome.way]
    words = way + (f" ({codes})" if codes else "")
    return words + "".join(f" **{problem}**" for problem in outcome.problems)


if __name__ == "__main__":
    result = run_all()
    print(table(result), end="")
    raise SystemExit(1 if any(outcome.problems for outcome in result.values()) else 0)
