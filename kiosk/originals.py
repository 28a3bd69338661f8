"""An original that is still in the scanner when its owner has gone: nobody else gets it."""

from __future__ import annotations

import asyncio
import logging

from drivers.contract import DeviceError, Fault
from kiosk import staff
from kiosk.app import Kiosk
from kiosk.stage import Prompter
from kiosk.views import CallStaff, Choose, FaultView, Text

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_STUCK = (Fault.SCANNER_JAM, Fault.SCANNER_MULTIFEED)


async def guard(kiosk: Kiosk, prompter: Prompter) -> None:
    """After a session: staff is called and the screen says so, until the scanner says that it is
    empty. Whoever touches that the paper is out has the scanner asked: a stranger's word is not
    enough, but a scanner that is gone or broken in another way keeps nobody out."""
    if not kiosk.scanner.status().paper_inside:
        return
    kiosk.journal.append("original-left")
    log.error("somebody's paper is in the scanner")
    await staff.call(kiosk, reason="original-left", kept="kept.nothing")
    while True:
        intent = await prompter.race(_notice(kiosk), _out(kiosk))
        if isinstance(intent, CallStaff) or intent == Choose("staff"):
            await staff.call(kiosk, reason="original-left", kept="kept.nothing")
        elif intent is None or not await _is_stuck(kiosk):
            return


async def _out(kiosk: Kiosk) -> None:
    while kiosk.scanner.status().paper_inside:
        await asyncio.sleep(_LOOK_SECONDS)
        await _ask(kiosk)


async def _is_stuck(kiosk: Kiosk) -> bool:
    """The scanner says so itself; one that no longer says anything is no reason to wait."""
    await _ask(kiosk)
    return kiosk.scanner.status().code in _STUCK


async def _ask(kiosk: Kiosk) -> None:
    try:
        await kiosk.scanner.check()
    except DeviceError as error:
        log.info("the scanner: %s", error.code)


def _notice(kiosk: Kiosk) -> FaultView:
    return FaultView(
        code="original-left",
        picture="scanner_jam",
        title=Text("original-left.title"),
        happened=Text("original-left.happened"),
        todo=Text("original-left.todo", {"hotline": kiosk.settings.site.hotline}),
        kept=Text("kept.nothing"),
        actions=("paper-out", "staff"),
        can_go_back=False,
    )
