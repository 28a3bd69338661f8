"""What the portal needs of a procedure: its title, its public code, and its deadline.

Read from the same files in ``config/procedures`` that the kiosks run by. Working days are Monday
to Friday without the agency's holidays.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

from kiosk.portal.times import VIETNAM

_OFFICE_CLOSES = time(17, 0)
_DEFAULT_CUT_OFF = 15


@dataclass(frozen=True, slots=True)
class ProcedureFacts:
    """``days``: working days; ``cut_off_hour``: what comes later counts as of the next one."""

    id: str
    code: str
    title: str
    field: str
    days: int
    cut_off_hour: int


@cache
def procedures() -> dict[str, ProcedureFacts]:
    """By id and by public code. Raises OSError, KeyError or ValueError for a damaged file."""
    found: dict[str, ProcedureFacts] = {}
    for file in (resources.files("config") / "procedures").iterdir():
        if file.name.endswith(".toml"):
            facts = _facts(tomllib.loads(file.read_text("utf-8")))
            found[facts.id] = found[facts.code] = facts
    return found


def procedure(name: str) -> ProcedureFacts:
    """Of an id or code. One that this portal does not know is due the same day."""
    unknown = ProcedureFacts(name, name, name, "", 0, _DEFAULT_CUT_OFF)
    return procedures().get(name, unknown)


def due_at(received: datetime, facts: ProcedureFacts, holidays: Collection[date]) -> datetime:
    """When the result is due: the close of the office on the last day, in Vietnam's time."""
    local = received.astimezone(VIETNAM)
    day, days = local.date(), facts.days
    if not _works(day, holidays):
        day = _next_working_day(day, holidays)
    elif local.hour >= facts.cut_off_hour:
        days += 1
    for _ in range(days):
        day = _next_working_day(day, holidays)
    return datetime.combine(day, _OFFICE_CLOSES, VIETNAM)


def _next_working_day(day: date, holidays: Collection[date]) -> date:
    day += timedelta(days=1)
    while not _works(day, holidays):
        day += timedelta(days=1)
    return day


def _works(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


def _facts(values: dict[str, Any]) -> ProcedureFacts:
    deadline = values["deadline"]
    return ProcedureFacts(
        id=values["id"],
        code=values["code"],
        title=values["words"]["vi"]["title"],
        field=values.get("field", ""),
        days=deadline["days"],
        cut_off_hour=deadline.get("cut_off_hour", _DEFAULT_CUT_OFF),
    )
