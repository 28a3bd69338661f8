"""The command for a housing that was opened: ``tamper reset``."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from typing import TYPE_CHECKING

import click

from kiosk.commands.options import settings_option

if TYPE_CHECKING:
    from kiosk.settings import Settings


@click.group()
def tamper() -> None:
    """The switch in the housing, which stops this kiosk from signing."""


@tamper.command()
@settings_option
def reset(settings: Settings) -> None:
    """Arm the switch again after staff has looked at the housing. Exit 3 while it is open.

    Both the attempt and its success stand in the journal. The kiosk may be running, and signs again
    within a second.
    """
    from kiosk import devices
    from kiosk.clock import local_now
    from kiosk.storage import open_journal

    state = settings.site.state
    if state.exists() and state.stat().st_uid != os.getuid():
        # Its entries would be root's, and the kiosk could not read their head.
        raise click.UsageError(f"run this as the owner of {state}, as in: sudo -u kiosk ...")
    latch = state / devices.TAMPER_FILE
    if not latch.exists():
        print("it is armed, and was not opened")
        return
    with closing(open_journal(settings, "maintenance", local_now)) as journal:
        journal.append("tamper-rearming")
        asyncio.run(_rearm(settings))
        latch.unlink(missing_ok=True)  # also where the settings name no switch any more
        journal.append("tamper-rearmed")
    print("armed: this kiosk may sign again")


async def _rearm(settings: Settings) -> None:
    from kiosk import devices

    signals = devices.signals(settings.devices.signals, settings.site.state / devices.TAMPER_FILE)
    try:
        await signals.rearm()
    finally:
        await signals.close()


COMMANDS = (tamper,)
