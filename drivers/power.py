"""The power supply: a UPS behind Network UPS Tools, asked over TCP.

Protocol: RFC 9271 (``GET VAR``), TCP port 3493. A line is asked and a line is answered, so there is
no library and no child. Powering the computer down is the work of NUT's own ``upsmon``; the kiosk
only has to be done before.
"""

from __future__ import annotations

import asyncio
import shlex
from urllib.parse import urlsplit

from drivers.contract import DeviceError, Fault, Health, Status
from drivers.standing import Standing

PORT = 3493
_LONGEST_LINE = 4096


class NutPowerSupply:
    """``address``: ``nut://UPS@host`` or ``nut://UPS@host:port``. ``timeout``: seconds a question.

    Raises ValueError for another address.
    """

    def __init__(self, *, address: str, timeout: float = 2.0) -> None:
        parts = urlsplit(address)
        if parts.scheme != "nut" or not parts.username or not parts.hostname:
            raise ValueError(f"power supply address {address!r}: expected nut://UPS@host")
        self._ups, self._host, self._port = parts.username, parts.hostname, parts.port or PORT
        self._timeout = timeout
        self._standing = Standing()

    def status(self) -> Status:
        return self._standing.status()

    async def close(self) -> None:
        """Nothing stays open between two questions."""

    async def check(self) -> None:
        """Raises DeviceError: POWER_OUT on battery, POWER_LOW when the battery is nearly empty or
        the computer is about to be powered down, POWER_ABSENT when nobody knows."""
        try:
            words = await asyncio.wait_for(self._ask(), self._timeout)
            _judge(words)
        except (OSError, ValueError, TimeoutError) as error:
            self._standing.set(Health.ABSENT, Fault.POWER_ABSENT)
            raise DeviceError(Fault.POWER_ABSENT, str(error) or "no answer") from None
        except DeviceError as error:
            absent = error.code == Fault.POWER_ABSENT
            self._standing.set(Health.ABSENT if absent else Health.FAULT, error.code)
            raise
        self._standing.set(Health.READY)

    async def _ask(self) -> set[str]:
        """The words of ``ups.status``, as OL, OB, LB, CHRG."""
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=_LONGEST_LINE)
        try:
            writer.write(f"GET VAR {self._ups} ups.status\n".encode())
            line = await reader.readline()
        finally:
            writer.close()
        answer = shlex.split(line.decode(errors="replace"))
        if answer[:3] == ["VAR", self._ups, "ups.status"] and len(answer) == 4:
            return set(answer[3].split())
        raise DeviceError(Fault.POWER_ABSENT, " ".join(answer[:2]) or "hung up")


def _judge(words: set[str]) -> None:
    if "FSD" in words or {"OB", "LB"} <= words:
        raise DeviceError(Fault.POWER_LOW, " ".join(sorted(words)))
    if "OB" in words:
        raise DeviceError(Fault.POWER_OUT, " ".join(sorted(words)))
    if "OL" not in words:
        raise DeviceError(Fault.POWER_ABSENT, f"says {' '.join(sorted(words)) or 'nothing'}")
