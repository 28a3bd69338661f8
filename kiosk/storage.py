"""The outbox as the settings want it: where it lies, and how much it may hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kiosk.settings import Settings
from offline_queue.budget import Budget
from offline_queue.outbox import Outbox

_DAY = 86_400.0


def open_outbox(settings: Settings, clock: Callable[[], datetime]) -> Outbox:
    """Raises QueueError."""
    state, limits = settings.site.state, settings.outbox
    return Outbox(
        state / "outbox",
        machine_key=state / "machine.key",
        clock=clock,
        budget=Budget(
            bytes=limits.budget_bytes,
            reserve=limits.reserve_bytes,
            oldest=limits.oldest_days * _DAY,
            receipts=limits.receipts_days * _DAY,
        ),
    )
