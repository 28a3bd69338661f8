"""50 kiosks file at once: whole dossiers a second and the time of one, by storage.

Kiosks, portal, PostgreSQL and the S3 server (moto, in Python) share this machine's cores, and
every commit is flushed to its disk, so ratios between the rows say more than the rows.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.bench.measure import Row
from tests.kiosk.portal.backends import running_cluster, running_s3, shared_storage
from tests.kiosk.portal.line import TestDossier, TestKiosk, settings_in
from tests.kiosk.portal.processes import PortalProcesses

KIOSKS = 50
EACH = 6
PAGE = os.urandom(100_000)  # a page; the requests, not the bytes, are what is measured


def run() -> list[Row]:
    rows: list[Row] = []
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    with patch.dict(os.environ, keys), running_cluster() as cluster, running_s3() as s3:
        shared = shared_storage(cluster, s3).settings
        database = {"database": cluster.new_database()}
        sqlite = _measure("SQLite, folder, 1 process", rows, {}, 1)
        one = _measure(
            "PostgreSQL, folder, 1 process", rows, {"database": cluster.new_database()}, 1
        )
        two = _measure("PostgreSQL, folder, 2 processes", rows, database, 2)
        _measure("PostgreSQL, S3 (moto), 2 processes", rows, shared, 2)
    rows.append(Row("rate, PostgreSQL / SQLite, 1 process", one / sqlite, "ratio"))
    rows.append(Row("rate, 2 processes / 1, PostgreSQL", two / one, "ratio"))
    return rows


def _measure(name: str, rows: list[Row], settings: dict[str, Any], processes: int) -> float:
    """Dossiers a second."""
    with tempfile.TemporaryDirectory() as folder:
        portal = PortalProcesses(settings_in(Path(folder), **settings), processes)
        try:
            kiosks = [TestKiosk(portal, f"kiosk-{number:02}") for number in range(KIOSKS)]
            for kiosk in kiosks:
                kiosk.enrol().raise_for_status()
            contents = {"page-001.jpg": PAGE}
            lots = [[kiosk.dossier(contents=contents) for _ in range(EACH)] for kiosk in kiosks]
            rate, seconds = _file(lots)
        finally:
            portal.stop()
    ordered = sorted(seconds)
    p99 = ordered[int(0.99 * len(ordered))]
    rows.append(Row(f"{name}: rate", rate, "doss./s", f"{len(ordered)} dossiers, {KIOSKS} kiosks"))
    rows.append(Row(f"{name}: p50", ordered[len(ordered) // 2], "s"))
    rows.append(Row(f"{name}: p99", p99, "s"))
    return rate


def _file(lots: list[list[TestDossier]]) -> tuple[float, list[float]]:
    gate = threading.Barrier(len(lots))

    def one_kiosk(dossiers: list[TestDossier]) -> list[float]:
        gate.wait(30)
        seconds = []
        for dossier in dossiers:
            started = time.perf_counter()
            dossier.send()
            seconds.append(time.perf_counter() - started)
        return seconds

    started = time.perf_counter()
    with ThreadPoolExecutor(len(lots)) as pool:
        seconds = [one for lot in pool.map(one_kiosk, lots) for one in lot]
    return len(seconds) / (time.perf_counter() - started), seconds
