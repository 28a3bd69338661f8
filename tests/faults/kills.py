"""kill -9 at any instant, of the program that locks dossiers and of the one that sends them.

``python -m tests.faults.kills FOLDER PORTAL CYCLES SEED`` starts the two again and again and kills
one of them each cycle; it prints the id of every dossier that was reported locked. It is a process
of its own, without threads, so that it may fork as often as it likes.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from kiosk.link.device import device_key
from kiosk.settings import DeviceKeySettings
from offline_queue import envelope
from offline_queue.backoff import Backoff
from offline_queue.manifest import Manifest
from offline_queue.outbox import Outbox, State
from offline_queue.signatures import load_public, public_pem
from offline_queue.transport import IntakeClient
from offline_queue.uploader import Uploader
from tests.offline_queue.invented import lock, new_id
from tests.offline_queue.small_portal import CODE, SmallPortal

PAGES = 3
LONGEST_LIFE = 0.05
"""Seconds from a program's start to its end."""


@dataclass(frozen=True, slots=True)
class Tally:
    """``lost``: reported locked and never accepted. ``twice``: accepted more than once.
    ``corrupt``: accepted or kept, but not as it was locked."""

    cycles: int
    reported: int
    accepted: int
    lost: int
    twice: int
    corrupt: int


@dataclass(frozen=True, slots=True)
class Program:
    pid: int
    report: int


def page(dossier: UUID, number: int) -> bytes:
    return dossier.bytes * 600 + bytes([number])


def kill_often(folder: Path, cycles: int, seed: int) -> Tally:
    with SmallPortal() as portal:
        _enrol(folder, portal)
        done = subprocess.run(
            [sys.executable, "-m", __name__, folder, portal.address, str(cycles), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        reported = {UUID(line) for line in done.stdout.split()}
        with closing(_outbox(folder)) as outbox:
            _drain(outbox, folder, portal)
            return _count(outbox, folder, portal, reported, cycles)


def _count(
    outbox: Outbox, folder: Path, portal: SmallPortal, reported: set[UUID], cycles: int
) -> Tally:
    accepted = set(portal.accepted)
    twice = sum(held.commits > 1 for held in portal.held.values())
    broken = sum(not _is_whole(portal, dossier) for dossier in accepted)
    for entry in outbox.list():
        whole = {State.DRAFT: _draft_is_whole(outbox, entry.id), State.ERASED: not entry.parts}
        broken += not whole.get(entry.state, False)
    files = [file for file in (folder / "outbox" / "parts").rglob("*") if file.is_file()]
    broken += len(files) != sum(len(draft.parts) for draft in outbox.drafts())
    return Tally(cycles, len(reported), len(accepted), len(reported - accepted), twice, broken)


def _is_whole(portal: SmallPortal, dossier: UUID) -> bool:
    held = portal.held[dossier]
    manifest = Manifest.decode(held.manifest.encode())
    key = envelope.unwrap(portal.envelope_key, dossier, manifest.key)
    plain = [
        envelope.decrypt_part(held.parts[part.name], key, dossier, part.name)
        for part in manifest.parts
    ]
    return plain == [page(dossier, number) for number in range(PAGES)]


def _draft_is_whole(outbox: Outbox, dossier: UUID) -> bool:
    entry = outbox.get(dossier)
    return entry.state is not State.DRAFT or all(
        outbox.read_part(dossier, part.name) == page(dossier, number)
        for number, part in enumerate(entry.parts)
    )


def _enrol(folder: Path, portal: SmallPortal) -> None:
    key = device_key(folder / "device.key", DeviceKeySettings())
    IntakeClient(portal.address, "kiosk-01", key).enrol(CODE)
    (folder / "receipt.pem").write_text(public_pem(portal.receipt_key.public_key()))
    (folder / "portal.key").write_bytes(portal.envelope_key.public_key().public_bytes_raw())


def _outbox(folder: Path) -> Outbox:
    outbox = Outbox(folder / "outbox", machine_key=folder / "machine.key")
    outbox.set_portal_key("portal-1", (folder / "portal.key").read_bytes())
    return outbox


def _uploader(outbox: Outbox, folder: Path, address: str) -> Uploader:
    key = device_key(folder / "device.key", DeviceKeySettings())
    receipt_key = load_public((folder / "receipt.pem").read_text())
    client = IntakeClient(address, "kiosk-01", key)
    return Uploader(outbox, client, key, receipt_key, backoff=Backoff(0.001, 0.005))


def _drain(outbox: Outbox, folder: Path, portal: SmallPortal) -> None:
    uploader = _uploader(outbox, folder, portal.address)
    outbox.recover()
    for _ in range(10 * outbox.waiting()):
        uploader.step(at_once=True)


# -- in the process that forks ---------------------------------------------------------------------


def main(folder: Path, address: str, cycles: int, seed: int) -> None:
    rng = random.Random(seed)
    works = {"run": partial(_lock_all, folder), "link": partial(_send_all, folder, address)}
    running: dict[str, Program] = {}
    for _ in range(cycles):
        for name, work in works.items():
            if name not in running:
                running[name] = _start(work)
        victim = rng.choice(sorted(works))
        select.select([], [], [], rng.uniform(0.0, LONGEST_LIFE))
        _kill(running.pop(victim))
    for program in running.values():
        _kill(program)


def _start(work: Callable[[int], None]) -> Program:
    """Returns when the program has opened the outbox."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            work(writing)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    if os.read(reading, 1) != b"\n":
        raise RuntimeError("a program ended by itself")
    return Program(child, reading)


def _kill(program: Program) -> None:
    os.kill(program.pid, signal.SIGKILL)
    os.waitpid(program.pid, 0)
    with os.fdopen(program.report, "rb") as report:
        for line in report:
            sys.stdout.write(line.decode())


def _lock_all(folder: Path, report: int) -> None:
    outbox = _outbox(folder)
    os.write(report, b"\n")
    for draft in outbox.drafts():
        outbox.discard(draft.id)
    while True:
        dossier = new_id()
        outbox.new_draft(dossier, "certified-copy")
        for number in range(PAGES):
            outbox.put_part(dossier, f"page-{number}.jpg", "image/jpeg", page(dossier, number))
        lock(outbox, dossier)
        os.write(report, f"{dossier}\n".encode())


def _send_all(folder: Path, address: str, report: int) -> None:
    outbox = _outbox(folder)
    uploader = _uploader(outbox, folder, address)
    os.write(report, b"\n")
    while True:
        if not uploader.step():
            time.sleep(uploader.pause() or 0.001)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
