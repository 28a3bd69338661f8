"""Without mains: who is there may finish, nobody new is let in, and all is put away in time.

The computer is powered down by NUT's ``upsmon``; by then no draft is open and nothing is printing.
"""

from __future__ import annotations

import asyncio
import logging

from drivers.contract import DeviceError, Fault, PowerSupply

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0


class PowerLowError(Exception):
    """The battery is nearly empty: whatever runs must end now."""


async def trouble(power: PowerSupply) -> DeviceError | None:
    """Why nobody should begin now; a supply that says nothing keeps nobody out."""
    try:
        await power.check()
    except DeviceError as error:
        if error.code in (Fault.POWER_OUT, Fault.POWER_LOW):
            return error
        log.warning("power supply: %s", error)
    return None


async def until_low(power: PowerSupply) -> None:
    """Raises PowerLowError once the battery is nearly empty; never returns."""
    while True:
        found = await trouble(power)
        if found and found.code == Fault.POWER_LOW:
            raise PowerLowError
        await asyncio.sleep(_LOOK_SECONDS)
