"""Instants are kept in UTC; the register book and everything printed count in Vietnam's time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7), "ICT")


def now() -> datetime:
    return datetime.now(UTC)


def this_year() -> int:
    return datetime.now(VIETNAM).year


def end_of_year(year: int) -> datetime:
    return datetime(year + 1, 1, 1, tzinfo=VIETNAM).astimezone(UTC)


def shown(instant: str | None) -> str:
    """An ISO instant as ``dd/mm/yyyy HH:MM`` for a page."""
    if not instant:
        return ""
    return datetime.fromisoformat(instant).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def shown_day(day: str | None) -> str:
    """An ISO date as ``dd/mm/yyyy`` for a page."""
    return date.fromisoformat(day).strftime("%d/%m/%Y") if day else ""
