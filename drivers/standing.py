"""How a device stands, as its driver last learned it; old good news is no news."""

from __future__ import annotations

import time

from drivers.contract import Health, Status

FRESH_SECONDS = 120.0
"""How long READY is believed. Devices that are well are asked each minute (``presence.py``)."""


class Standing:
    """``set`` is called after every answer or silence of the device; ``status`` by anybody."""

    def __init__(self, health: Health = Health.OPENING) -> None:
        self._status = Status(health, time.monotonic())
        self._told = time.monotonic()

    def status(self) -> Status:
        """STALE, with what was known last, when the device was READY and has not said so since."""
        last, end = self._status, self._told + FRESH_SECONDS
        if last.health is Health.READY and time.monotonic() > end:
            return Status(Health.STALE, end, last.code, last.paper_inside)
        return last

    def set(self, health: Health, code: str | None = None, *, paper_inside: bool = False) -> None:
        self._told = time.monotonic()
        found = Status(health, self._status.since, code, paper_inside)
        if found != self._status:
            self._status = Status(health, self._told, code, paper_inside)
