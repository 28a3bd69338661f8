"""Files that survive a power cut: written, fsynced, given their name, and the folder fsynced."""

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
    """OSError becomes QueueError: DISK_FULL, READ_ONLY, DAMAGED for a file that is gone, or IO for
    every other trouble of the disk. Only DAMAGED is past mending."""
    try:
        yield
    except FileNotFoundError:
        raise QueueError(Fault.DAMAGED, f"{what}: gone") from None
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise QueueError(Fault.DISK_FULL, what, retryable=True) from None
        if error.errno == errno.EROFS:
            raise QueueError(Fault.READ_ONLY, what, retryable=True) from None
        raise QueueError(Fault.IO, f"{what}: {error.strerror}", retryable=True) from error


def write_durably(path: Path, chunks: Iterable[bytes]) -> Written:
    """Create or replace ``path`` (mode 0600). Either the old or the whole new content is there,
    at any instant. Raises OSError and leaves nothing behind."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    written = _write_new(unfinished, chunks)
    try:
        os.rename(unfinished, path)
    except BaseException:
        remove(unfinished)
        raise
    sync_folder(path.parent)
    return written


def write_new(path: Path, chunks: Iterable[bytes]) -> Written:
    """Create ``path`` (mode 0600), which nobody looks for before this returns. Raises OSError, and
    leaves nothing behind."""
    written = _write_new(path, chunks)
    try:
        sync_folder(path.parent)
    except BaseException:
        remove(path)
        raise
    return written


def make_once(path: Path, data: bytes) -> bytes:
    """The content of ``path``; ``data`` becomes it when there is none yet.

    Two processes may call this at the same instant: both get what the first one wrote.
    """
    if not path.exists():
        make_folder(path.parent)
        candidate = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        _write_new(candidate, [data])
        try:
            os.link(candidate, path)
        except FileExistsError:
            pass  # the other process was first
        finally:
            os.unlink(candidate)
        sync_folder(path.parent)
    return path.read_bytes()


def make_folder(folder: Path) -> None:
    """Make ``folder`` (mode 0700) and those above it, each durably named in the one above."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass  # the other process was first
    sync_folder(folder.parent)


def remove(path: Path) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass  # what was to be reached


def remove_folder(folder: Path) -> None:
    """With its files, durably: after a power cut none of them comes back."""
    try:
        for file in folder.iterdir():
            remove(file)
        os.rmdir(folder)
    except FileNotFoundError:
        pass  # there was none, or the other process was faster
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_new(path: Path, chunks: Iterable[bytes]) -> Written:
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        written = _write_all(fd, chunks)
        os.fsync(fd)
    except BaseException:
        os.close(fd)
        remove(path)
        raise
    os.close(fd)
    return written


def _write_all(fd: int, chunks: Iterable[bytes]) -> Written:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(fd, rest) :]
    return Written(size, digest.hexdigest())
