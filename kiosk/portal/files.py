"""Files on their way in, which are whole after a power cut, or not there.

The rest, for files that are there at once, is :mod:`offline_queue.files`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Self

from offline_queue.files import make_folder, sync_folder
from offline_queue.files import make_once as write_once

__all__ = ["Incoming", "clear_leftovers", "make_folder", "sync_folder", "write_once"]


class Incoming:
    """A file on its way in: grows in ``folder`` under a random name, then is kept or discarded.

    It stays locked (flock) while its process lives, so that others know it is not a leftover.
    """

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
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
        self._sync()
        self._path.rename(target)
        self._file.close()
        sync_folder(target.parent)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def read_back(self) -> BinaryIO:
        """What was written, from the start."""
        self._file.flush()
        return self._path.open("rb")

    def discard(self) -> None:
        """Does nothing to a file that was kept."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


def clear_leftovers(folder: Path) -> None:
    """Remove incoming files whose process is gone."""
    for leftover in folder.iterdir():
        try:
            with leftover.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
        except (BlockingIOError, FileNotFoundError):
            continue  # another process works on it, or has just kept it
