"""When a result is due: working days, and the 15:00 rule of the certified-copy decree.

Received at or after the cut-off counts as received the next working day (decree 23/2015, art. 7).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from kiosk.procedures import Deadline

_CLOSING_HOUR = 17


def due_at(received: datetime, deadline: Deadline) -> datetime:
    """When the office closes on the day the result is due, in the zone of ``received``."""
    day = received.date()
    if received.hour >= deadline.cut_off_hour or not _works_on(day):
        day = _next_working_day(day)
    for _ in range(deadline.days):
        day = _next_working_day(day)
    return datetime(day.year, day.month, day.day, _CLOSING_HOUR, tzinfo=received.tzinfo)


def _next_working_day(day: date) -> date:
    day += timedelta(days=1)
    while not _works_on(day):
        day += timedelta(days=1)
    return day


def _works_on(day: date) -> bool:
    return day.weekday() < 5
