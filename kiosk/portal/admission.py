"""How many dossiers a second are let in, and when the others may come back.

After an outage thousands of kiosks have hundreds of dossiers each. Whoever is sent away is told a
moment that is kept free for it, and whoever has delivered is told its next one with the receipt:
so hardly a request is made in vain, and the load stays level until all is in.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

SHARE = 0.75
"""Of the rate for moments given beforehand; the rest is for those who come unannounced."""
_LATE = 60.0
_EARLY = 1.0


class Admission:
    """``rate``: dossiers a second, 0 without limit. A second's worth may come in at once."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, float] = {}
        self._next_place = 0.0
        self._full_at = 0.0

    def enter(self, kiosk_id: str) -> int:
        """0 to come in, or whole seconds until this kiosk's moment."""
        if not self._rate:
            return 0
        with self._lock:
            now = self._clock()
            place = self._places.get(kiosk_id)
            if place is not None and place - now > _EARLY:
                return math.ceil(place - now)
            expected = self._places.pop(kiosk_id, None) is not None
            if expected or self._spare(now):
                self._full_at = max(self._full_at, now - 1.0) + 1.0 / self._rate
                return 0
            return self._give_place(kiosk_id, now)

    def next_after(self, kiosk_id: str) -> int:
        """Seconds after which a kiosk that has delivered should send its next one; 0 while there
        is no press."""
        if not self._rate:
            return 0
        with self._lock:
            now = self._clock()
            return 0 if self._next_place <= now else self._give_place(kiosk_id, now)

    def _spare(self, now: float) -> bool:
        """Those who were given a moment come first."""
        return self._next_place <= now and self._full_at <= now

    def _give_place(self, kiosk_id: str, now: float) -> int:
        self._forget(now)
        place = max(self._next_place, now + 1.0)
        self._next_place = place + 1.0 / (SHARE * self._rate)
        self._places[kiosk_id] = place
        return math.ceil(place - now)

    def _forget(self, now: float) -> None:
        """Moments that nobody used. They are in order, since each is later than the one before."""
        for kiosk_id, place in list(self._places.items())[:16]:
            if place + _LATE < now:
                del self._places[kiosk_id]
