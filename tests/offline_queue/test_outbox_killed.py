"""kill -9 at any instant: what was reported as locked is whole, and nothing is half done."""

from __future__ import annotations

import os
import random
import select
import signal
from pathlib import Path
from uuid import UUID

from offline_queue import envelope
from offline_queue.manifest import Manifest
from offline_queue.outbox import Dossier, Outbox, State
from tests.offline_queue.invented import (
    PORTAL_KEY,
    RECEIPT,
    lock,
    new_id,
    open_outbox,
)

KILLS = 15
PAGES = 3


def page(dossier: UUID, number: int) -> bytes:
    return dossier.bytes * 6000 + bytes([number])


def work(folder: Path, report: int) -> None:
    """The child: lock one dossier after another, report each, and have every third accepted."""
    outbox = open_outbox(folder)
    os.write(report, b"started".ljust(36) + b"\n")
    for turn in range(1_000_000):
        dossier = new_id()
        outbox.new_draft(dossier, "certified-copy")
        for number in range(PAGES):
            outbox.put_part(dossier, f"page-{number}.jpg", "image/jpeg", page(dossier, number))
        lock(outbox, dossier)
        os.write(report, f"{dossier}\n".encode())
        if turn % 3 == 0:
            outbox.begin(dossier)
            outbox.accept(dossier, RECEIPT)


def run_and_kill(folder: Path, locked: int, after: float) -> list[UUID]:
    """Kill the child ``after`` seconds past its report number ``locked``; the ids it reported."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(folder, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as report:
        lines = [report.readline() for _ in range(1 + locked)]
        select.select([], [], [], after)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines += report.readlines()
    assert lines[0].startswith(b"started")
    return [UUID(line.decode().strip()) for line in lines[1:] if line.endswith(b"\n")]


def assert_whole(outbox: Outbox, entry: Dossier) -> None:
    manifest = Manifest.decode(entry.manifest or b"")
    assert manifest.parts == entry.parts
    assert len(entry.parts) == PAGES
    key = envelope.unwrap(PORTAL_KEY, entry.id, manifest.key)
    for number, part in enumerate(manifest.parts):
        ciphertext = outbox.ciphertext(entry.id, part.name)  # checks the digest
        plain = envelope.decrypt_part(ciphertext, key, entry.id, part.name)
        assert plain == page(entry.id, number)


def test_killed_at_random_instants(tmp_path: Path) -> None:
    rng = random.Random(20261124)
    reported: list[UUID] = []
    for _ in range(KILLS):
        reported += run_and_kill(tmp_path, rng.randrange(4), rng.uniform(0.0, 0.03))
    outbox = open_outbox(tmp_path)
    outbox.recover()
    found = {entry.id: entry for entry in outbox.list()}
    assert len(reported) >= KILLS
    assert {found[dossier].state for dossier in reported} <= {
        State.LOCKED,
        State.UNKNOWN,
        State.ERASED,
    }
    for entry in found.values():
        if entry.state in (State.LOCKED, State.UNKNOWN):
            assert_whole(outbox, entry)
        elif entry.state is State.DRAFT:
            for number, part in enumerate(entry.parts):
                assert outbox.read_part(entry.id, part.name) == page(entry.id, number)
        else:
            assert entry.state is State.ERASED
            assert (entry.manifest, entry.parts) == (None, ())
    files = [f for f in (tmp_path / "outbox" / "parts").rglob("*") if f.is_file()]
    assert len(files) == sum(len(entry.parts) for entry in found.values())
    outbox.close()
