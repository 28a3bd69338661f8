"""Devices that went away are asked again, so that they are ready soon after they come back.

A driver finds its device by identity (an address, a SANE name, vendor and product), so asking it is
all that hot-plug takes: no event of the kernel says that a network scanner was switched on, or that
somebody closed a lid.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from drivers.contract import Device, DeviceError, Health

log = logging.getLogger(__name__)

_EAGER_SECONDS = 1.0
_CALM_SECONDS = 60.0
_PATIENCE = 15.0  # for one answer


@asynccontextmanager
async def watching(devices: Sequence[Device]) -> AsyncIterator[None]:
    """Ask devices while the block runs: each second one that is absent or at fault, each minute
    one that is well, never one that is busy. Each in a task of its own: one that hangs delays no
    other. What they answer is in their ``status()``."""
    watchers = [asyncio.create_task(_watch(device)) for device in devices]
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


async def _watch(device: Device) -> None:
    asked = 0.0
    while True:
        health = device.status().health
        rest = _CALM_SECONDS if health is Health.READY else 0.0
        if health is not Health.BUSY and time.monotonic() - asked >= rest:
            await _ask(device)
            asked = time.monotonic()
        await asyncio.sleep(_EAGER_SECONDS)


async def _ask(device: Device) -> None:
    before = device.status()
    try:
        await asyncio.wait_for(device.check(), _PATIENCE)
    except (DeviceError, TimeoutError):
        pass  # the status tells
    except Exception:  # a defect of one driver must not end the watch
        log.exception("check of %s", type(device).__name__)
    after = device.status()
    if (before.health, before.code) != (after.health, after.code):
        log.info("%s: %s %s", type(device).__name__, after.health, after.code or "")
