"""Calling a person, which every screen offers: through link, or by telephone when that is down."""

from __future__ import annotations

import logging

from kiosk.app import Kiosk
from kiosk.failures import KioskError
from kiosk.link import verbs
from kiosk.views import FaultView, Text

log = logging.getLogger(__name__)


async def call(kiosk: Kiosk, *, reason: str, kept: str) -> FaultView:
    """Call staff; the answer is what to show. ``kept`` is the string key of what was kept."""
    try:
        await kiosk.link.call(verbs.CALL_STAFF, verbs.StaffRequest(reason=reason))
        words = "staff.called"
    except KioskError as error:
        log.warning("staff could not be called: %s", error.code)
        words = "staff.by-phone"
    kiosk.journal.append("staff-called", reason=reason, answered=words == "staff.called")
    return FaultView(
        code=words,
        picture="help_person",
        title=Text(f"{words}.title"),
        happened=Text(f"{words}.happened"),
        todo=Text(f"{words}.todo", {"hotline": kiosk.settings.site.hotline}),
        kept=Text(kept),
        actions=("continue",),
        can_go_back=False,
    )
