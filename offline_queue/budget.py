"""How much the outbox may hold, and whether one more fits: asked before a citizen starts."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from offline_queue.errors import Fault, QueueError


class Shortage(StrEnum):
    """Why another dossier could not be held."""

    AGE = "age"
    BUDGET = "budget"
    DISK = "disk"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Budget:
    """``bytes`` of parts in all; ``reserve``, bytes that stay free on the disk so that what is
    held can still be moved, sent and erased; ``oldest``, seconds that dossiers may wait while the
    portal signs for none; ``receipts``, seconds for which the facts of an erased dossier stay."""

    bytes: int = 2**63 - 1
    reserve: int = 0
    oldest: float = math.inf
    receipts: float = math.inf


@dataclass(frozen=True, slots=True)
class Disk:
    """``free``: bytes that this user may still write."""

    free: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Room:
    """The answer to "could you hold so many bytes more?". ``used`` and ``free`` in bytes,
    ``stalled`` in seconds: how long the oldest has waited while nothing was accepted."""

    shortage: Shortage | None
    used: int
    free: int
    stalled: float

    @property
    def ok(self) -> bool:
        return self.shortage is None

    def require(self) -> None:
        """Raises QueueError (NO_ROOM, READ_ONLY)."""
        if self.shortage is Shortage.READ_ONLY:
            raise QueueError(Fault.READ_ONLY, "outbox", retryable=True)
        if self.shortage is not None:
            raise QueueError(Fault.NO_ROOM, self.shortage, retryable=True)


def disk_of(folder: Path) -> Disk:
    """Raises OSError."""
    found = os.statvfs(folder)
    return Disk(found.f_bavail * found.f_frsize, bool(found.f_flag & os.ST_RDONLY))


def room_for(size: int, budget: Budget, disk: Disk, used: int, stalled: float) -> Room:
    """``size`` in bytes, on top of the ``used`` ones."""
    shortages = {
        Shortage.READ_ONLY: disk.read_only,
        Shortage.DISK: disk.free - size < budget.reserve,
        Shortage.BUDGET: used + size > budget.bytes,
        Shortage.AGE: stalled > budget.oldest,
    }
    first = next((shortage for shortage, found in shortages.items() if found), None)
    return Room(first, used, disk.free, stalled)
