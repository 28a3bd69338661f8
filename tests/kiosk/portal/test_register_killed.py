"""Desk and leases draw from one counter: processes that are killed give no number twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from kiosk.portal.composition import open_portal
from kiosk.portal.times import this_year
from tests.kiosk.portal.line import RunningPortal, TestKiosk, settings_in
from tests.kiosk.portal.soft_signers import contents_of, drawn_page

_DRAWER = """
import sys
from datetime import timedelta
from pathlib import Path
from kiosk.portal.register import Register
from kiosk.portal.sqlite import SqliteDatabase
from kiosk.portal.store import Store
register = Register(Store(SqliteDatabase(Path(sys.argv[1]))), "01/{year}-SCT/BS")
while True:
    print(register.draw("certificate", 2026), flush=True)
    block = register.lease("kiosk-01", "certificate", 2026, 3, timedelta(days=1))
    print(*range(block.first, block.last + 1), flush=True)
"""


def test_no_number_twice_among_processes_that_are_killed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with closing(open_portal(settings).store) as store:
        store.enrol("kiosk-01", "key", "code")
        told: list[int] = []
        command = [sys.executable, "-c", _DRAWER, str(settings.state / "portal.db")]
        drawers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        for drawer in drawers:
            assert drawer.stdout
            for _ in range(20):
                told += map(int, drawer.stdout.readline().split())
            os.kill(drawer.pid, signal.SIGKILL)
        for drawer in drawers:
            assert drawer.stdout
            # What was printed in full was told to somebody.
            for line in drawer.stdout.read().split("\n")[:-1]:
                told += map(int, line.split())
            drawer.stdout.close()
            drawer.wait()
        assert len(told) >= 120
        assert len(told) == len(set(told))
        ((following,),) = store.rows("SELECT next FROM counters WHERE kind = 'certificate'")
        assert following > max(told)


def test_one_number_for_a_document_whatever_the_copies(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossiers = [
        kiosk.dossier(contents=contents_of(drawn_page()), copies=copies, code=f"H26.15-261124-{n}")
        for n, copies in ((1, 1), (2, 7))
    ]
    for dossier in dossiers:
        dossier.send()
        first = portal.inside.cases.approve(str(dossier.id), "at-the-desk")
        assert portal.inside.cases.approve(str(dossier.id), "at-the-desk") == first
    lines = portal.inside.register.entries(this_year())
    assert [(line.number, line.copies) for line in lines] == [(1, 1), (2, 7)]
