"""The wall clock of the appliance. Whether it can be trusted, ``kiosk.link.clock`` finds out."""

from __future__ import annotations

from datetime import datetime


def local_now() -> datetime:
    """Now, aware, in the zone that the command line set (Asia/Ho_Chi_Minh)."""
    return datetime.now().astimezone()
