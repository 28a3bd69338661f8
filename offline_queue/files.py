"""Files that survive a power cut: written, fsynced, renamed, and the folder fsynced."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from offline_queue.errors import Fault, QueueError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Written:
    """``sha256`` in hex, ``size`` in bytes."""

    size: int
    sha256: str


@contextmanager
def translated(what: str) -> Iterator[None]:
    """OSError becomes QueueError: DISK_FULL, or DAMAGED for every other trouble of the disk."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise QueueError(Fault.DISK_FULL, what, retryable=True) from None
        raise QueueError(Fault.DAMAGED, f"{what}: {error.strerror}") from error


def write_durably(path: Path, chunks: Iterable[bytes]) -> Written:
    """Create or replace ``path`` (mode 0600). Either the old or the whole new content is there,
    at any instant. Raises OSError and leaves nothing behind."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        written = _write_new(unfinished, chunks)
        os.rename(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return written


def make_once(path: Path, data: bytes) -> bytes:
    """The content of ``path``; ``data`` becomes it when there is none yet.

    Two processes may call this at the same instant: both get what the first one wrote.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        candidate = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        _write_new(candidate, [data])
        try:
            os.link(candidate, path)
        except FileExistsError:
            pass  # the other process was first
        finally:
            candidate.unlink()
        sync_folder(path.parent)
    return path.read_bytes()


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_new(path: Path, chunks: Iterable[bytes]) -> Written:
    digest, size = hashlib.sha256(), 0
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Written(size, digest.hexdigest())
