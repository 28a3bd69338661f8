"""Time as the outbox writes it down: the wall clock may be wrong, so it is never alone.

A kiosk without network may start in 1970 or jump when the network comes back. Every entry
therefore also carries the boot id (random(4)) and the seconds since boot, which order events
within one boot. The wall clock is given by whoever opens the outbox: any function that answers the
time with a time zone.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path


@cache
def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def since_boot() -> float:
    """Seconds, sleep included (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def utc_now() -> datetime:
    return datetime.now(UTC)
