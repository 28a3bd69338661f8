"""Parts on their way in: what has arrived of each is kept, however often the line is cut.

:class:`PartStore` is the port to where the bytes lie, :class:`FileParts` keeps them in files. Keys
are ``<dossier id>/<part name>``, both checked against the manifest before they get here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from kiosk.portal.errors import RefusedError
from kiosk.portal.files import make_folder, sync_folder
from kiosk.portal.intake import Intake
from offline_queue.intake import Problem
from offline_queue.manifest import Part

KEPT_DAYS = 7
"""An upload that nobody went on with for so long is removed; the kiosk would begin it anew."""
_DAY = 86_400.0


class PartStore(Protocol):
    """Every method raises OSError when the storage is in trouble. What an offset counts is durable
    when the caller is told; what a cut leaves behind of a piece is kept."""

    async def size(self, key: str) -> int | None:
        """Bytes that have arrived, also of a kept part; None for a key that was never begun."""

    async def append(self, key: str, offset: int, stream: AsyncIterator[bytes]) -> int:
        """Add to what is there and answer the new size; an empty stream begins a key.

        Several may try at once: each block goes in only where the one before ended.
        Raises RefusedError (CONFLICT) when ``offset`` is not, or no longer, the size.
        """

    async def finish(self, key: str) -> str:
        """The SHA-256 (hex) of all that has arrived. Raises FileNotFoundError."""

    async def keep(self, key: str) -> None:
        """Put what has arrived where parts lie for good; no error when it lies there."""

    async def drop(self, key: str) -> None:
        """Forget what has arrived."""

    async def expire(self, seconds: float) -> None:
        """Forget what nobody has added to for so long."""


class FileParts:
    """``<state>/uploads/<id>.<name>`` while it grows, ``<state>/dossiers/<id>/<name>`` after."""

    def __init__(self, state: Path) -> None:
        self._growing = state / "uploads"
        self._finished = state / "dossiers"
        for folder in (self._growing, self._finished):
            make_folder(folder)

    async def size(self, key: str) -> int | None:
        return await run_in_threadpool(self._size, key)

    async def append(self, key: str, offset: int, stream: AsyncIterator[bytes]) -> int:
        descriptor = await run_in_threadpool(self._open, key)
        try:
            _require_size(descriptor, offset)
            async for block in stream:
                offset = await run_in_threadpool(_add, descriptor, offset, block)
        finally:
            await run_in_threadpool(_sync_and_close, descriptor)
        return offset

    async def finish(self, key: str) -> str:
        return await run_in_threadpool(self._digest, key)

    async def keep(self, key: str) -> None:
        await run_in_threadpool(self._keep, key)

    async def drop(self, key: str) -> None:
        for file in (self._file(key), self._finished / key):
            file.unlink(missing_ok=True)

    async def expire(self, seconds: float) -> None:
        await run_in_threadpool(self._expire, time.time() - seconds)

    def _file(self, key: str) -> Path:
        return self._growing / key.replace("/", ".", 1)

    def _open(self, key: str) -> int:
        file = self._file(key)
        is_new = not file.exists()
        descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        if is_new:
            sync_folder(self._growing)
        return descriptor

    def _size(self, key: str) -> int | None:
        size = _synced_size(self._file(key))
        return _synced_size(self._finished / key) if size is None else size

    def _digest(self, key: str) -> str:
        try:
            file = self._file(key).open("rb")
        except FileNotFoundError:
            file = (self._finished / key).open("rb")
        with file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _keep(self, key: str) -> None:
        target = self._finished / key
        make_folder(target.parent)
        try:
            self._file(key).rename(target)
        except FileNotFoundError:
            target.stat()  # another request was faster
        sync_folder(target.parent)

    def _expire(self, before: float) -> None:
        for file in self._growing.iterdir():
            try:
                if file.stat().st_mtime < before:
                    file.unlink()
            except FileNotFoundError:
                pass  # finished this moment


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of a part: those that have arrived, of so many."""

    offset: int
    size: int


class Uploads:
    """What a part's routes do. Every method raises RefusedError."""

    def __init__(self, intake: Intake, parts: PartStore) -> None:
        self._intake = intake
        self._parts = parts
        self._expired_at = -_DAY

    async def progress(self, kiosk_id: str, dossier_id: UUID, name: str) -> Progress:
        """NOT_FOUND before it was begun."""
        part, size = await self._standing(kiosk_id, dossier_id, name)
        if size is None:
            raise RefusedError(Problem.NOT_FOUND, "this upload was not begun")
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
        if size is None:
            raise RefusedError(Problem.NOT_FOUND, "this upload was not begun")
        if offset != size:
            raise RefusedError(Problem.CONFLICT, f"this upload stands at {size}")
        if size == part.size:
            return Progress(size, part.size)
        return await self._add(dossier_id, part, offset, stream)

    async def _add(
        self, dossier_id: UUID, part: Part, offset: int, stream: AsyncIterator[bytes]
    ) -> Progress:
        key = _key(dossier_id, part.name)
        size = await self._parts.append(key, offset, _no_more_than(part.size - offset, stream))
        if size == part.size:
            await self._finish(dossier_id, part, key)
        return Progress(size, part.size)

    async def _finish(self, dossier_id: UUID, part: Part, key: str) -> None:
        if await self._parts.finish(key) != part.sha256:
            await self._parts.drop(key)
            raise RefusedError(Problem.DIGEST_MISMATCH, f"part {part.name}")
        await self._parts.keep(key)
        await run_in_threadpool(self._intake.keep_part, dossier_id, part.name)

    async def _standing(
        self, kiosk_id: str, dossier_id: UUID, name: str
    ) -> tuple[Part, int | None]:
        """The part and how much of it has arrived. A crash between the last byte and the
        finishing is made good here, by whoever asks next."""
        part, held = await run_in_threadpool(self._intake.expected_part, kiosk_id, dossier_id, name)
        if held:
            return part, part.size
        key = _key(dossier_id, name)
        size = await self._parts.size(key)
        if size == part.size:
            await self._finish(dossier_id, part, key)
        return part, size

    async def _clean(self) -> None:
        """Once a day, by whoever comes by."""
        if time.monotonic() - self._expired_at >= _DAY:
            self._expired_at = time.monotonic()
            await self._parts.expire(KEPT_DAYS * _DAY)


async def _no_more_than(limit: int, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for block in stream:
        limit -= len(block)
        if limit < 0:
            raise RefusedError(Problem.DIGEST_MISMATCH, "longer than announced")
        if block:
            yield block


def _key(dossier_id: UUID, name: str) -> str:
    return f"{dossier_id}/{name}"


def _synced_size(file: Path) -> int | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(descriptor).st_size  # first: what comes in meanwhile is not told
        os.fsync(descriptor)
        return size
    finally:
        os.close(descriptor)


def _require_size(descriptor: int, offset: int) -> None:
    if os.fstat(descriptor).st_size != offset:
        raise RefusedError(Problem.CONFLICT, "another request has added to it")


def _add(descriptor: int, offset: int, block: bytes) -> int:
    """Compare and append, in one step also between processes."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        _require_size(descriptor, offset)
        rest = memoryview(block)
        while rest:
            written = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[written:], offset + written
        return offset
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
