"""What looking for devices comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """``key``: section and key of the settings that would hold ``value``. ``profile``: empty for a
    kind whose models do not differ. ``also``: more keys and values of the same section."""

    section: str
    key: str
    value: str
    profile: str
    what: str
    also: tuple[tuple[str, str], ...] = ()
