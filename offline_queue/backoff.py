"""How long to wait before trying again, so that many kiosks do not come back as one."""

from __future__ import annotations

import random
from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_ASKED = 3600.0
"""Whoever asks for more than an hour (a captive page, a server with a wrong clock) gets an hour."""


class Backoff:
    """Decorrelated jitter: each pause lies between ``first`` and three times the one before.

    Seconds. ``rng`` may be seeded by a test; in the field every kiosk draws its own.
    """

    def __init__(
        self, first: float = 0.5, longest: float = 60.0, rng: random.Random | None = None
    ) -> None:
        self.first = first
        self.longest = longest
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._pause = 0.0

    def failed(self) -> float:
        """The next pause. At its longest it is drawn anew each time: kiosks that all wait the
        longest pause would otherwise keep the step in which the outage began."""
        upper = min(self.longest, 3 * max(self.first, self._pause))
        self._pause = self._rng.uniform(self.first, upper)
        return self._pause

    def asked(self, seconds: float) -> float:
        """The pause that the other side asked for, and a little more: its whole seconds would
        otherwise gather into steps whoever came by in the same second."""
        return seconds + self._rng.uniform(0.0, 2.0)

    def succeeded(self) -> None:
        self._pause = 0.0


class Spread:
    """Whoever was cut off for long does not unload the whole backlog at the first contact.

    The first dossier that gets through ends the outage; the rest waits a random part of
    ``seconds``, because thousands of others are back at the same moment.
    """

    def __init__(
        self, seconds: float = 0.0, outage: float = 60.0, rng: random.Random | None = None
    ) -> None:
        """``outage``: seconds without an answer that count as one."""
        self._seconds = seconds
        self._outage = outage
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._since: float | None = None

    def failed(self, now: float) -> None:
        self._since = now if self._since is None else self._since

    def succeeded(self, now: float) -> float:
        """Seconds that the rest has to wait, mostly 0."""
        since, self._since = self._since, None
        if since is None or now - since < self._outage:
            return 0.0
        return self._rng.uniform(0.0, self._seconds)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a ``Retry-After`` (RFC 9110, section 10.2.3: seconds, or an HTTP date), at most
    an hour; None when there is none or it is nonsense. ``now``: the server's own clock where it
    shows one, since ours may be wrong by years."""
    if value is None:
        return None
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, OverflowError, TypeError):  # no date; none of a calendar; no zone
            return None
    return min(LONGEST_ASKED, max(0.0, seconds))
