"""Lives of an outbox and what a power cut leaves of them: every promise that was made is kept."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

from offline_queue import envelope
from offline_queue.entries import IN_CHARGE
from offline_queue.errors import QueueError
from offline_queue.manifest import Manifest
from offline_queue.outbox import Dossier, Outbox, State
from tests.faults.disk import Log, after_cut, recorded
from tests.offline_queue.invented import PORTAL_KEY, RECEIPT, lock, new_id, open_outbox

SIZES = (0, 90, 700, 2_000, 70_000)
CUTS_PER_LIFE = 100


@dataclass(frozen=True, slots=True)
class Promise:
    """From the log's entry ``since`` on, ``dossier`` has ``part``, or is ``locked`` or ``erased``;
    a dossier may be further, never less far."""

    since: int
    dossier: UUID
    what: Literal["part", "locked", "erasing", "erased"]
    part: str = ""


@dataclass
class Life:
    """One run of the program on ``root``, recorded."""

    log: Log
    promises: list[Promise] = field(default_factory=list)

    def promise(
        self, dossier: UUID, what: Literal["part", "locked", "erasing", "erased"], part: str = ""
    ) -> None:
        self.promises.append(Promise(len(self.log.operations), dossier, what, part))


@dataclass(frozen=True, slots=True)
class Tally:
    cuts: int
    promises: int
    broken: tuple[str, ...]


def page(dossier: UUID, name: str) -> bytes:
    """The page's content follows from its name, so that whoever finds it can tell."""
    size = SIZES[(dossier.int + int(name[5])) % len(SIZES)]
    return (dossier.bytes + name.encode()) * (size // 22 + 1)


def cut_often(cuts: int, seed: int, skip: Literal["", "file", "folder"] = "") -> Tally:
    """Live, cut the power at ``cuts`` instants and look; then live on from one of the ruins, whose
    mending is cut in its turn. ``skip``: see :class:`tests.faults.disk.Log`."""
    rng = random.Random(seed)
    done = checked = 0
    broken: list[str] = []
    kept: list[Promise] = []
    with _workshop() as shop:
        root = shop / "life-0"
        root.mkdir()
        while done < cuts:
            life = live(root, rng, kept, skip)
            for _ in range(min(CUTS_PER_LIFE, cuts - done)):
                length = rng.randint(0, len(life.log.operations))
                ruin = shop / f"cut-{done}"
                after_cut(life.log, length, rng, ruin)
                standing = [promise for promise in life.promises if promise.since <= length]
                found = examine(ruin, standing)
                broken += [f"cut {done}: {problem}" for problem in found]
                checked += len(standing)
                done += 1
                if done % CUTS_PER_LIFE:
                    shutil.rmtree(ruin)
            if broken:
                break
            shutil.rmtree(root)
            root = ruin
            kept = [Promise(0, p.dossier, p.what, p.part) for p in standing]
    return Tally(done, checked, tuple(broken))


def live(
    root: Path, rng: random.Random, kept: list[Promise], skip: Literal["", "file", "folder"]
) -> Life:
    """Open, mend, and bring a few dossiers on, as the two programs would."""
    with recorded(root, skip) as log:
        life = Life(log, list(kept))
        with closing(open_outbox(root)) as outbox:
            outbox.recover()
            for draft in outbox.drafts():
                life.promise(draft.id, "erasing")
                outbox.discard(draft.id)
            for _ in range(rng.randint(4, 9)):
                _citizen(outbox, life, rng)
                _sender(outbox, life, rng)
        return life


def _citizen(outbox: Outbox, life: Life, rng: random.Random) -> None:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    for number in range(1, rng.randint(2, 4)):
        for _ in range(rng.choice([1, 1, 2])):  # now and then a page is scanned again
            name = f"page-{number}.jpg"
            outbox.put_part(dossier, name, "image/jpeg", page(dossier, name))
            life.promise(dossier, "part", name)
    match rng.randrange(5):
        case 0:
            life.promise(dossier, "erasing")
            outbox.discard(dossier)
            life.promise(dossier, "erased")
        case 1:
            pass  # power will go while somebody is at it
        case _:
            lock(outbox, dossier)
            life.promise(dossier, "locked")


def _sender(outbox: Outbox, life: Life, rng: random.Random) -> None:
    entry = outbox.next_to_send()
    if entry is None or rng.random() < 0.4:
        return
    if entry.state is State.UNKNOWN:
        outbox.retry(entry.id)
    outbox.begin(entry.id)
    if rng.random() < 0.5:
        outbox.mark_unknown(entry.id)
        return
    life.promise(entry.id, "erasing")
    outbox.accept(entry.id, RECEIPT)
    life.promise(entry.id, "erased")


def examine(root: Path, promises: list[Promise]) -> list[str]:
    """Open what the cut has left, and say which promises it broke."""
    try:
        with closing(open_outbox(root)) as outbox:
            outbox.recover()
            found = {entry.id: entry for entry in outbox.list()}
            problems = [*_unsound(outbox, root, found), *_unkept(found, promises)]
            problems += [p for entry in found.values() for p in _unwhole(outbox, entry)]
            return problems
    except QueueError as error:
        return [f"the outbox does not open: {error}"]


def _unsound(outbox: Outbox, root: Path, found: dict[UUID, Dossier]) -> Iterator[str]:
    with outbox._store.reading() as db:
        if db.pragma("integrity_check") != "ok":
            yield "the database is corrupt"
    files = [file for file in (root / "outbox" / "parts").rglob("*") if file.is_file()]
    if len(files) != sum(len(entry.parts) for entry in found.values()):
        yield "files that no row names, or the other way round"


def _unkept(found: dict[UUID, Dossier], promises: list[Promise]) -> Iterator[str]:
    going = {promise.dossier for promise in promises if promise.what == "erasing"}
    for promise in promises:
        entry = found.get(promise.dossier)
        if entry is None:
            yield f"{promise.what}: {promise.dossier} is lost"
        elif promise.what == "erased" and entry.state is not State.ERASED:
            yield f"{promise.dossier} was erased and is {entry.state}"
        elif promise.dossier in going:
            continue  # it may be gone or still there, the other checks look at it
        elif promise.what == "part" and promise.part not in {part.name for part in entry.parts}:
            yield f"{promise.part} of {promise.dossier} is lost"
        elif promise.what == "locked" and entry.state not in IN_CHARGE:
            yield f"{promise.dossier} was locked and is {entry.state}"
    locked = [p.dossier for p in promises if p.what == "locked" and p.dossier in found]
    sequences = [found[dossier].sequence or 0 for dossier in locked]
    if sequences != sorted(set(sequences)):
        yield f"the order of locking is lost: {sequences}"


def _unwhole(outbox: Outbox, entry: Dossier) -> Iterator[str]:
    try:
        for part in entry.parts:
            if _plain(outbox, entry, part.name) != page(entry.id, part.name):
                yield f"{part.name} of {entry.state} {entry.id} is another"
        if entry.state in IN_CHARGE and Manifest.decode(entry.manifest or b"").parts != entry.parts:
            yield f"the manifest of {entry.id} is another"
    except (QueueError, ValueError) as error:
        yield f"{entry.state} {entry.id}: {error}"


def _plain(outbox: Outbox, entry: Dossier, name: str) -> bytes:
    if entry.state is State.DRAFT:
        return outbox.read_part(entry.id, name)
    key = envelope.unwrap(PORTAL_KEY, entry.id, Manifest.decode(entry.manifest or b"").key)
    return envelope.decrypt_part(outbox.ciphertext(entry.id, name), key, entry.id, name)


@contextmanager
def _workshop() -> Iterator[Path]:
    """In memory where there is such a folder: the cuts are ours, the syncs need not be slow."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="power-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
