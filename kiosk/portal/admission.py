"""How many dossiers a second are let in, and when the others may come back.

After an outage thousands of kiosks have hundreds of dossiers each. Whoever is sent away is told a
moment that is kept free for it, and whoever has delivered is told its next one with the receipt:
so hardly a request is made in vain, and the load stays level until all is in.

Each process gives away moments at its own rate and waits for no other. What was promised stands in
the database, since the kiosk may come back to another process.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from kiosk.portal.store import Store
from kiosk.portal.times import now

SCHEMA = ["CREATE TABLE moments (kiosk_id TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT"]
SHARE = 0.6
"""Of the rate that is given away. The rest is for those who come unannounced and are sent away
with a moment, and for chance: what comes evenly on average comes in heaps of half as many more."""
_BURST = timedelta(seconds=1)
_EARLY = 1.0
_LATE = 60.0
"""Seconds around its moment in which a kiosk is let in."""
_LONGEST = 6 * 3600.0
"""Seconds. A moment further off was given by a clock that was wrong."""


class Admission:
    """``rate``: dossiers a second, 0 without limit."""

    def __init__(self, rate: float, store: Store, clock: Callable[[], datetime] = now) -> None:
        self._step = timedelta(seconds=1 / (SHARE * rate)) if rate else None
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._next = self._last_promise() or clock() - _BURST
        self._tidied = self._next

    def enter(self, kiosk_id: str) -> int:
        """0 to come in, or whole seconds until this kiosk's moment."""
        if self._step is None:
            return 0
        at = self._clock()
        wait = self._promised(kiosk_id, at)
        if wait is not None:
            if wait > _EARLY:
                return math.ceil(wait)
            self._forget(kiosk_id)
            if wait >= -_LATE:
                return 0
        with self._lock:
            self._mend(at)
            if self._next <= at:
                self._next = max(self._next, at - _BURST) + self._step
                return 0
            self._next += self._step  # being sent away was a request as well
            place = self._take_place(at, self._step)
        return self._promise(kiosk_id, place, at)

    def next_after(self, kiosk_id: str) -> int:
        """Seconds after which a kiosk that has delivered should send its next one; 0 while there
        is no press. It starts before the last moment is given away, so that few are sent away."""
        if self._step is None:
            return 0
        at = self._clock()
        with self._lock:
            self._mend(at)
            if self._next <= at - _BURST / 2:
                return 0
            place = self._take_place(at, self._step)
        return self._promise(kiosk_id, place, at)

    def _take_place(self, at: datetime, step: timedelta) -> datetime:
        place = max(self._next, at + timedelta(seconds=1))
        self._next = place + step
        return place

    def _mend(self, at: datetime) -> None:
        if (self._next - at).total_seconds() > _LONGEST:  # the clock was set back
            self._next = at

    # -- what was promised -------------------------------------------------------------------

    def _promised(self, kiosk_id: str, at: datetime) -> float | None:
        """Seconds until this kiosk's moment, negative after it."""
        rows = self._store.rows("SELECT at FROM moments WHERE kiosk_id = ?", (kiosk_id,))
        if not rows:
            return None
        wait = (datetime.fromisoformat(rows[0][0]) - at).total_seconds()
        return wait if wait <= _LONGEST else None

    def _promise(self, kiosk_id: str, place: datetime, at: datetime) -> int:
        self._tidy(at)
        self._store.rows(
            "INSERT INTO moments VALUES (?, ?)"
            " ON CONFLICT (kiosk_id) DO UPDATE SET at = excluded.at",
            (kiosk_id, _text(place)),
        )
        return math.ceil((place - at).total_seconds())

    def _forget(self, kiosk_id: str) -> None:
        self._store.rows("DELETE FROM moments WHERE kiosk_id = ?", (kiosk_id,))

    def _tidy(self, at: datetime) -> None:
        """Now and then, moments that nobody used."""
        late = timedelta(seconds=_LATE)
        if abs(at - self._tidied) > late:
            self._tidied = at
            self._store.rows("DELETE FROM moments WHERE at < ?", (_text(at - late),))

    def _last_promise(self) -> datetime | None:
        """A process that starts does not give away anew what was given away before."""
        ((last,),) = self._store.rows("SELECT MAX(at) FROM moments")
        return datetime.fromisoformat(last) if last else None


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
