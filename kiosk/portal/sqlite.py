"""SQLite behind :class:`kiosk.portal.database.Database`: one file, for one machine.

WAL with ``synchronous=FULL``: what a kiosk was told is on disk survives a power cut. Threads take
turns on one connection; other processes on the same file wait for their turn too, since a
transaction begins by asking for the right to write.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from kiosk.portal.database import VERSIONS, DatabaseError, Rows, Values, run_schemas

_BUSY_MS = 10_000
_FOR_UPDATE = " FOR UPDATE"


class SqliteDatabase:
    """Raises DatabaseError when the file cannot be opened."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        self._owner: int | None = None
        try:
            self._db = apsw.Connection(str(file))
            self._db.set_busy_timeout(_BUSY_MS)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
        except apsw.Error as error:
            raise DatabaseError(f"{file}: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @property
    def in_transaction(self) -> bool:
        return self._owner == threading.get_ident()

    @contextmanager
    def transaction(self) -> Iterator[SqliteDatabase]:
        with self._lock:
            if self.in_transaction:
                yield self
                return
            self.execute("BEGIN IMMEDIATE")
            self._owner = threading.get_ident()
            try:
                yield self
                self.execute("COMMIT")
            finally:
                self._owner = None
                if self._db.in_transaction:
                    self.execute("ROLLBACK")

    def execute(self, sql: str, values: Values = ()) -> Rows:
        with self._lock:
            try:
                return Rows(self._db.execute(sql.removesuffix(_FOR_UPDATE), tuple(values)))
            except apsw.Error as error:
                raise DatabaseError(type(error).__name__) from error

    def rows(self, sql: str, values: Values = ()) -> Rows:
        return self.execute(sql, values)

    def migrate(self, schemas: Mapping[str, Sequence[str]]) -> None:
        with self.transaction() as db:
            db.execute(VERSIONS)
            run_schemas(db, schemas)
