"""4,000 kiosks after a day without the portal, on a clock that jumps from event to event.

What decides is real: the uploader's steps with its back-off, spread and ``Retry-After``, and the
portal's admission. Modelled are the outboxes (as many dossiers as a day brings) and the time that
one dossier takes on a kiosk's line. Beside it the same herd with a fixed pause of 30 s and a portal
that only says "not now".
"""

from __future__ import annotations

import heapq
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from kiosk.portal.admission import SCHEMA, Admission
from kiosk.portal.sqlite import SqliteDatabase
from kiosk.portal.store import Store
from offline_queue.backoff import Backoff, Spread, retry_after
from offline_queue.clock import utc_now
from offline_queue.entries import Dossier, State
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox
from offline_queue.transport import IntakeClient
from offline_queue.uploader import Uploader
from tests.bench.measure import Row

KIOSKS = 4000
DOSSIERS = 60
RATE = 40.0
"""Dossiers a second, of 5 MB each: 1.6 Gbit/s."""
PROCESSES = 4
OUTAGE = 24 * 3600.0
LINE_SECONDS = 4.0
"""For one dossier: 5 MB at 10 Mbit/s."""

NOBODY = UUID(int=0)
MORNING = datetime(2026, 11, 24, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return MORNING + timedelta(seconds=self.now)


def admissions(rate: float, clock: Clock, processes: int) -> list[Admission]:
    """Of so many processes on one database, which is in memory; ``rate`` is that of all."""
    database = SqliteDatabase(Path(":memory:"))
    database.migrate({"admission": SCHEMA})
    store = Store(database)
    return [Admission(rate / processes, store, clock.wall) for _ in range(processes)]


@dataclass
class Portal:
    """``asked``: dossiers that kiosks wanted to begin in each second, let in or not."""

    clock: Clock
    processes: list[Admission]
    asked: Counter[int] = field(default_factory=Counter)
    taken: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(2))

    def begin(self, kiosk: str) -> None:
        if self.clock.now < OUTAGE:
            raise QueueError(Fault.UNREACHABLE, retryable=True)
        self.asked[int(self.clock.now - OUTAGE)] += 1
        if wait := self._any().enter(kiosk):
            raise QueueError(Fault.UNREACHABLE, retryable=True, retry_after=_parsed(wait))

    def end(self, kiosk: str) -> float:
        self.taken += 1
        wait = self._any().next_after(kiosk)
        return (_parsed(wait) or 0.0) if wait else 0.0

    def _any(self) -> Admission:
        """As a load balancer chooses."""
        return self.rng.choice(self.processes)


class Box:
    """As much of an outbox as an uploader asks of it."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self._dossier = cast(Dossier, _Dossier())

    def recover(self) -> None:
        pass

    def unsigned(self) -> None:
        pass

    def next_to_send(self) -> Dossier | None:
        return self._dossier if self.waiting else None

    def get(self, _id: UUID) -> Dossier:
        return self._dossier


@dataclass(frozen=True)
class _Dossier:
    id: UUID = NOBODY
    state: State = State.LOCKED


class Client:
    next_after = 0.0


class Kiosk(Uploader):
    """An uploader whose way to the portal is a call."""

    def __init__(self, name: str, portal: Portal, rng: random.Random, dossiers: int) -> None:
        self.box, self.client, self._name, self._portal = Box(dossiers), Client(), name, portal
        nobody = cast(Any, None)
        super().__init__(
            cast(Outbox, self.box),
            cast(IntakeClient, self.client),
            nobody,
            nobody,
            clock=portal.clock,
            backoff=Backoff(0.5, 900.0, rng),
            spread=Spread(600.0, 60.0, rng),
        )

    def _deliver(self, dossier: Dossier) -> None:
        self._portal.begin(self._name)
        self.box.waiting -= 1
        self.client.next_after = self._portal.end(self._name)


@dataclass(frozen=True, slots=True)
class Result:
    peak: int
    requests: int
    taken: int
    drained_after: float


def run() -> list[Row]:
    kiosks, dossiers = int(os.environ.get("HERD_KIOSKS", KIOSKS)), DOSSIERS
    ours = simulate(kiosks, dossiers, RATE)
    several = simulate(kiosks, dossiers, RATE, processes=PROCESSES)
    plain = fixed_pause(kiosks, dossiers, RATE, 30.0)
    least = kiosks * dossiers / RATE
    return [
        Row("dossiers taken in", ours.taken, "", f"{kiosks} kiosks, {dossiers} each"),
        Row("peak in a second / admission rate", ours.peak / RATE, "ratio", f"{RATE:g}/s let in"),
        Row("requests / dossiers", ours.requests / ours.taken, "ratio"),
        Row("drained after", ours.drained_after / 60, "min", f"at best {least / 60:.0f}"),
        Row(f"{PROCESSES} processes: peak / rate", several.peak / RATE, "ratio", "of all together"),
        Row(f"{PROCESSES} processes: drained after", several.drained_after / 60, "min"),
        Row("fixed pause: peak / rate", plain.peak / RATE, "ratio"),
        Row("fixed pause: requests / dossiers", plain.requests / plain.taken, "ratio"),
    ]


def simulate(
    kiosks: int, dossiers: int, rate: float, seed: int = 1, *, processes: int = 1
) -> Result:
    clock = Clock()
    portal = Portal(clock, admissions(rate, clock, processes))
    rng = random.Random(seed)
    herd = [Kiosk(f"kiosk-{n}", portal, rng, dossiers) for n in range(kiosks)]
    # Not the whole day: pauses have reached their longest after a few minutes.
    first = [(OUTAGE - 3600 + rng.uniform(0, 300), number) for number in range(kiosks)]
    heapq.heapify(first)
    while first:
        clock.now, number = heapq.heappop(first)
        kiosk = herd[number]
        settled = kiosk.step()
        if kiosk.box.waiting:
            busy = LINE_SECONDS * rng.uniform(0.8, 1.2) if settled else 0.0
            heapq.heappush(first, (clock.now + max(busy, kiosk.pause()), number))
    return _result(portal)


def fixed_pause(kiosks: int, dossiers: int, rate: float, pause: float) -> Result:
    """Everybody sees the link come back, and asks again after ``pause``."""
    clock = Clock()
    portal = Portal(clock, [])
    rng = random.Random(1)
    left = [dossiers] * kiosks
    asking = [(OUTAGE + rng.uniform(0, 0.5), number) for number in range(kiosks)]
    let_in: Counter[int] = Counter()
    while asking:
        clock.now, number = heapq.heappop(asking)
        second = int(clock.now - OUTAGE)
        portal.asked[second] += 1
        if let_in[second] >= rate:
            heapq.heappush(asking, (clock.now + pause, number))
            continue
        let_in[second] += 1
        portal.taken += 1
        left[number] -= 1
        if left[number]:
            heapq.heappush(asking, (clock.now + LINE_SECONDS * rng.uniform(0.8, 1.2), number))
    return _result(portal)


def _parsed(seconds: int) -> float | None:
    return retry_after(str(seconds), utc_now())


def _result(portal: Portal) -> Result:
    return Result(
        peak=max(portal.asked.values()),
        requests=sum(portal.asked.values()),
        taken=portal.taken,
        drained_after=portal.clock.now - OUTAGE,
    )
