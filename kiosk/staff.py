"""Calling a person, which every screen offers: by lamp and bell where there are any, through link,
or by telephone when none of them works."""

from __future__ import annotations

import logging

from drivers.contract import DeviceError
from kiosk.app import Kiosk
from kiosk.failures import KioskError
from kiosk.link import messages, verbs
from kiosk.views import FaultView, Text

log = logging.getLogger(__name__)


async def call(kiosk: Kiosk, *, reason: str, kept: str) -> FaultView:
    """Call staff; the answer is what to show. ``kept`` is the string key of what was kept."""
    lit = await _ring(kiosk)
    answered = await _send(kiosk, reason)
    words = "staff.called" if lit or answered else "staff.by-phone"
    kiosk.journal.append("staff-called", reason=reason, answered=answered, lit=lit)
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


async def _ring(kiosk: Kiosk) -> bool:
    """Lamp and bell hang on this machine, so they work without a network."""
    try:
        return await kiosk.signals.call()
    except DeviceError as error:
        log.warning("lamp and bell: %s", error)
        return False


async def _send(kiosk: Kiosk, reason: str) -> bool:
    try:
        await kiosk.link.call(verbs.CALL_STAFF, messages.StaffRequest(reason=reason))
    except KioskError as error:
        log.warning("staff could not be called: %s", error.code)
        return False
    return True
