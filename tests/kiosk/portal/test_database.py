"""What the portal's SQL may rely on, with SQLite and with PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kiosk.portal.database import Database, DatabaseError, SchemaError
from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.postgres import PostgresDatabase, translated
from kiosk.portal.register import Register
from kiosk.portal.schema import SCHEMAS, open_database
from kiosk.portal.server import create_app
from kiosk.portal.sqlite import SqliteDatabase
from kiosk.portal.store import Store
from tests.kiosk.portal.backends import Storage
from tests.kiosk.portal.line import settings_in

TABLE = ["CREATE TABLE things (id TEXT PRIMARY KEY, size INTEGER, data BLOB) STRICT"]


@pytest.fixture
def connect(storage: Storage, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Each call is what another process would have."""
    opened: list[Database] = []

    def connect() -> Database:
        conninfo = storage.settings.get("database")
        database: Database = (
            PostgresDatabase(conninfo, 10) if conninfo else SqliteDatabase(tmp_path / "db")
        )
        opened.append(database)
        return database

    yield connect
    for database in opened:
        database.close()


@pytest.fixture
def database(connect: Callable[[], Database]) -> Database:
    database = connect()
    database.migrate({"tests": TABLE})
    return database


def test_values_come_back_as_they_went_in(database: Database) -> None:
    row = ("100 % ổn?", 2**40, b"\x00\xff")
    database.rows("INSERT INTO things VALUES (?, ?, ?)", row)
    assert database.rows("SELECT * FROM things WHERE id LIKE '100 %'") == [row]


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    def give_up_half_way() -> None:
        with database.transaction() as db:
            db.execute("INSERT INTO things (id) VALUES ('a')")
            with database.transaction() as inner:
                inner.execute("INSERT INTO things (id) VALUES ('b')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up_half_way()
    assert not database.in_transaction
    assert database.rows("SELECT * FROM things") == []


def test_a_thread_has_its_own_transaction(database: Database) -> None:
    with database.transaction(), ThreadPoolExecutor(1) as pool:
        assert database.in_transaction
        assert not pool.submit(lambda: database.in_transaction).result()


def test_an_insert_tells_whether_it_was_first(database: Database) -> None:
    sql = "INSERT INTO things (id) VALUES ('a') ON CONFLICT DO NOTHING RETURNING id"
    with database.transaction() as db:
        assert db.execute(sql).fetchall() == [("a",)]
        assert db.execute(sql) == []
        assert db.execute("SELECT id FROM things") == [("a",)]


def test_an_error_is_typed_and_leaves_the_database_usable(database: Database) -> None:
    def insert(table: str) -> None:
        with database.transaction() as db:
            db.execute("INSERT INTO things (id) VALUES ('a')")
            db.execute(f"INSERT INTO {table} VALUES (1)")

    with pytest.raises(DatabaseError):
        insert("nowhere")
    with pytest.raises(DatabaseError):
        database.rows("SELECT nothing FROM things")
    assert database.rows("SELECT id FROM things") == []


def test_a_row_that_was_read_stays_so(connect: Callable[[], Database], database: Database) -> None:
    """Two processes add one to what they read, 40 times together."""
    database.rows("INSERT INTO things (id, size) VALUES ('a', 0)")
    other = connect()

    def add(db: Database) -> None:
        for _ in range(10):
            with db.transaction() as change:
                ((size,),) = change.execute("SELECT size FROM things WHERE id = 'a' FOR UPDATE")
                change.execute("UPDATE things SET size = ? WHERE id = 'a'", (size + 1,))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [database, other] * 2))
    assert database.rows("SELECT size FROM things") == [(40,)]


def test_numbers_are_drawn_once(connect: Callable[[], Database]) -> None:
    first, second = connect(), connect()
    first.migrate(SCHEMAS)
    registers = [Register(Store(db), "{year}") for db in (first, second)]
    with ThreadPoolExecutor(4) as pool:
        drawn = pool.map(lambda n: registers[n % 2].draw("certificate", 2026, 3), range(40))
    assert sorted(drawn) == list(range(1, 121, 3))


def test_tables_grow_by_statements_that_are_appended(connect: Callable[[], Database]) -> None:
    database = connect()
    database.migrate({"tests": TABLE})
    database.rows("INSERT INTO things (id) VALUES ('a')")
    later = [*TABLE, "ALTER TABLE things ADD COLUMN weight INTEGER"]
    connect().migrate({"tests": later})
    connect().migrate({"tests": later})
    assert database.rows("SELECT id, weight FROM things") == [("a", None)]
    with pytest.raises(SchemaError, match="schema 2 of tests"):
        connect().migrate({"tests": TABLE})


def test_a_migration_that_fails_changes_nothing(connect: Callable[[], Database]) -> None:
    with pytest.raises(DatabaseError):
        connect().migrate({"tests": [*TABLE, "CREATE TABLE"]})
    connect().migrate({"tests": TABLE})
    assert connect().rows("SELECT * FROM things") == []


def test_programs_that_start_together_make_the_tables_once(
    storage: Storage, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, **storage.settings)
    settings.state.mkdir()
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_database(settings), range(4)))
    versions = dict(opened[0].rows("SELECT module, statements FROM schema_versions"))
    assert versions == {name: len(statements) for name, statements in SCHEMAS.items()}
    for database in opened:
        database.close()


def test_a_database_of_a_newer_program_is_told(storage: Storage, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **storage.settings)
    settings.state.mkdir()
    database = open_database(settings)
    database.rows("UPDATE schema_versions SET statements = 99 WHERE module = 'store'")
    database.close()
    with pytest.raises(PortalError, match="schema 99") as caught:
        create_app(settings)
    assert caught.value.code == Fault.STORAGE_UNAVAILABLE


def test_a_server_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.portal.postgres._WAIT_SECONDS", 0.2)
    settings = settings_in(tmp_path, database=f"host={tmp_path} dbname=portal")
    with pytest.raises(PortalError) as caught:
        create_app(settings)
    assert (caught.value.code, caught.value.retryable) == (Fault.STORAGE_UNAVAILABLE, True)


def test_postgres_gets_its_own_words() -> None:
    sql = "CREATE TABLE t (a INTEGER, b BLOB, c REAL, PRIMARY KEY (a)) STRICT, WITHOUT ROWID"
    assert translated(sql) == (
        "CREATE TABLE t (a BIGINT, b BYTEA, c DOUBLE PRECISION, PRIMARY KEY (a))"
    )
    assert translated("SELECT 'a%' WHERE b = ?") == "SELECT 'a%%' WHERE b = %s"
