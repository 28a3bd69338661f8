"""Objects as files in one folder; what is not finished lies below ``uploads``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
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
        # What goes on with an upload makes none: it may have been finished since the size was told.
        flags = os.O_WRONLY | os.O_CLOEXEC | (0 if offset else os.O_CREAT)
        try:
            descriptor = os.open(self._upload(key), flags, 0o600)
        except FileNotFoundError:
            raise OffsetError(self.size(key)) from None
        try:
            _add(descriptor, offset, data)
        finally:
            os.fsync(descriptor)
            os.close(descriptor)
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
        upload, target = self._upload(key), self._place(key)
        if _digest(target) == sha256:  # it is an object: what was appended since belongs to nothing
            upload.unlink(missing_ok=True)
            return True
        found = _digest(upload)
        if found == sha256:
            _move(upload, target)
            return True
        if found is None and not target.exists():
            raise FileNotFoundError(key)
        self.delete(key)
        return False

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


def _add(descriptor: int, offset: int, data: bytes) -> None:
    """Compare and append in one step, also between processes: what a connection brings that was
    given up for dead never mixes with what came after it, nor gets into a finished object."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
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


def _move(upload: Path, target: Path) -> None:
    try:
        upload.rename(target)
    except FileNotFoundError:
        target.stat()  # another request was faster
    sync_folder(target.parent)
    sync_folder(upload.parent)
