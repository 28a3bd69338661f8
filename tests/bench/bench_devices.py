"""Faults drawn at random over scanner, reader, camera and receipt printer, in one process.

``KIOSK_BENCH_FAULTS`` (500) changes the number.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from tests.bench.measure import Row
from tests.drivers.image_devices import encoded, page
from tests.faults.devices import Tally, break_often

FAULTS = int(os.environ.get("KIOSK_BENCH_FAULTS", "500"))
SEED = 20261124


def run() -> list[Row]:
    sheet, frame = encoded(page(1)), encoded(page(2, (320, 240)), "JPEG")
    with tempfile.TemporaryDirectory(prefix="bench-devices-") as folder:
        tally = break_often(Path(folder), FAULTS, SEED, sheet, frame)
    return [*_leaks(tally), *_recoveries(tally)]


def _leaks(tally: Tally) -> list[Row]:
    return [
        Row("faults nobody noticed", len(tally.unseen), "faults", f"of {FAULTS}"),
        Row("faults without a recovery", len(tally.unmended), "faults", f"of {FAULTS}"),
        Row("growth of handles", tally.handles[1] - tally.handles[0], "handles"),
        Row("growth of children", tally.children[1] - tally.children[0], "children"),
        Row("memory, slope of the second half", tally.memory_slope, "KiB/fault"),
    ]


def _recoveries(tally: Tally) -> list[Row]:
    every = [seconds for times in tally.seconds.values() for seconds in times]
    rows = [Row("recovery, all", statistics.median(every), "s", "median, the next use included")]
    for name, times in sorted(tally.seconds.items()):
        rows.append(Row(name, statistics.median(times), "s", f"median of {len(times)}"))
    return rows
