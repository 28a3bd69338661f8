"""Code readers on a serial line (USB CDC-ACM or RS-232), by pyserial.

There is no child process: pyserial is plain Python over a file descriptor, and nothing here waits
outside the event loop, so there is nothing that could hang or crash.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING

from drivers.contract import DeviceError, Fault, Health, Status

if TYPE_CHECKING:
    from serial import Serial

log = logging.getLogger(__name__)

MAX_CHARACTERS = 4096
_MAX_BYTES = 4 * MAX_CHARACTERS  # UTF-8 takes at most four bytes for a character
_STALE_SECONDS = 0.5  # a payload comes in one go; a pause this long ends it
_RETRY_SECONDS = 0.1


class SerialCodeReader:
    """A reader that sends each payload after ``prefix`` and followed by ``terminator``.

    Between two ``read()`` calls the line is still listened to, and what comes is thrown away: a
    code that one citizen showed must not count for the next. A reader that is plugged in again is
    opened by the next ``read()``, which waits ``reopen_seconds`` for it. Lives in one event loop.
    """

    def __init__(
        self,
        *,
        port: str,
        baud: int = 115200,
        terminator: bytes = b"\r",
        prefix: bytes = b"",
        reopen_seconds: float = 2.0,
    ) -> None:
        self.port = port
        self.baud = baud
        self._terminator = terminator
        self._prefix = prefix
        self._reopen_seconds = reopen_seconds
        self._serial: Serial | None = None
        self._watched = False
        self._waiter: asyncio.Future[bytes] | None = None
        self._received = bytearray()
        self._skipping = False  # inside a payload that nobody wants, up to its terminator
        self._last_byte = 0.0
        self._status = Status(Health.OPENING, time.monotonic())
        # Opened early: what the reader held from before is in the kernel's buffer by the time
        # of the first read(), which empties it.
        self._try_open()

    def status(self) -> Status:
        if self._serial is None and os.path.exists(self.port):
            return Status(Health.OPENING, self._status.since)
        return self._status

    async def read(self) -> str:
        """The next payload whose first byte comes after this call.

        Raises DeviceError: READER_ABSENT (not plugged in, or pulled out while waiting),
        READER_GARBLED (not UTF-8, or more than 4096 characters).
        """
        if self._wanted:
            raise RuntimeError("another read() is waiting")
        await self._opened()
        self._start_watching()
        self._take_what_is_there()  # nobody waits yet: this throws it away
        self._skip_begun()
        if self._serial is None:
            raise DeviceError(Fault.READER_ABSENT, "pulled out")
        self._waiter = asyncio.get_running_loop().create_future()
        return _decoded(await self._waiter)

    async def close(self) -> None:
        self._lose("closed")

    async def _opened(self) -> None:
        deadline = time.monotonic() + self._reopen_seconds
        pause = _RETRY_SECONDS
        while not self._try_open():
            if time.monotonic() + pause > deadline:
                raise DeviceError(Fault.READER_ABSENT, self.port)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)

    def _try_open(self) -> bool:
        import serial

        if self._serial is not None:
            return True
        try:
            self._serial = serial.Serial(self.port, self.baud, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            if self._status.health is not Health.ABSENT:
                log.warning("code reader: %s", error)
            self._set(Health.ABSENT, Fault.READER_ABSENT)
            return False
        self._received.clear()
        self._skipping = False
        self._set(Health.READY)
        return True

    def _start_watching(self) -> None:
        if self._serial is not None and not self._watched:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._serial.fileno(), self._take_what_is_there)
            self._watched = True

    def _take_what_is_there(self) -> None:
        try:
            while self._serial is not None and (chunk := self._serial.read(4096)):
                self._take(chunk)
        except OSError as error:
            self._lose(str(error))

    def _take(self, chunk: bytes) -> None:
        now = time.monotonic()
        if now - self._last_byte > _STALE_SECONDS:
            self._received.clear()
            self._skipping = False
        self._last_byte = now
        self._received += chunk
        while (end := self._received.find(self._terminator)) >= 0:
            payload = bytes(self._received[:end])
            del self._received[: end + len(self._terminator)]
            self._deliver(payload.strip(b"\r\n").removeprefix(self._prefix))
            self._skipping = False
        if len(self._received) > _MAX_BYTES:
            self._deliver(bytes(self._received))
            self._skipping = True
        if self._skipping or not self._wanted:
            self._skip_begun()

    def _skip_begun(self) -> None:
        if self._received.strip(b"\r\n"):
            self._skipping = True
        self._received.clear()

    @property
    def _wanted(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _deliver(self, payload: bytes) -> None:
        if payload and not self._skipping and self._waiter and not self._waiter.done():
            self._waiter.set_result(payload)

    def _lose(self, reason: str) -> None:
        if self._serial is None:
            return
        if self._watched:
            asyncio.get_running_loop().remove_reader(self._serial.fileno())
            self._watched = False
        self._serial.close()
        self._serial = None
        self._set(Health.ABSENT, Fault.READER_ABSENT)
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(DeviceError(Fault.READER_ABSENT, reason))

    def _set(self, health: Health, code: str | None = None) -> None:
        if (health, code) != (self._status.health, self._status.code):
            self._status = Status(health, time.monotonic(), code)


def _decoded(payload: bytes) -> str:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise DeviceError(Fault.READER_GARBLED, "not UTF-8") from None
    if len(text) > MAX_CHARACTERS:
        raise DeviceError(Fault.READER_GARBLED, f"more than {MAX_CHARACTERS} characters")
    return text
