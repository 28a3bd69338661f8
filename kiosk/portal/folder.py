"""Objects as files in one folder; what is not finished lies below ``uploads``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.portal.files import Incoming, make_folder, sync_folder
from kiosk.portal.objects import OffsetError

_UPLOADS = "uploads"


class FolderObjects:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads = folder / _UPLOADS
        make_folder(self._uploads)

    def put(self, key: str, file: Incoming) -> None:
        file.keep(self._place(key))

    def get(self, key: str) -> bytes:
        return (self._folder / key).read_bytes()

    def delete(self, key: str) -> None:
        for file in (self._folder / key, self._upload(key)):
            try:
                file.unlink()
            except FileNotFoundError:
                continue
            sync_folder(file.parent)

    def keys(self, prefix: str) -> Iterator[str]:
        for file in sorted((self._folder / prefix).rglob("*")):
            if file.is_file():
                yield str(file.relative_to(self._folder))

    def append(self, key: str, offset: int, data: bytes) -> int:
        if offset != (size := self.size(key)):
            raise OffsetError(size)
        try:
            # What goes on with an upload makes none: it may have been finished just now.
            with self._locked(key, os.O_CREAT if offset == 0 else 0) as descriptor:
                _add(descriptor, offset, data)
        except FileNotFoundError:
            raise OffsetError(self.size(key)) from None
        if offset == 0:
            sync_folder(self._uploads)
        return offset + len(data)

    def size(self, key: str) -> int:
        for file in (self._folder / key, self._upload(key)):
            try:
                return _synced_size(file)
            except FileNotFoundError:
                continue
        return 0

    def finish(self, key: str, sha256: str) -> bool:
        target = self._place(key)
        try:
            with self._locked(key) as descriptor:
                return self._settle(descriptor, key, target, sha256)
        except FileNotFoundError:  # nothing is under way: it was finished before, or never begun
            if (found := _digest(target)) is None:
                raise
        if found != sha256:
            self.delete(key)
        return found == sha256

    def _settle(self, descriptor: int, key: str, target: Path, sha256: str) -> bool:
        upload = self._upload(key)
        if _digest(target) == sha256:  # it is an object: what was appended since belongs to nothing
            upload.unlink()
            return True
        with os.fdopen(os.dup(descriptor), "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != sha256:
            self.delete(key)
            return False
        upload.rename(target)
        sync_folder(target.parent)
        sync_folder(self._uploads)
        return True

    @contextmanager
    def _locked(self, key: str, flags: int = 0) -> Iterator[int]:
        """The upload's file, to this caller alone, also between processes, until the end; durable
        then. Raises FileNotFoundError: without O_CREAT there is none.

        A connection that was given up for dead thus never mixes with what came after it, nor gets
        into a finished object; two that finish at once do not take each other's for a failure.
        """
        upload = self._upload(key)
        while True:
            descriptor = os.open(upload, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if _is_at(descriptor, upload):
                    yield descriptor
                    os.fsync(descriptor)
                    return
            finally:
                os.close(descriptor)

    def expire(self, seconds: float) -> None:
        before = time.time() - seconds
        for upload in self._uploads.iterdir():
            try:
                if upload.stat().st_mtime < before:
                    upload.unlink()
            except FileNotFoundError:
                continue  # finished this moment

    def _place(self, key: str) -> Path:
        """The object's file, in a folder that exists."""
        target = self._folder / key
        for folder in (*reversed(target.relative_to(self._folder).parents),)[1:]:
            if not (self._folder / folder).is_dir():
                make_folder(self._folder / folder)
        return target

    def _upload(self, key: str) -> Path:
        """Flat, so that no folder is left over: a digest stands for the key."""
        return self._uploads / hashlib.sha256(key.encode()).hexdigest()


def _digest(file: Path) -> str | None:
    """SHA-256 (hex); None without the file."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _is_at(descriptor: int, path: Path) -> bool:
    """Is it still the file of that name? It may have been moved or removed before it was locked."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)


def _add(descriptor: int, offset: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size != offset:
        raise OffsetError(size)
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _synced_size(file: Path) -> int:
    """Bytes that survive a power cut. Raises FileNotFoundError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size  # first: what comes in meanwhile is not told
        os.fsync(descriptor)
        return size
    finally:
        os.close(descriptor)
