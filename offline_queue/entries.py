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
    answer; ``problem`` is the code of the last refusal or failure."""

    id: UUID
    state: State
    procedure: str
    sequence: int | None
    manifest: bytes | None
    signature: bytes | None
    receipt: Receipt | None
    problem: str | None
    attempts: int
    created_at: datetime
    changed_at: datetime
    boot_id: str
    monotonic: float
    parts: tuple[Part, ...]


def state_of(db: apsw.Connection, id: UUID) -> State:
    row = db.execute("select state from dossier where id = ?", (str(id),)).fetchone()
    if row is None:
        raise QueueError(Fault.NOT_FOUND, str(id))
    return State(row[0])


def require(db: apsw.Connection, id: UUID, state: State) -> None:
    actual = state_of(db, id)
    if actual is not state:
        raise QueueError(Fault.ILLEGAL_MOVE, f"{id} is {actual}, not {state}")


def portal_key(db: apsw.Connection) -> tuple[str, bytes]:
    row = db.execute("select key_id, public_key from portal_key").fetchone()
    if row is None:
        raise QueueError(Fault.NOT_ENROLLED, "the portal's key is not known yet", retryable=True)
    return row[0], row[1]


def next_sequence(db: apsw.Connection) -> int:
    value: int = db.execute("select coalesce(max(sequence), 0) + 1 from dossier").get
    return value


def part_files(db: apsw.Connection, id: UUID, name: str | None = None) -> list[str]:
    rows = db.execute("select file, name from part where dossier = ?", (str(id),))
    return [file for file, other in rows if name in (None, other)]


def parts(db: apsw.Connection, id: UUID) -> tuple[Part, ...]:
    rows = db.execute(
        "select name, media_type, size, sha256 from part where dossier = ? order by rowid",
        (str(id),),
    )
    return tuple(
        Part(name=name, media_type=media_type, size=size, sha256=sha256)
        for name, media_type, size, sha256 in rows
    )


def select(db: apsw.Connection, where: str, arguments: tuple[Any, ...] = ()) -> tuple[Dossier, ...]:
    rows = db.execute(
        "select id, state, procedure, sequence, manifest, signature, receipt, problem, attempts,"  # noqa: S608
        f" created_at, changed_at, boot_id, monotonic from dossier {where}",
        arguments,
    ).fetchall()
    return tuple(_dossier(db, row) for row in rows)


def _dossier(db: apsw.Connection, row: tuple[Any, ...]) -> Dossier:
    key, state, procedure, sequence, manifest, signature, receipt, *rest = row
    problem, attempts, created_at, changed_at, boot_id, monotonic = rest
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
        created_at=datetime.fromisoformat(created_at),
        changed_at=datetime.fromisoformat(changed_at),
        boot_id=boot_id,
        monotonic=monotonic,
        parts=parts(db, UUID(key)),
    )
