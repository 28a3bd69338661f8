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
from itertools import islice

SHARE = 0.6
"""Of the rate that is given away. The rest is for those who come unannounced and are sent away
with a moment, and for chance: what comes evenly on average comes in heaps of half as many more."""
_BURST = 1.0
_LATE = 60.0
_EARLY = 1.0


class Admission:
    """``rate``: dossiers a second, 0 without limit."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = 1.0 / (SHARE * rate) if rate else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, float] = {}
        self._next_place = 0.0

    def enter(self, kiosk_id: str) -> int:
        """0 to come in, or whole seconds until this kiosk's moment."""
        if not self._step:
            return 0
        with self._lock:
            now = self._clock()
            place = self._places.get(kiosk_id)
            if place is not None and place - now > _EARLY:
                return math.ceil(place - now)
            if self._places.pop(kiosk_id, None) is not None:
                return 0
            if self._next_place <= now:
                self._next_place = max(self._next_place, now - _BURST) + self._step
                return 0
            self._next_place += self._step  # being sent away was a request as well
            return self._give_place(kiosk_id, now)

    def next_after(self, kiosk_id: str) -> int:
        """Seconds after which a kiosk that has delivered should send its next one; 0 while there
        is no press. It starts before the last moment is given away, so that few are sent away."""
        if not self._step:
            return 0
        with self._lock:
            now = self._clock()
            calm = self._next_place <= now - _BURST / 2
            return 0 if calm else self._give_place(kiosk_id, now)

    def _give_place(self, kiosk_id: str, now: float) -> int:
        self._forget(now)
        place = max(self._next_place, now + 1.0)
        self._next_place = place + self._step
        self._places[kiosk_id] = place
        return math.ceil(place - now)

    def _forget(self, now: float) -> None:
        """Moments that nobody used. They are in order, since each is later than the one before."""
        for kiosk_id, place in list(islice(self._places.items(), 16)):
            if place + _LATE < now:
                del self._places[kiosk_id]
