"""Is the wall clock right? The portal's clock is asked, once in a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from offline_queue.clock import since_boot

MOST_OFF = timedelta(seconds=60)
TRUSTED_SECONDS = 24 * 3600.0


class ClockCheck:
    """Trusted for a day after it agreed with the portal's ``Date``, which TLS vouches for, unless
    somebody has set it since: it must have gone on with the seconds since boot.

    The memory of it is not kept: after a restart the clock is untrusted until it is checked.
    """

    def __init__(self, wall: Callable[[], datetime], seconds: Callable[[], float] = since_boot):
        self._wall = wall
        self._seconds = seconds
        self._agreed: tuple[datetime, float] | None = None

    def compare(self, told: datetime | None) -> None:
        """``told``: what the portal's clock shows now, None when it did not say."""
        if told is not None:
            wall = self._wall()
            agrees = abs(wall - told) <= MOST_OFF
            self._agreed = (wall, self._seconds()) if agrees else None

    @property
    def trusted(self) -> bool:
        if self._agreed is None:
            return False
        wall, seconds = self._agreed
        passed = self._seconds() - seconds
        went = self._wall() - wall
        return passed <= TRUSTED_SECONDS and abs(went - timedelta(seconds=passed)) <= MOST_OFF
