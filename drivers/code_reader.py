"""Code readers on any wire: serial line, HID-POS or keyboard wedge.

A wire gives pieces of payloads (``drivers/reader_pieces.py``); here they become text, and what
nobody asked for is thrown away. Payloads are data: nothing in them is ever acted upon.
"""

from __future__ import annotations

import asyncio
import logging
import time
import unicodedata
from dataclasses import dataclass

from drivers.contract import MAX_PAYLOAD, DeviceError, Fault, Health, Status
from drivers.own_thread import OwnThread
from drivers.reader_pieces import Line, Piece, Wire

log = logging.getLogger(__name__)

_MAX_BYTES = 4 * MAX_PAYLOAD  # UTF-8 takes at most four bytes for a character
_STALE_SECONDS = 0.5  # a payload comes in one go; a pause this long ends it
_RETRY_SECONDS = 0.1
_OPEN_SECONDS = 10.0
_AIM_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Format:
    """What surrounds the text of a payload, and what it may be.

    ``symbologies``: AIM code characters that are taken (``Q`` is QR Code); none: all of them.
    ``aim``: the reader puts the AIM identifier before the text. ``fallback``: the code page of a
    payload that is not UTF-8; empty: such a payload is garbled.
    """

    prefix: bytes = b""
    suffix: bytes = b""
    symbologies: tuple[str, ...] = ()
    aim: bool = False
    fallback: str = ""

    def text(self, data: bytes, aim: str = "") -> str:
        """Raises DeviceError (READER_GARBLED)."""
        data = data.strip(b"\r\n").removesuffix(self.suffix).removeprefix(self.prefix)
        if self.aim:
            aim = data[:_AIM_LENGTH].decode("ascii", "replace")
            data = data[_AIM_LENGTH:]
            if not aim.startswith("]"):
                raise DeviceError(Fault.READER_GARBLED, "no AIM identifier")
        if self.symbologies and aim and aim[1:2] not in self.symbologies:
            raise DeviceError(Fault.READER_GARBLED, "another symbology")
        text = self._decoded(data)
        if len(text) > MAX_PAYLOAD:
            raise DeviceError(Fault.READER_GARBLED, f"more than {MAX_PAYLOAD} characters")
        return text

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            if not self.fallback:
                raise DeviceError(Fault.READER_GARBLED, "not UTF-8") from None
        try:  # code page 1258 has marks beside their letters
            return unicodedata.normalize("NFC", data.decode(self.fallback))
        except UnicodeDecodeError:
            raise DeviceError(Fault.READER_GARBLED, f"not {self.fallback}") from None


