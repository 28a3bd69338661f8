"""Lamp, bell and tamper switch on a box of inputs and outputs that speaks Modbus.

The switch is a loop that is closed while the housing is shut: a cut wire is an open housing. Once
it was open it counts as open until staff has armed it again (``rearm``), also over a restart, since
a file says so. A box that does not answer is not an open housing, but nobody knows that it is shut
either.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from drivers.contract import DeviceError, Fault, Health, Status
from drivers.modbus import Box, ModbusError

log = logging.getLogger(__name__)
T = TypeVar("T")


class SignalBox:
    """``address``: ``modbus://host:502`` or ``modbus-rtu:/dev/ttyUSB0``. ``lamp``, ``bell``: the
    numbers of outputs, ``tamper``: of an input, from 1; 0: there is none. ``latch``: the file that
    remembers an open housing. Blocking calls run in a thread; the connection is opened for each.

    Raises ValueError for another address.
    """

    def __init__(
        self,
        *,
        address: str,
        latch: Path,
        unit: int = 1,
        lamp: int = 0,
        bell: int = 0,
        tamper: int = 0,
        lamp_seconds: float = 120.0,
        bell_seconds: float = 2.0,
        timeout: float = 1.0,
    ) -> None:
        self._box = Box(address, unit, timeout)
        self._latch = latch
        self._tamper = tamper
        self._outputs = {n: s for n, s in ((lamp, lamp_seconds), (bell, bell_seconds)) if n}
        self._until: dict[int, float] = {}
        self._timers: dict[int, asyncio.Task[None]] = {}
        self._was_open = False
        self._lock = asyncio.Lock()
        self._status = Status(Health.OPENING, time.monotonic())

    def status(self) -> Status:
        return self._status

    async def close(self) -> None:
        """What is lit goes dark: nobody would switch it off later."""
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()
        for number in timers:
            try:
                await self._switch(number, on=False)
            except DeviceError as error:
                log.warning("output %d may be on: %s", number, error)
        self._set(Health.ABSENT)

    async def check(self) -> None:
        """Raises DeviceError: TAMPER_OPEN, SIGNALS_ABSENT, SIGNALS_REFUSED."""
        if not await self._ask(self._is_shut):
            self._remember()
        if self._was_open or self._latch.exists():
            self._set(Health.FAULT, Fault.TAMPER_OPEN)
            raise DeviceError(Fault.TAMPER_OPEN, retryable=False)
        self._set(Health.READY)

    async def rearm(self) -> None:
        """Raises DeviceError as ``check``; then nothing has changed."""
        if not await self._ask(self._is_shut):
            raise DeviceError(Fault.TAMPER_OPEN, "the housing is open", retryable=False)
        try:
            self._latch.unlink(missing_ok=True)
        except OSError as error:
            detail = f"the latch stays: {type(error).__name__}"
            raise DeviceError(Fault.TAMPER_OPEN, detail, retryable=False) from None
        self._was_open = False
        self._set(Health.READY)

    async def call(self) -> bool:
        """Raises DeviceError: SIGNALS_ABSENT, SIGNALS_REFUSED."""
        for number, seconds in self._outputs.items():
            # First: a caller that is cancelled before it is lit still has it go dark.
            self._until[number] = time.monotonic() + seconds
            if number not in self._timers:
                self._timers[number] = asyncio.create_task(self._off_in_time(number))
            await self._switch(number, on=True)
        return bool(self._outputs)

    async def _off_in_time(self, number: int) -> None:
        while (left := self._until[number] - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)
        del self._timers[number]
        try:
            await self._switch(number, on=False)
        except DeviceError as error:
            log.warning("output %d may be on: %s", number, error)

    def _is_shut(self) -> bool:
        if self._tamper:
            return self._box.read_input(self._tamper)
        try:
            self._box.read_input(1)
        except ModbusError:
            pass  # it has no inputs and says so: it is there
        return True

    async def _switch(self, number: int, *, on: bool) -> None:
        await self._ask(lambda: self._box.write_output(number, on))

    async def _ask(self, question: Callable[[], T]) -> T:
        try:
            async with self._lock:
                return await asyncio.to_thread(question)
        except ModbusError as error:
            code, detail = Fault.SIGNALS_REFUSED, str(error)
        except OSError as error:
            code, detail = Fault.SIGNALS_ABSENT, str(error) or "no answer"
        self._set(Health.ABSENT if code is Fault.SIGNALS_ABSENT else Health.FAULT, code)
        raise DeviceError(code, detail)

    def _remember(self) -> None:
        """On disk before anything else is decided by it. A disk that takes nothing does not make
        it shut: then this process remembers, and tries to write it down at each look."""
        self._was_open = True
        try:
            if not self._latch.exists():
                self._latch.touch()
                _sync(self._latch)
                _sync(self._latch.parent)
        except OSError as error:
            log.error("an opening is not on disk: %s", type(error).__name__)

    def _set(self, health: Health, code: str | None = None) -> None:
        if (health, code) != (self._status.health, self._status.code):
            self._status = Status(health, time.monotonic(), code)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
