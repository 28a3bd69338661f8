"""How long a printer has been quiet."""

from __future__ import annotations

import time

from drivers.ipp_jobs import Job


class Watch:
    """How long a printer has not answered, and how long a job has not moved."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._heard = self._moved = time.monotonic()
        self._last: tuple[int, int | None] | None = None

    def saw(self, job: Job) -> None:
        self._heard = time.monotonic()
        if (job.state, job.sides) != self._last:
            self._last, self._moved = (job.state, job.sides), self._heard

    def lost_too_long(self) -> bool:
        return time.monotonic() - self._heard > self._patience

    def quiet_for(self, seconds: float) -> bool:
        return time.monotonic() - self._moved > seconds
