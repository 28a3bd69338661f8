"""Outbox and journal as the settings want them: where they lie, and how much they may hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import ceil
from uuid import UUID

from kiosk.journal import Journal
from kiosk.settings import Settings
from offline_queue.budget import Budget
from offline_queue.outbox import Outbox, State

_DAY = 86_400.0


def open_journal(settings: Settings, writer: str, clock: Callable[[], datetime]) -> Journal:
    """References stay readable for as many days as receipts are kept. Raises QueueError."""
    key_days = ceil(settings.outbox.receipts_days)
    return Journal(settings.site.state / "journal", writer, clock, key_days)


def open_outbox(
    settings: Settings,
    clock: Callable[[], datetime],
    settled: Callable[[UUID, State, str], None] = lambda *_: None,
) -> Outbox:
    """Raises QueueError."""
    state, limits = settings.site.state, settings.outbox
    return Outbox(
        state / "outbox",
        machine_key=state / "machine.key",
        clock=clock,
        settled=settled,
        budget=Budget(
            bytes=limits.budget_bytes,
            reserve=limits.reserve_bytes,
            oldest=limits.oldest_days * _DAY,
            receipts=limits.receipts_days * _DAY,
        ),
    )
