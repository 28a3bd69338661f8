"""How long to wait before trying again, so that many kiosks do not come back as one."""

from __future__ import annotations

import random


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
        upper = 3 * max(self.first, self._pause)
        self._pause = min(self.longest, self._rng.uniform(self.first, upper))
        return self._pause

    def succeeded(self) -> None:
        self._pause = 0.0
