"""Parts on their way in: what has arrived of each is kept, however often the line is cut.

A part can be uploaded from when its dossier's manifest is known. Its bytes lie in
:class:`kiosk.portal.objects.Objects`, so any process goes on where another one stood.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from kiosk.portal.errors import RefusedError
from kiosk.portal.intake import Intake
from kiosk.portal.objects import Objects, OffsetError
from kiosk.portal.vault import part_key
from offline_queue.intake import Problem
from offline_queue.manifest import Part

KEPT_DAYS = 7
"""An upload that nobody went on with for so long is removed; the kiosk would begin it anew."""
LOT = 1024 * 1024
"""So much of a piece is held in memory before it is stored."""
LOT_SECONDS = 2.0
"""What has come is stored after so long, so that a kiosk that asks sees a slow line move."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of a part: those that have arrived, of so many."""

    offset: int
    size: int


class Uploads:
    """What a part's routes do. Every method raises RefusedError, and OSError when the storage is
    in trouble; what an offset counts is durable when it is told."""

    def __init__(self, intake: Intake, objects: Objects) -> None:
        self._intake = intake
        self._objects = objects
        self._expired_at = -_DAY

    async def progress(self, kiosk_id: str, dossier_id: UUID, name: str) -> Progress:
        part, size = await self._standing(kiosk_id, dossier_id, name)
        return Progress(size, part.size)

    async def begin(
        self, kiosk_id: str, dossier_id: UUID, name: str, length: int, stream: AsyncIterator[bytes]
    ) -> Progress:
        """The same again is no error: it goes on where it stands, without what comes along."""
        part, size = await self._standing(kiosk_id, dossier_id, name)
        if length != part.size:
            raise RefusedError(Problem.DIGEST_MISMATCH, f"part {name} is {part.size} bytes long")
        await self._clean()
        if size:
            return Progress(size, part.size)
        return await self._add(dossier_id, part, 0, stream)

    async def add(
        self, kiosk_id: str, dossier_id: UUID, name: str, offset: int, stream: AsyncIterator[bytes]
    ) -> Progress:
        """CONFLICT for an offset other than the one where it stands; DIGEST_MISMATCH when the
        part is complete and not the one that the manifest names: then it begins anew."""
        part, size = await self._standing(kiosk_id, dossier_id, name)
        if offset != size:
            raise _conflict(size)
        return await self._add(dossier_id, part, offset, stream)

    async def _add(
        self, dossier_id: UUID, part: Part, offset: int, stream: AsyncIterator[bytes]
    ) -> Progress:
        key = part_key(str(dossier_id), part.name)
        async with aclosing(_lots(stream)) as lots:
            async for lot in lots:
                if offset + len(lot) > part.size:
                    raise RefusedError(Problem.DIGEST_MISMATCH, "longer than announced")
                try:
                    offset = await run_in_threadpool(self._objects.append, key, offset, lot)
                except OffsetError as moved:
                    raise _conflict(moved.size) from None
                if offset == part.size:
                    await run_in_threadpool(self._finish, dossier_id, part)
        return Progress(offset, part.size)

    def _finish(self, dossier_id: UUID, part: Part) -> None:
        if not self._objects.finish(part_key(str(dossier_id), part.name), part.sha256):
            raise RefusedError(Problem.DIGEST_MISMATCH, f"part {part.name}")
        self._intake.keep_part(dossier_id, part.name)

    async def _standing(self, kiosk_id: str, dossier_id: UUID, name: str) -> tuple[Part, int]:
        return await run_in_threadpool(self._found, kiosk_id, dossier_id, name)

    def _found(self, kiosk_id: str, dossier_id: UUID, name: str) -> tuple[Part, int]:
        """The part and how much of it has arrived. A crash between the last byte and the
        finishing is made good here, by whoever asks next."""
        part, held = self._intake.expected_part(kiosk_id, dossier_id, name)
        if held:
            return part, part.size
        size = self._objects.size(part_key(str(dossier_id), name))
        if size == part.size:
            self._finish(dossier_id, part)
        return part, size

    async def _clean(self) -> None:
        """Once a day, by whoever comes by."""
        if time.monotonic() - self._expired_at >= _DAY:
            self._expired_at = time.monotonic()
            await run_in_threadpool(self._objects.expire, KEPT_DAYS * _DAY)


async def _lots(stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Blocks of the network, gathered: to store each by itself would cost a flush or a request
    each. A lot is given on when it is large or old enough, or when the piece ends."""
    lot, due, block = bytearray(), 0.0, b""
    asked = _next(stream)
    try:
        while True:
            await asyncio.wait({asked}, timeout=due - time.monotonic() if lot else None)
            arrived = asked.done()
            if arrived and (block := asked.result()):
                due = due if lot else time.monotonic() + LOT_SECONDS
                lot += block
                asked = _next(stream)
                if len(lot) < LOT and time.monotonic() < due:
                    continue
            if lot:
                yield bytes(lot)
                lot.clear()
            if arrived and not block:
                return
    finally:
        asked.cancel()


def _next(stream: AsyncIterator[bytes]) -> asyncio.Task[bytes]:
    """The next block that is not empty; an empty one is the end."""

    async def block() -> bytes:
        async for data in stream:
            if data:
                return data
        return b""

    return asyncio.create_task(block())


def _conflict(size: int) -> RefusedError:
    return RefusedError(Problem.CONFLICT, f"this upload stands at {size}")
