"""The 15:00 rule and working days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from kiosk.deadlines import due_at
from kiosk.procedures import Deadline

VIETNAM = timezone(timedelta(hours=7))


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2026-11-24 09:41", 0, "2026-11-24 17:00"),  # Tuesday morning: the same day
        ("2026-11-24 14:59", 0, "2026-11-24 17:00"),
        ("2026-11-24 15:00", 0, "2026-11-25 17:00"),  # at the cut-off: the next day
        ("2026-11-27 16:00", 0, "2026-11-30 17:00"),  # Friday evening: Monday
        ("2026-11-28 09:00", 0, "2026-11-30 17:00"),  # Saturday: Monday
        ("2026-11-26 09:00", 3, "2026-12-01 17:00"),  # three working days over a weekend
    ],
)
def test_due(received: str, days: int, due: str) -> None:
    moment = datetime.fromisoformat(received).replace(tzinfo=VIETNAM)
    assert due_at(moment, Deadline(days=days)) == datetime.fromisoformat(due).replace(
        tzinfo=VIETNAM
    )
