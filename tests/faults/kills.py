"""kill -9 at any instant of the programs of a kiosk and of its portal, while dossiers flow.

``python -m tests.faults.kills FOLDER CYCLES SEED PAUSE VICTIMS BUG`` starts ``run``, ``link`` and
``portal`` (see :mod:`tests.faults.site`), kills one of VICTIMS each cycle, and starts that one anew
while the others go on. It is a process of its own without threads which has loaded what the three
need, so that a start is a fork and costs little: what is killed is then the command itself.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from kiosk.clock import local_now
from kiosk.storage import open_outbox
from tests.faults import reckoning, site
from tests.faults.reckoning import Tally
from tests.faults.site import BUGS, PROGRAMS, SiteFolder

LONGEST_PAUSE = 0.5
"""Seconds from one kill to the next, at most. A start takes about 0.2 s and may be cut too."""
LAST_SECONDS = 120
"""For sending what waits when nothing is killed any more."""


def kill_often(
    cycles: int,
    seed: int,
    victims: Sequence[str] = tuple(PROGRAMS),
    bug: str = "",
    longest_pause: float = LONGEST_PAUSE,
) -> Tally:
    """On a new site. Raises RuntimeError when a program ended by itself."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))  # short: a socket's path has 107 bytes at most
    try:
        place = site.found(folder)
        reckoning.open_portal_with_witness(place)
        _in_its_own_process(
            str(folder), str(cycles), str(seed), str(longest_pause), ",".join(victims), bug
        )
        return reckoning.count(place, cycles)
    finally:
        shutil.rmtree(folder)


def _in_its_own_process(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", __name__, *arguments], stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)


# -- in the process that forks ---------------------------------------------------------------------


def main(
    folder: Path, cycles: int, seed: int, longest_pause: float, victims: list[str], bug: str
) -> None:
    place, rng = SiteFolder(folder), random.Random(seed)
    if bug:
        BUGS[bug]()
    running: dict[str, int] = {}
    try:
        for _ in range(cycles):
            _start_missing(place, running)
            victim = rng.choice(victims)
            select.select([], [], [], rng.uniform(0.0, longest_pause))
            _kill(place, victim, running.pop(victim))
        _start_missing(place, running)
        _kill(place, "run", running.pop("run"))
        _wait_until_sent(place)
    finally:
        for name, pid in running.items():
            _kill(place, name, pid)


def _start_missing(place: SiteFolder, running: dict[str, int]) -> None:
    for name in PROGRAMS:
        if name not in running:
            running[name] = _start(place, name)


def _start(place: SiteFolder, name: str) -> int:
    child = os.fork()
    if child:
        return child
    try:
        log = os.open(place.log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        PROGRAMS[name](place)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _kill(place: SiteFolder, name: str, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"{name} ended by itself:\n{place.log(name).read_text()[-2000:]}")


def _wait_until_sent(place: SiteFolder) -> None:
    end = time.monotonic() + LAST_SECONDS
    with closing(open_outbox(place.settings(), local_now)) as outbox:
        while outbox.waiting() and time.monotonic() < end:
            time.sleep(0.05)


if __name__ == "__main__":
    folder_, cycles_, seed_, pause_, victims_, bug_ = sys.argv[1:]
    main(Path(folder_), int(cycles_), int(seed_), float(pause_), victims_.split(","), bug_)
