"""A disk that keeps account of what a power cut may leave of it.

What the outbox does goes through to real files and is written into a log: Python's calls through
:class:`RecordingOs`, which stands in for ``os`` in ``offline_queue.files``, SQLite's through a VFS.
:func:`after_cut` then builds what may lie on the disk after any entry of that log. Nothing is
promised before it is synced: each 512-byte sector of a file is there or is not, a file may be
shorter than it was, and names follow in the order in which they were made, but only so far.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import apsw

from tests.faults.replaced import disk_replaced

SECTOR = 512
ROOT = "."


@dataclass(frozen=True, slots=True)
class Write:
    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    inode: int


@dataclass(frozen=True, slots=True)
class Named:
    """``inode`` None: the name goes. ``old``: and it was that name's until then (a rename)."""

    folder: str
    name: str
    inode: int | None
    old: str = ""


@dataclass(frozen=True, slots=True)
class SyncFolder:
    folder: str


Operation = Write | Truncate | Sync | Named | SyncFolder
FOLDER = 0
"""The inode number of every folder: its content is its names."""


@dataclass
class Image:
    """Files by inode, names by folder (relative to the root)."""

    content: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> Image:
        image = cls()
        for number, path in enumerate(sorted(root.rglob("*")), start=1):
            inode = FOLDER if path.is_dir() else number
            image.names.setdefault(_folder(path, root), {})[path.name] = inode
            if not path.is_dir():
                image.content[inode] = bytearray(path.read_bytes())
        return image

    def write_to(self, target: Path, folder: str = ROOT) -> None:
        (target / folder).mkdir(mode=0o700, exist_ok=True)
        for name, inode in self.names.get(folder, {}).items():
            path = os.path.normpath(f"{folder}/{name}")
            if inode == FOLDER:
                self.write_to(target, path)
            else:
                (target / path).write_bytes(self.content.get(inode, b""))
                (target / path).chmod(0o600)

    def change(self, operation: Operation, rng: random.Random | None, share: float) -> None:
        """Apply one operation; with ``rng``, of a write or truncation only what was lucky."""
        match operation:
            case Write(inode, offset, data):
                content = self.content.setdefault(inode, bytearray())
                for start in range(0, len(data), SECTOR):
                    if rng is None or rng.random() < share:
                        _put(content, offset + start, data[start : start + SECTOR])
            case Truncate(inode, size):
                if rng is None or rng.random() < share:
                    del self.content.setdefault(inode, bytearray())[size:]
            case Named(folder, name, target, old):
                names = self.names.setdefault(folder, {})
                names.pop(old, None)
                if target is None:
                    names.pop(name, None)
                else:
                    names[name] = target


class Log:
    """Operations below ``root``, from ``base`` on. ``skip``: a sync that is left out, as if the
    program had forgotten it."""

    def __init__(self, root: Path, skip: Literal["", "file", "folder"] = "") -> None:
        self.root = root
        self.skip = skip
        self.base = Image.of(root)
        self.operations: list[Operation] = []
        self._inodes = {
            os.path.normpath(f"{folder}/{name}"): inode
            for folder, names in self.base.names.items()
            for name, inode in names.items()
        }
        self._next = max(self._inodes.values(), default=0) + 1

    def inode(self, path: Path) -> int:
        return self._inodes[self._key(path)]

    def add(self, operation: Operation) -> None:
        self.operations.append(operation)

    def create(self, path: Path, inode: int | None = None) -> int:
        if inode is None:
            inode, self._next = self._next, self._next + 1
        self._inodes[self._key(path)] = inode
        self.add(Named(_folder(path, self.root), path.name, inode))
        return inode

    def rename(self, old: Path, new: Path) -> None:
        inode = self._inodes.pop(self._key(old))
        self._inodes[self._key(new)] = inode
        self.add(Named(_folder(new, self.root), new.name, inode, old.name))

    def remove(self, path: Path) -> None:
        del self._inodes[self._key(path)]
        self.add(Named(_folder(path, self.root), path.name, None))

    def sync_folder(self, path: Path) -> None:
        self.add(SyncFolder(self._key(path)))

    def _key(self, path: Path) -> str:
        return os.path.relpath(path, self.root)


