"""A meter of time that no wall clock can turn back or rush: how long things have been waiting.

Within one boot it follows the seconds since boot. While the kiosk was off only the wall clock can
tell how long, and it is believed as far as that is likely: a night, a holiday, not years. Otherwise
the gap counts for nothing, so the meter may be behind, never years ahead.
"""

from __future__ import annotations

from datetime import datetime

import apsw

from offline_queue import clock

LONGEST_OFF = 14 * 86_400.0
"""Seconds: the longest pause between two boots that is believed."""


def read(db: apsw.Connection, wall: datetime) -> float:
    """Seconds on the meter now."""
    row = db.execute("select boot_id, monotonic, wall, elapsed from meter").fetchone()
    if row is None:
        return 0.0
    boot, monotonic, last_wall, elapsed = row
    return float(elapsed) + _passed(boot, monotonic, datetime.fromisoformat(last_wall), wall)


def tick(db: apsw.Connection, wall: datetime) -> float:
    """The same, and the meter is advanced to it; in a writing transaction."""
    elapsed = read(db, wall)
    db.execute(
        "insert into meter (only, boot_id, monotonic, wall, elapsed) values (1, ?, ?, ?, ?)"
        " on conflict do update set boot_id = excluded.boot_id, monotonic = excluded.monotonic,"
        " wall = excluded.wall, elapsed = excluded.elapsed",
        (clock.boot_id(), clock.since_boot(), wall.isoformat(), elapsed),
    )
    return elapsed


def _passed(boot: str, monotonic: float, last_wall: datetime, wall: datetime) -> float:
    now = clock.since_boot()
    if boot == clock.boot_id():
        return max(0.0, now - monotonic)
    gap = (wall - last_wall).total_seconds()
    return gap if now <= gap <= LONGEST_OFF else now
