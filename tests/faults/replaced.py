"""Other hands under the outbox: everything it does to the disk goes through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from offline_queue import files, store


@contextmanager
def disk_replaced(os_: Any, vfs: str) -> Iterator[None]:
    """Meanwhile ``offline_queue.files`` calls ``os_`` in place of ``os``, and outboxes that are
    opened have SQLite write through the VFS of that name, which the caller keeps alive."""

    def connect(file: Path) -> apsw.Connection:
        db = apsw.Connection(str(file), vfs=vfs)
        # Through a VFS of ours SQLite has no shared memory, so this is the only connection.
        for pragma in ("locking_mode = exclusive", *store.PRAGMAS):
            db.execute(f"pragma {pragma}").fetchall()
        return db

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", os_)
        patch.setattr(store, "connect", connect)
        yield