def after_cut(log: Log, length: int, rng: random.Random, target: Path) -> None:
    """Build in ``target`` what may be left when power went after ``length`` operations."""
    image = _copy(log.base)
    data: dict[int, list[Operation]] = {}
    names: dict[str, list[Operation]] = {}
    for operation in log.operations[:length]:
        match operation:
            case Sync(inode):
                _apply(image, data.pop(inode, []))
            case SyncFolder(folder):
                _apply(image, names.pop(folder, []))
            case Named(folder=folder):
                names.setdefault(folder, []).append(operation)
            case Write(inode=inode) | Truncate(inode=inode):
                data.setdefault(inode, []).append(operation)
    share = rng.choice([0.0, 0.5, 1.0, rng.random()])
    for operations in data.values():
        for operation in operations:
            image.change(operation, rng, share)
    for operations in names.values():
        kept = rng.choice([0, len(operations), rng.randint(0, len(operations))])
        _apply(image, operations[:kept])
    image.write_to(target)


class RecordingOs:
    """``os`` for ``offline_queue.files``: does what it is told, and writes it down."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: dict[int, tuple[Path, int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        fd = os.open(path, flags, mode)
        if flags & os.O_DIRECTORY:
            self._open[fd] = (path, FOLDER)
        else:
            assert flags & os.O_EXCL, "only new files are opened for writing"
            self._open[fd] = (path, self._log.create(path))
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        offset = os.lseek(fd, 0, os.SEEK_CUR)
        written = os.write(fd, data)
        self._log.add(Write(self._open[fd][1], offset, bytes(data[:written])))
        return written

    def fsync(self, fd: int) -> None:
        path, inode = self._open[fd]
        if inode == FOLDER and self._log.skip != "folder":
            self._log.sync_folder(path)
        elif inode != FOLDER and self._log.skip != "file":
            self._log.add(Sync(inode))

    def close(self, fd: int) -> None:
        del self._open[fd]
        os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        assert old.parent == new.parent
        os.rename(old, new)
        self._log.rename(old, new)

    def link(self, old: Path, new: Path) -> None:
        os.link(old, new)
        self._log.create(new, self._log.inode(old))

    def unlink(self, path: Path) -> None:
        os.unlink(path)
        self._log.remove(path)

    def mkdir(self, path: Path, mode: int) -> None:
        os.mkdir(path, mode)
        self._log.create(path, FOLDER)

    def rmdir(self, path: Path) -> None:
        os.rmdir(path)
        self._log.remove(path)


class RecordingVfs(apsw.VFS):
    """SQLite's own calls. A new log or journal has its folder synced at its first sync, as in
    SQLite's os_unix.c."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.name = f"recording-{id(self)}"
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> RecordingFile:
        return RecordingFile(self._log, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:
        super().xDelete(name, sync)
        self._log.remove(Path(name))
        if sync:
            self._log.sync_folder(Path(name).parent)


class RecordingFile(apsw.VFSFile):
    def __init__(self, log: Log, name: Any, flags: list[int]) -> None:
        self._log = log
        self._path = Path(name.filename() if hasattr(name, "filename") else name)
        fresh = not self._path.exists()
        super().__init__("", name, flags)
        self._inode = log.create(self._path) if fresh else log.inode(self._path)
        self._names_unsynced = bool(
            flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        )

    def xWrite(self, data: Any, offset: int) -> None:
        super().xWrite(data, offset)
        self._log.add(Write(self._inode, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self._log.add(Truncate(self._inode, size))

    def xSync(self, _flags: int) -> None:
        self._log.add(Sync(self._inode))
        if self._names_unsynced:
            self._log.sync_folder(self._path.parent)
            self._names_unsynced = False


@contextmanager
def recorded(root: Path, skip: Literal["", "file", "folder"] = "") -> Iterator[Log]:
    """Whatever the outbox does to the disk below ``root`` meanwhile is in the log."""
    log = Log(root, skip)
    vfs = RecordingVfs(log)
    with disk_replaced(RecordingOs(log), vfs.name):
        yield log


def _copy(image: Image) -> Image:
    content = {inode: bytearray(data) for inode, data in image.content.items()}
    return Image(content, {folder: dict(names) for folder, names in image.names.items()})


def _apply(image: Image, operations: list[Operation]) -> None:
    for operation in operations:
        image.change(operation, None, 1.0)


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _folder(path: Path, root: Path) -> str:
    return os.path.relpath(path.parent, root)
