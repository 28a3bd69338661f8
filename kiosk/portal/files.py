"""Files that are whole after a power cut: write, flush to disk, rename, flush the folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Self


class Incoming:
    """A file on its way in: grows in ``folder`` under a random name, then is kept or discarded."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._file = os.fdopen(descriptor, "wb")
        self._path = Path(name)
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def keep(self, target: Path) -> None:
        """Durably there, under its own name, or not at all. Raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(target)
        sync_folder(target.parent)

    def discard(self) -> None:
        """Does nothing to a file that was kept."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


def write_durably(target: Path, data: bytes) -> None:
    """Replace ``target``. The file is readable by its owner only."""
    with Incoming(target.parent) as file:
        file.write(data)
        file.keep(target)


def make_folder(folder: Path) -> None:
    """Make ``folder`` (its parent is there) so that it survives a power cut."""
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
