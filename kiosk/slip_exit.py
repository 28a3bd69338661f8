"""A slip that hangs in the printer's exit: its owner is reminded, and nobody else gets it.

Only printers with a presenter tell; for all others there is nothing to do here.
"""

from __future__ import annotations

import asyncio
import logging

from drivers.contract import DeviceError, Fault
from kiosk import staff
from kiosk.app import Kiosk
from kiosk.failures import failure_of
from kiosk.session import Session
from kiosk.views import FaultView, Text

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5


async def remind(session: Session) -> None:
    """Until the slip is taken, or its owner goes on without it."""
    if not await session.kiosk.receipt.slip_waits():
        return
    failure = failure_of(DeviceError(Fault.RECEIPT_NOT_TAKEN))
    session.kiosk.journal.append("failure-shown", code=failure.code)
    notice = FaultView(
        code=failure.code,
        picture=failure.picture,
        title=Text(failure.title),
        happened=Text(failure.happened),
        todo=Text(failure.todo),
        kept=Text("kept.locked"),
        actions=("continue", "staff"),
        can_go_back=False,
    )
    await session.race(notice, lambda: _taken(session.kiosk))


async def put_away(kiosk: Kiosk) -> FaultView | None:
    """After a session: a slip with a name on it is pulled back, or said to hang there.

    The answer is what to tell whoever stands before the machine.
    """
    if not await kiosk.receipt.slip_waits():
        return None
    try:
        inside = await kiosk.receipt.take_back()
    except DeviceError as error:
        log.error("a slip may hang in the exit: %s", error.code)
        inside = False
    kiosk.journal.append("slip-pulled-back" if inside else "slip-left")
    if not inside:
        await staff.call(kiosk, reason="slip-left", kept="kept.locked")
    words = "slip-exit.inside" if inside else "slip-exit.left"
    return FaultView(
        code=words,
        picture="receipt",
        title=Text(f"{words}.title"),
        happened=Text(f"{words}.happened"),
        todo=Text(f"{words}.todo", {"place": kiosk.settings.site.pickup_place}),
        kept=Text("kept.locked"),
        actions=("continue",),
        can_go_back=False,
    )


async def _taken(kiosk: Kiosk) -> None:
    while await kiosk.receipt.slip_waits():  # noqa: ASYNC110 - a printer says nothing by itself
        await asyncio.sleep(_LOOK_SECONDS)
