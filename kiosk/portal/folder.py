"""Objects as files in one folder; what is not finished lies below ``uploads``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
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

    def append(self, key: str, offset: int, stream: Iterable[bytes]) -> int:
        if offset != (size := self.size(key)):
            raise OffsetError(size)
        upload = self._upload(key)
        descriptor = os.open(upload, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for piece in stream:
                _write_at(descriptor, piece, offset)
                offset += len(piece)
        finally:
            os.fsync(descriptor)
            os.close(descriptor)
            sync_folder(upload.parent)
        return offset

    def size(self, key: str) -> int:
        for file in (self._folder / key, self._upload(key)):
            try:
                return file.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    def finish(self, key: str) -> str:
        target = self._place(key)
        try:
            self._upload(key).rename(target)
        except FileNotFoundError:
            pass  # finished before, or there is nothing: opening it tells
        else:
            sync_folder(target.parent)
            sync_folder(self._uploads)
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

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


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
