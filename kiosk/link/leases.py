"""Numbers in stock: blocks leased from the portal before they are needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from certify.numbers import Kind, NumberStore
from offline_queue.intake import LeaseRequest
from offline_queue.transport import IntakeClient

log = logging.getLogger(__name__)

KINDS: tuple[Kind, ...] = ("dossier", "certificate")
LOW_WATER = 20
BLOCK: dict[Kind, int] = {"dossier": 100, "certificate": 50}
BEFORE_EXPIRY = timedelta(days=1)
"""A block that runs out within a day does not count as stock: the network may be gone then."""
BEFORE_NEW_YEAR = timedelta(days=3)
"""Numbers start anew each year: a kiosk that is offline at midnight must hold both years'."""


class LeaseKeeper:
    def __init__(self, numbers: NumberStore, clock: Callable[[], datetime]) -> None:
        """``clock``: local time, since the register book follows the local year."""
        self._numbers = numbers
        self._clock = clock
        self._filling = threading.Lock()
        self._early: dict[tuple[Kind, int], datetime] = {}

    def left(self, kind: Kind) -> int:
        """Numbers of this year that can still be used."""
        now = self._clock()
        return self._numbers.left(kind, now.year, now)

    def fill(self, client: IntakeClient, kind: Kind, at_least: int = LOW_WATER) -> None:
        """Raises QueueError, CertifyError (LEASE_CONFLICT: a number would exist twice)."""
        now = self._clock()
        with self._filling:  # a verb and the tending loop must not both fetch what one lacks
            for year in sorted({now.year, (now + BEFORE_NEW_YEAR).year}):
                missing = at_least - self._numbers.left(kind, year, now)
                if missing > 0 or self._runs_out(kind, year, now):
                    self._add(client, kind, year, max(missing, BLOCK[kind]))

    def _runs_out(self, kind: Kind, year: int, now: datetime) -> bool:
        """Refilled early, and once in a while: blocks of a portal may never live so long."""
        later = now + BEFORE_EXPIRY
        if year != later.year or self._numbers.left(kind, year, later) >= LOW_WATER:
            return False
        last = self._early.get((kind, year))
        if last is not None and abs(now - last) < BEFORE_EXPIRY / 2:
            return False
        self._early[kind, year] = now
        return True

    def _add(self, client: IntakeClient, kind: Kind, year: int, count: int) -> None:
        lease = client.lease(LeaseRequest(kind=kind, year=year, count=count))
        self._numbers.add_lease(
            lease.kind, lease.year, lease.first, lease.last, lease.book, lease.expires,
            str(lease.id),
        )  # fmt: skip
        log.info("leased %s %d: %d to %d", kind, year, lease.first, lease.last)
