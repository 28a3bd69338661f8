"""How the devices are, told to link once in a while; link passes it on with its heartbeats."""

from __future__ import annotations

import asyncio
import logging

from drivers.contract import WARNINGS, Device, Health
from kiosk.app import Kiosk
from kiosk.failures import KioskError
from kiosk.inventory import KINDS
from kiosk.link import messages, verbs

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


async def keep_reporting(kiosk: Kiosk) -> None:
    """Until cancelled."""
    while True:
        try:
            await kiosk.link.call(verbs.REPORT, messages.ReportRequest(devices=states(kiosk)))
        except KioskError as error:
            log.info("devices are not reported: %s", error.code)
        await asyncio.sleep(EVERY_SECONDS)


def states(kiosk: Kiosk) -> dict[str, str]:
    """A code of failure or warning each as the last use left it, "ok", "absent", or "stale": it is
    not heard of any more. No device is disturbed for this. What a kiosk may well do without, and
    was not given, is left out: nobody has to come for it."""
    spared = {kind.name for kind in KINDS if kind.optional and not kind.where(kiosk.settings)}
    return {
        name.replace(" ", "-"): _state(held)
        for name, held in kiosk.devices.items()
        if name not in spared
    }


def _state(device: Device) -> str:
    status = device.status()
    if status.health in (Health.FAULT, Health.STALE):
        return status.code or str(status.health)
    if status.code in WARNINGS:
        return status.code
    return "absent" if status.health is Health.ABSENT else "ok"
