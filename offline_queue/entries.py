"""Rows of the outbox as plain values: what a dossier looks like to everyone else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import apsw

from offline_queue.errors import Fault, QueueError
from offline_queue.intake import Receipt
from offline_queue.manifest import Part


class State(StrEnum):
    DRAFT = "draft"
    LOCKED = "locked"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    ERASED = "erased"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Dossier:
    """An entry. ``sequence`` orders the sending, from locking on; ``changed_at``, ``boot_id`` and
    ``monotonic`` (seconds since boot) tell of the last move; ``attempts`` counts sends without an
    answer; ``problem`` is the code of the last refusal or failure; a ``held`` one is not sent until
    a person releases it, and keeps its place."""

    id: UUID
    state: State
    procedure: str
    sequence: int | None
    manifest: bytes | None
    signature: bytes | None
    receipt: Receipt | None
    problem: str | None
    attempts: int
    held: bool
    created_at: datetime
    changed_at: datetime
    boot_id: str
    monotonic: float
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes of its parts on the disk."""
        return sum(part.size for part in self.parts)


WAITING = (State.LOCKED, State.SENDING, State.UNKNOWN)
"""What the portal has not signed for, and a person need not decide on."""
IN_CHARGE = (*WAITING, State.REJECTED)
"""What this kiosk answers for."""


def state_of(db: apsw.Connection, id: UUID) -> State:
    row = db.execute("select state from dossier where id = ?", (str(id),)).fetchone()
    if row is None:
        raise QueueError(Fault.NOT_FOUND, str(id))
    return State(row[0])


def require(db: apsw.Connection, id: UUID, *states: State) -> None:
    actual = state_of(db, id)
    if actual not in states:
        raise QueueError(Fault.ILLEGAL_MOVE, f"{id} is {actual}, not {' or '.join(states)}")


def portal_key(db: apsw.Connection) -> tuple[str, bytes]:
    row = db.execute("select key_id, public_key from portal_key").fetchone()
    if row is None:
        raise QueueError(Fault.NOT_ENROLLED, "the portal's key is not known yet", retryable=True)
    return row[0], row[1]


def next_sequence(db: apsw.Connection) -> int:
    value: int = db.execute("select sequence + 1 from total").get
    return value


def used(db: apsw.Connection) -> int:
    """Bytes of all parts."""
    value: int = db.execute("select bytes from total").get
    return value


def oldest(db: apsw.Connection, now: float) -> float:
    """Seconds on the meter that the oldest waiting dossier has waited, held or not; else 0."""
    locked = db.execute(
        "select locked_meter from dossier indexed by waiting"
        " where state in ('locked', 'sending', 'unknown') order by sequence limit 1"
    ).get
    return 0.0 if locked is None else float(max(0.0, now - locked))


def prune(db: apsw.Connection, before: float, most: int) -> None:
    """Receipts of what was erased before that moment on the meter go, ``most`` at once."""
    db.execute(
        "delete from dossier where rowid in (select rowid from dossier where"
        " state = 'erased' and swept = 1 and moved_meter < ? order by moved_meter limit ?)",
        (before, most),
    )


def stalled(db: apsw.Connection, now: float) -> float:
    """Seconds on the meter that the oldest waiting dossier has waited while the portal signed for
    none: one that never gets through alone is no reason to send people away."""
    oldest = db.execute(
        "select locked_meter from dossier indexed by waiting"
        " where state in ('locked', 'sending', 'unknown') and held = 0 order by sequence limit 1"
    ).get
    if oldest is None:
        return 0.0
    receipt = db.execute("select receipt_at from meter").get
    return float(max(0.0, now - max(oldest, receipt or 0.0)))


def part_files(db: apsw.Connection, id: UUID, name: str | None = None) -> list[str]:
    rows = db.execute("select file, name from part where dossier = ?", (str(id),))
    return [file for file, other in rows if name in (None, other)]


def part_file(db: apsw.Connection, id: UUID, name: str) -> tuple[str, str]:
    """Its file and digest. Raises QueueError (NOT_FOUND)."""
    row = db.execute(
        "select file, sha256 from part where dossier = ? and name = ?", (str(id), name)
    ).fetchone()
    if row is None:
        raise QueueError(Fault.NOT_FOUND, f"part {name} of {id}")
    return row[0], row[1]


def parts(db: apsw.Connection, id: UUID) -> tuple[Part, ...]:
    return _parts(db, "where id = ?", (str(id),)).get(str(id), ())


def select(db: apsw.Connection, where: str, arguments: tuple[Any, ...] = ()) -> tuple[Dossier, ...]:
    rows = db.execute(
        "select id, state, procedure, sequence, manifest, signature, receipt, problem, attempts,"  # noqa: S608
        f" held, created_at, changed_at, boot_id, monotonic from dossier {where}",
        arguments,
    ).fetchall()
    found = _parts(db, where, arguments) if rows else {}
    return tuple(_dossier(row, found.get(str(row[0]), ())) for row in rows)


def _parts(
    db: apsw.Connection, where: str, arguments: tuple[Any, ...]
) -> dict[str, tuple[Part, ...]]:
    """Of all dossiers that ``where`` selects, in one look."""
    rows = db.execute(
        "select dossier, name, media_type, size, sha256 from part"  # noqa: S608
        f" where dossier in (select id from dossier {where}) order by rowid",
        arguments,
    )
    found: dict[str, tuple[Part, ...]] = {}
    for dossier, name, media_type, size, sha256 in rows:
        part = Part(name=name, media_type=media_type, size=size, sha256=sha256)
        found[dossier] = (*found.get(dossier, ()), part)
    return found


def _dossier(row: tuple[Any, ...], parts: tuple[Part, ...]) -> Dossier:
    key, state, procedure, sequence, manifest, signature, receipt, *rest = row
    problem, attempts, held, created_at, changed_at, boot_id, monotonic = rest
    return Dossier(
        id=UUID(key),
        state=State(state),
        procedure=procedure,
        sequence=sequence,
        manifest=manifest,
        signature=signature,
        receipt=Receipt.model_validate_json(receipt) if receipt else None,
        problem=problem,
        attempts=attempts,
        held=bool(held),
        created_at=datetime.fromisoformat(created_at),
        changed_at=datetime.fromisoformat(changed_at),
        boot_id=boot_id,
        monotonic=monotonic,
        parts=parts,
    )
