"""The portal's database: one interface, SQLite or PostgreSQL behind it.

SQL is written once, in what both understand:

- Values stand as ``?``. Never put a value into the text.
- Tables are declared as SQLite's STRICT tables: ``TEXT``, ``INTEGER``, ``REAL``, ``BLOB``.
  PostgreSQL gets the same with its own names of types. Ids are UUIDs or words made by the
  program, since rows that number themselves differ between the two. Instants are ISO 8601 in UTC.
- "Insert unless it is there" is ``INSERT ... ON CONFLICT DO NOTHING`` (with ``RETURNING``, a row
  comes back only if it was inserted); counters are one statement with ``RETURNING``. Never catch
  a violated constraint: on PostgreSQL it ends the whole transaction.
- Read, decide, write: read with ``SELECT ... FOR UPDATE`` inside the transaction. The row then
  stays as it was read until the end. SQLite lacks these words and does not need them.
- In ``ON CONFLICT ... DO UPDATE`` name the table: ``SET next = counters.next + ?``.

A module that has tables says so in a list ``SCHEMA`` and is entered in
:data:`kiosk.portal.schema.SCHEMAS`. To such a list statements are only ever appended: a change of
a table is one more statement (``ALTER TABLE ...``). The database remembers for each module how
many of its statements have run, and :meth:`Database.migrate` runs the rest when the portal starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]
Values = Iterable[Any]

VERSIONS = (
    "CREATE TABLE IF NOT EXISTS schema_versions"
    " (module TEXT PRIMARY KEY, statements INTEGER NOT NULL) STRICT"
)


class DatabaseError(Exception):
    """The database does not answer, is full, or ended this transaction: nothing of it was kept,
    and the same again may succeed."""


class SchemaError(ValueError):
    """The database belongs to a newer program."""


class Rows(list[Row]):
    """All rows of an answer. Also read as a cursor is."""

    def fetchall(self) -> list[Row]:
        return self


class Transaction(Protocol):
    def execute(self, sql: str, values: Values = ()) -> Rows:
        """Raises DatabaseError."""


class Database(Protocol):
    """Safe to use from several threads; a transaction belongs to the thread that began it."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """All or nothing; an inner transaction joins the outer one. Durable when it ends without
        an exception. Raises DatabaseError."""

    @property
    def in_transaction(self) -> bool:
        """Has this thread begun one?"""

    def rows(self, sql: str, values: Values = ()) -> Rows:
        """One statement: inside this thread's transaction, else as one of its own."""

    def migrate(self, schemas: Mapping[str, Sequence[str]]) -> None:
        """Bring the tables up to date; programs that start together do it one after another.

        Raises SchemaError when more statements have run than this program knows.
        """

    def close(self) -> None: ...


def run_schemas(db: Transaction, schemas: Mapping[str, Sequence[str]]) -> None:
    """Inside a transaction that nobody else can be in at the same time."""
    done: dict[str, int] = dict(db.execute("SELECT module, statements FROM schema_versions"))
    for module, statements in schemas.items():
        have = done.get(module, 0)
        if have > len(statements):
            raise SchemaError(f"schema {have} of {module}, this program knows {len(statements)}")
        for statement in statements[have:]:
            db.execute(statement)
        if have < len(statements):
            db.execute(
                "INSERT INTO schema_versions (module, statements) VALUES (?, ?)"
                " ON CONFLICT (module) DO UPDATE SET statements = excluded.statements",
                (module, len(statements)),
            )