class _Assembly:
    """The payload that is coming in."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._aim = ""
        self._skipping = False  # inside a payload that nobody wants, up to its end
        self._last_piece = 0.0

    def add(self, piece: Piece) -> Piece | None:
        """The whole payload, or the news that it is garbled; None as long as it goes on."""
        now = time.monotonic()
        if now - self._last_piece > _STALE_SECONDS:
            self._end()
        self._last_piece = now
        if not self._skipping:
            self._data += piece.data
            self._aim = self._aim or piece.aim
        garbled = piece.garbled or ("too long" if len(self._data) > _MAX_BYTES else "")
        done = None
        if not self._skipping and (piece.last or garbled):
            done = Piece(bytes(self._data), True, self._aim, garbled)
        if piece.last:
            self._end()
        elif garbled:
            self._begin_skipping()
        return done

    def skip_begun(self) -> None:
        """What has begun does not count any more."""
        if self._data.strip(b"\r\n") or self._skipping:
            self._begin_skipping()

    def _begin_skipping(self) -> None:
        self._end()
        self._skipping = True

    def _end(self) -> None:
        self._data.clear()
        self._aim = ""
        self._skipping = False


class WiredCodeReader:
    """A reader on ``wire`` whose payloads look as ``form`` says.

    Between two ``read()`` calls it is still listened to, and what comes is thrown away: a code
    that one citizen showed must not count for the next. A reader that is plugged in again is
    opened by the next ``check()`` or ``read()``; the latter waits ``reopen_seconds`` for it.
    Opening happens outside the event loop, all else without waiting. Lives in one event loop.
    """

    def __init__(
        self, wire: Wire, form: Format | None = None, *, reopen_seconds: float = 2.0
    ) -> None:
        self._wire = wire
        self._form = form or Format()
        self._reopen_seconds = reopen_seconds
        self._line: Line | None = None
        self._opening: asyncio.Task[None] | None = None
        self._thread = OwnThread("code-reader")
        self._waiter: asyncio.Future[Piece] | None = None
        self._assembly = _Assembly()
        self._status = Status(Health.OPENING, time.monotonic())
        self._reason = ""

    def status(self) -> Status:
        return self._status

    async def check(self) -> None:
        """Raises DeviceError (READER_ABSENT) when the reader cannot be opened."""
        if not await self._opened(_OPEN_SECONDS):
            raise DeviceError(Fault.READER_ABSENT, self._reason)

    async def read(self) -> str:
        """The next payload whose first byte comes after this call.

        Raises DeviceError: READER_ABSENT (not plugged in, or pulled out while waiting),
        READER_GARBLED (half a payload, not text, another symbology, over 4096 characters).
        """
        if self._wanted:
            raise RuntimeError("another read() is waiting")
        await self._opened_soon()
        self._take_what_is_there()  # nobody waits yet: this throws it away
        if self._line is None:
            raise DeviceError(Fault.READER_ABSENT, "pulled out")
        self._waiter = asyncio.get_running_loop().create_future()
        payload = await self._waiter
        if payload.garbled:
            raise DeviceError(Fault.READER_GARBLED, payload.garbled)
        return self._form.text(payload.data, payload.aim)

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait([self._opening], timeout=_OPEN_SECONDS)
        self._thread.close()
        self._lose("closed")

    async def _opened_soon(self) -> None:
        deadline = time.monotonic() + self._reopen_seconds
        pause = _RETRY_SECONDS
        while not await self._opened(max(_RETRY_SECONDS, deadline - time.monotonic())):
            if time.monotonic() + pause > deadline:
                raise DeviceError(Fault.READER_ABSENT, self._reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)

    async def _opened(self, seconds: float) -> bool:
        """One attempt, which goes on by itself when nobody waits for it any more."""
        if self._line is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open())
            await asyncio.wait([self._opening], timeout=seconds)
        return self._line is not None

    async def _open(self) -> None:
        try:
            self._attach(await self._thread.run(self._wire.open))
        except (OSError, ValueError) as error:
            self._reason = str(error)
            if self._status.health is not Health.ABSENT:
                log.warning("code reader: %s", error)
            self._set(Health.ABSENT, Fault.READER_ABSENT)
        finally:
            self._opening = None

    def _attach(self, line: Line) -> None:
        self._line = line
        self._assembly = _Assembly()
        asyncio.get_running_loop().add_reader(line.fileno(), self._take_what_is_there)
        self._set(Health.READY)

    def _take_what_is_there(self) -> None:
        try:
            for piece in self._line.take() if self._line else ():
                if (payload := self._assembly.add(piece)) and self._wanted:
                    self._deliver(payload)
        except OSError as error:
            self._lose(str(error))
        if not self._wanted:
            self._assembly.skip_begun()

    @property
    def _wanted(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _deliver(self, payload: Piece) -> None:
        if self._waiter and (payload.garbled or payload.data.strip(b"\r\n")):
            self._waiter.set_result(payload)

    def _lose(self, reason: str) -> None:
        if self._line is None:
            return
        asyncio.get_running_loop().remove_reader(self._line.fileno())
        self._line.close()
        self._line = None
        self._reason = reason
        self._set(Health.ABSENT, Fault.READER_ABSENT)
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(DeviceError(Fault.READER_ABSENT, reason))

    def _set(self, health: Health, code: str | None = None) -> None:
        if (health, code) != (self._status.health, self._status.code):
            self._status = Status(health, time.monotonic(), code)
