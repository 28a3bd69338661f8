"""A disk that refuses to be written to for a while: full, read-only, or with I/O errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from tests.faults.replaced import disk_replaced

_SQLITE = {errno.ENOSPC: apsw.FullError, errno.EROFS: apsw.ReadOnlyError, errno.EIO: apsw.IOError}


class Trouble:
    """``error``: the errno that writing gives, 0 for none. ``after``: so many writes still work."""

    def __init__(self) -> None:
        self.error = 0
        self.after = 0

    def start(self, error: int, after: int = 0) -> None:
        self.error, self.after = error, after

    def stop(self) -> None:
        self.error = 0

    def strikes(self) -> bool:
        self.after -= 1
        return bool(self.error) and self.after < 0


class FailingOs:
    """``os`` for ``offline_queue.files``."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble

    def __getattr__(self, name: str) -> Any:
        if name in ("write", "mkdir", "unlink", "rmdir", "rename", "link") and (
            self._trouble.strikes()
        ):
            return self._fail
        return getattr(os, name)

    def _fail(self, *_: object) -> None:
        raise OSError(self._trouble.error, os.strerror(self._trouble.error))


class FailingVfs(apsw.VFS):
    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self.name = f"failing-{id(self)}"
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> FailingFile:
        return FailingFile(self._trouble, name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, trouble: Trouble, name: Any, flags: list[int]) -> None:
        self._trouble = trouble
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:
        if self._trouble.strikes():
            raise _SQLITE[self._trouble.error]("the disk refuses")
        super().xWrite(data, offset)


@contextmanager
def failing_disk() -> Iterator[Trouble]:
    """Outboxes opened meanwhile are on a disk that can be made to fail."""
    trouble = Trouble()
    vfs = FailingVfs(trouble)
    with disk_replaced(FailingOs(trouble), vfs.name):
        yield trouble
