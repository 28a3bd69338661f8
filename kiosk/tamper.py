"""An open housing: until staff has looked, this kiosk signs no copy and hands none out.

It goes on filing and pre-checking, where an officer looks at everything and signs at the desk. The
key of the copies is on a token inside the housing; link's device key only says which kiosk sent a
dossier, and the portal can revoke it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from drivers.contract import DeviceError, Fault
from kiosk.app import Kiosk
from kiosk.devices import TAMPER_FILE
from offline_queue.errors import QueueError

log = logging.getLogger(__name__)

CODES = (Fault.TAMPER_OPEN, Fault.SIGNALS_ABSENT, Fault.SIGNALS_REFUSED)
_LOOK_SECONDS = 1.0


async def require_shut(kiosk: Kiosk) -> None:
    """Raises DeviceError: TAMPER_OPEN, or SIGNALS_* when nobody knows whether it is shut."""
    latch = kiosk.settings.site.state / TAMPER_FILE
    try:
        await kiosk.signals.check()
    finally:
        _write_down(kiosk, latch)
    if latch.exists():  # the switch was taken out of the settings, but nobody has armed it again
        raise DeviceError(Fault.TAMPER_OPEN, retryable=False)


async def is_shut(kiosk: Kiosk) -> bool:
    try:
        await require_shut(kiosk)
    except DeviceError as error:
        log.warning("no copies are signed here: %s", error.code)
        return False
    return True


async def watch(kiosk: Kiosk) -> None:
    """Until cancelled: an opening is noticed also while nobody is there."""
    said = ""
    while True:
        code = ""
        try:
            await require_shut(kiosk)
        except DeviceError as error:
            code = error.code
        if code != said:
            said = code
            log.info("signals: %s", code or "well")
        await asyncio.sleep(_LOOK_SECONDS)


def _write_down(kiosk: Kiosk, latch: Path) -> None:
    """Whoever noticed it first, perhaps a doctor at night: an empty latch is not in the journal."""
    try:
        if latch.exists() and latch.stat().st_size == 0:
            log.error("the housing was opened")
            kiosk.journal.append("tamper-opened")
            _mark(latch)
    except (QueueError, OSError) as error:  # a full disk does not make it shut
        log.error("an open housing is not in the journal: %s", type(error).__name__)


def _mark(latch: Path) -> None:
    """A new file in its place: the empty one may be root's."""
    half = latch.with_suffix(".part")
    half.write_text("in the journal\n")
    os.replace(half, latch)
