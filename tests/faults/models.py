"""Which model of a kind stands in the kiosk: the sandbox's own, or another for one cell."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from drivers.contract import Health

_READY_SECONDS = 10.0


class Changeable:
    """A device of the kiosk that is now one of ``models`` and now another; at first ``""``."""

    def __init__(self, models: Mapping[str, Any]) -> None:
        self._models = models
        self._now = models[""]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._now, name)

    def put_in(self, model: str) -> None:
        """Wait until it is ready, as before any citizen comes."""
        self._now = self._models[model]
        deadline = time.monotonic() + _READY_SECONDS
        while self._now.status().health is not Health.READY:
            if time.monotonic() > deadline:
                raise AssertionError(f"{model or 'the usual one'} does not get ready")
            time.sleep(0.05)

    async def close(self) -> None:
        for device in self._models.values():
            await device.close()
