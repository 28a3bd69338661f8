"""PostgreSQL behind :class:`kiosk.portal.database.Database`: many portal processes, one database.

READ COMMITTED, each transaction on a connection of a pool. Nothing here locks more than rows,
except the migration, which one process at a time may do. Whoever sets ``synchronous_commit`` to
off on the server gives away what receipts promise; the connection asks for ``on``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from kiosk.portal.database import VERSIONS, DatabaseError, Rows, Values, run_schemas

_MIGRATION_LOCK = 0x4D43_4B31  # any number that nothing else on this database takes
_TYPES = {"INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION", "BLOB": "BYTEA"}
_WAIT_SECONDS = 10.0  # for a connection: kiosks give up after that, and come back


class _Transaction:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Values = ()) -> Rows:
        try:
            cursor = self._connection.execute(translated(sql).encode(), tuple(values))
            return Rows(cursor.fetchall() if cursor.description else ())
        except psycopg.Error as error:
            raise DatabaseError(type(error).__name__) from error


class PostgresDatabase:
    """``conninfo``: libpq's (``host=... dbname=...`` or a URL); passwords belong in ~/.pgpass.

    Raises DatabaseError when the server does not answer.
    """

    def __init__(self, conninfo: str, connections: int) -> None:
        self._mine = threading.local()
        self._pool = ConnectionPool(
            conninfo,
            min_size=1,
            max_size=connections,
            timeout=_WAIT_SECONDS,
            kwargs={"autocommit": True, "options": "-c synchronous_commit=on"},
            check=ConnectionPool.check_connection,  # the server may have been restarted
            open=False,
        )
        try:
            self._pool.open(wait=True, timeout=_WAIT_SECONDS)
        except psycopg.Error as error:
            self._pool.close()
            raise DatabaseError(str(error)) from error

    def close(self) -> None:
        self._pool.close()

    @property
    def in_transaction(self) -> bool:
        return getattr(self._mine, "transaction", None) is not None

    @contextmanager
    def transaction(self) -> Iterator[_Transaction]:
        if self.in_transaction:
            yield self._mine.transaction
            return
        try:
            with self._pool.connection() as connection, connection.transaction():
                self._mine.transaction = _Transaction(connection)
                try:
                    yield self._mine.transaction
                finally:
                    self._mine.transaction = None
        except psycopg.Error as error:  # no connection, or the commit failed
            raise DatabaseError(type(error).__name__) from error

    def rows(self, sql: str, values: Values = ()) -> Rows:
        if self.in_transaction:
            transaction: _Transaction = self._mine.transaction
            return transaction.execute(sql, values)
        try:
            with self._pool.connection() as connection:
                return _Transaction(connection).execute(sql, values)
        except psycopg.Error as error:
            raise DatabaseError(type(error).__name__) from error

    def migrate(self, schemas: Mapping[str, Sequence[str]]) -> None:
        with self.transaction() as db:
            db.execute("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))
            db.execute(VERSIONS)
            run_schemas(db, schemas)


def translated(sql: str) -> str:
    """Our SQL in PostgreSQL's words. It stands in this program, never in a request."""
    if sql.startswith(("CREATE TABLE", "ALTER TABLE")):
        sql = re.sub(r"\)\s*(STRICT|WITHOUT ROWID|,|\s)+$", ")", sql.strip())
        sql = re.sub(r"\b(INTEGER|REAL|BLOB)\b", lambda found: _TYPES[found[0]], sql)
    return sql.replace("%", "%%").replace("?", "%s")
