"""Files that are whole after a power cut: write, flush to disk, rename, flush the folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_durably(target: Path, data: bytes) -> None:
    """Replace ``target``, with the whole of ``data`` or not at all. The file is readable by its
    owner only. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, target)
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(target.parent)


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
