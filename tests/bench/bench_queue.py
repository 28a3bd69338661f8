"""The outbox: durable enqueue against bare write and fsync of the same bytes, and 10,000 dossiers
against 100."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from offline_queue.outbox import Outbox
from tests.bench.measure import Row
from tests.offline_queue.invented import lock, locked_dossier, new_id, open_outbox

PARTS = 5
PART = os.urandom(1024 * 1024)
ENQUEUES = 200
FEW, MANY = 100, 10_000
LOOKS = 50


def run() -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="bench-queue-", dir=Path.cwd() / "build"))
    try:
        return [*_enqueue(folder / "enqueue"), *_scale(folder)]
    finally:
        shutil.rmtree(folder)


def _enqueue(folder: Path) -> list[Row]:
    """A page is on the disk when it was scanned, so a citizen's 5 MiB are five parts; turn by turn
    with the peer, so that both meet the same disk."""
    (folder / "bare").mkdir(parents=True)
    ours, bare = [], []
    with closing(open_outbox(folder)) as outbox:
        for turn in range(ENQUEUES):
            bare.append(_seconds(lambda turn=turn: _write_bare(folder / "bare" / str(turn))))  # type: ignore[misc]
            ours.append(_seconds(lambda: _lock_one(outbox)))
    rows = [
        Row(f"{name}: 5 MiB, {label}", 1000 * _quantile(times, share), "ms")
        for name, times in (("write + fsync", bare), ("durable enqueue", ours))
        for label, share in (("median", 0.5), ("p99", 0.99))
    ]
    ratios = [_quantile(ours, share) / _quantile(bare, share) for share in (0.5, 0.99)]
    aim = f"aim: at most 4; {ENQUEUES} rounds"
    return [
        *rows,
        Row("enqueue / bare, median", ratios[0], "ratio"),
        Row("enqueue / bare, p99", ratios[1], "ratio", aim),
    ]


def _write_bare(file: Path) -> None:
    fd = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    for _ in range(PARTS):
        os.write(fd, PART)
    os.fsync(fd)
    os.close(fd)


def _lock_one(outbox: Outbox) -> None:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    for number in range(PARTS):
        outbox.put_part(dossier, f"page-{number}.jpg", "image/jpeg", PART)
    lock(outbox, dossier)


def _scale(folder: Path) -> list[Row]:
    few, many = (_filled(folder / str(count), count) for count in (FEW, MANY))
    rows = []
    looks: dict[str, Callable[[Path], float]] = {
        "next to send": _next,
        "a page of the list": _page,
        "open and recover": _recover,
        "nothing to sign": _unsigned,
        "room for one more": _room,
    }
    for name, look in looks.items():
        small, large = _least_of_both(look, few, many)
        note = f"{1000 * small:.2f} ms, {1000 * large:.2f} ms; aim: at most 2"
        rows.append(Row(f"{name}: {MANY} / {FEW} dossiers", large / small, "ratio", note))
    ready = min(_seconds(lambda: _start(many)) for _ in range(5))
    rows.append(Row(f"new process to outbox ready, {MANY} dossiers", ready, "s", "aim: about 1"))
    return rows


def _filled(folder: Path, count: int) -> Path:
    with closing(open_outbox(folder)) as outbox:
        for _ in range(count):
            locked_dossier(outbox, b"one", b"two", b"three")
    return folder


def _least_of_both(look: Callable[[Path], float], few: Path, many: Path) -> tuple[float, float]:
    pairs = [(look(few), look(many)) for _ in range(5)]
    return min(small for small, _ in pairs), min(large for _, large in pairs)


def _next(folder: Path) -> float:
    with closing(open_outbox(folder)) as outbox:
        return min(_seconds(outbox.next_to_send) for _ in range(LOOKS))


def _page(folder: Path) -> float:
    with closing(open_outbox(folder)) as outbox:
        return min(_seconds(lambda: outbox.list(limit=50)) for _ in range(LOOKS))


def _unsigned(folder: Path) -> float:
    """What link looks for every second."""
    with closing(open_outbox(folder)) as outbox:
        return min(_seconds(outbox.unsigned) for _ in range(LOOKS))


def _room(folder: Path) -> float:
    with closing(open_outbox(folder)) as outbox:
        return min(_seconds(lambda: outbox.can_hold(1)) for _ in range(LOOKS))


def _recover(folder: Path) -> float:
    def recover() -> None:
        with closing(open_outbox(folder)) as outbox:
            outbox.recover()

    return min(_seconds(recover) for _ in range(5))


def _start(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from offline_queue.outbox import Outbox;"
        "f = Path(sys.argv[1]); o = Outbox(f / 'outbox', machine_key=f / 'machine.key');"
        "o.recover(); o.next_to_send()"
    )
    subprocess.run([sys.executable, "-c", program, folder], check=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]
