"""The database of the outbox: schema, legal moves, transactions.

SQLite through ``apsw``, whose bundled version is free of the WAL-reset fault of the system's 3.40.
WAL with synchronous=FULL: a commit that returned survives a power cut. The rules that must never be
broken are triggers and checks of the database itself, so no program error gets around them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from offline_queue.errors import Fault, QueueError

log = logging.getLogger(__name__)

SCHEMA_VERSION = 2
BUSY_MILLISECONDS = 10_000
SCRUB_MILLISECONDS = 100
"""So long a scrub waits for readers: a citizen may be waiting for what comes after it."""
PRAGMAS = (
    "journal_mode = wal",
    "synchronous = full",
    "foreign_keys = on",
    # Overwrites deleted keys in the database file; flash may still keep an old copy.
    "secure_delete = on",
)

MOVES = (
    ("draft", "locked"),
    ("draft", "erased"),
    ("locked", "sending"),
    ("sending", "unknown"),
    ("sending", "accepted"),
    ("sending", "rejected"),
    ("unknown", "unknown"),
    ("unknown", "locked"),
    ("unknown", "accepted"),
    ("unknown", "rejected"),
    ("rejected", "locked"),
    ("accepted", "erased"),
)

_SCHEMA = """
create table legal (
    came_from text not null,
    goes_to text not null,
    primary key (came_from, goes_to)
) strict;

create table portal_key (
    only integer primary key check (only = 1),
    key_id text not null,
    public_key blob not null check (length(public_key) = 32)
) strict;

create table day_key (
    id integer primary key autoincrement,
    day text not null,
    wrapped blob not null
) strict;

create table meter (
    only integer primary key check (only = 1),
    boot_id text not null,
    monotonic real not null,
    wall text not null,
    elapsed real not null,
    receipt_at real
) strict;

create table total (
    only integer primary key check (only = 1),
    sequence integer not null,
    bytes integer not null
) strict;

create table dossier (
    id text primary key,
    state text not null,
    procedure text not null,
    sequence integer unique,
    day_key integer references day_key (id),
    draft_key blob,
    manifest blob,
    signature blob,
    receipt text,
    problem text,
    attempts integer not null default 0,
    held integer not null default 0 check (held in (0, 1)),
    swept integer not null default 0 check (swept in (0, 1)),
    created_at text not null,
    changed_at text not null,
    boot_id text not null,
    monotonic real not null,
    locked_meter real,
    moved_meter real not null,
    check ((state = 'draft') = (draft_key is not null)),
    check ((state = 'draft') = (day_key is not null)),
    check ((state in ('draft', 'erased')) = (manifest is null)),
    check (state in ('draft', 'erased') or sequence is not null),
    check ((sequence is null) = (locked_meter is null)),
    check (state not in ('draft', 'erased') or held = 0),
    check (state = 'erased' or swept = 0),
    check (state <> 'accepted' or receipt is not null),
    check (state <> 'erased' or signature is null)
) strict;

create table part (
    dossier text not null references dossier (id),
    name text not null,
    media_type text not null,
    file text not null unique,
    size integer not null,
    sha256 text not null,
    primary key (dossier, name)
) strict;

create index by_state on dossier (state);

create index turn on dossier (attempts, sequence)
where state in ('locked', 'unknown') and held = 0;

create index waiting on dossier (sequence) where state in ('locked', 'sending', 'unknown');

create index unsigned on dossier (sequence)
where state in ('locked', 'unknown') and signature is null;

create index unswept on dossier (id) where state = 'erased' and swept = 0;

create index spent on dossier (moved_meter) where state = 'erased' and swept = 1;

create trigger born_as_draft before insert on dossier when new.state <> 'draft'
begin select raise(abort, 'illegal move'); end;

create trigger legal_move before update of state on dossier
when not exists (
    select 1 from legal where came_from = old.state and goes_to = new.state
)
begin select raise(abort, 'illegal move'); end;

create trigger dossier_stays before delete on dossier
when old.state <> 'erased' or old.swept = 0
begin select raise(abort, 'illegal move'); end;

create trigger sequence_rises before update of sequence on dossier
when old.sequence is not null
    or new.sequence <= (select sequence from total)
begin select raise(abort, 'illegal move'); end;

create trigger sequence_counts after update of sequence on dossier
begin update total set sequence = new.sequence; end;

create trigger part_adds after insert on part
begin update total set bytes = bytes + new.size; end;

create trigger part_alters after update of size on part
begin update total set bytes = bytes - old.size + new.size; end;

create trigger part_frees after delete on part
begin update total set bytes = bytes - old.size; end;

create trigger part_joins_draft before insert on part
when (select state from dossier where id = new.dossier) <> 'draft'
begin select raise(abort, 'illegal move'); end;

create trigger part_changes_in_draft before update on part
when (select state from dossier where id = old.dossier) <> 'draft'
begin select raise(abort, 'illegal move'); end;

create trigger part_leaves before delete on part
when (select state from dossier where id = old.dossier) not in ('draft', 'erased')
begin select raise(abort, 'illegal move'); end;
"""


def connect(file: Path) -> apsw.Connection:
    """A connection as the outbox needs it. Raises apsw.Error."""
    db = apsw.Connection(str(file))
    db.set_busy_timeout(BUSY_MILLISECONDS)
    for pragma in PRAGMAS:
        db.execute(f"pragma {pragma}").fetchall()
    return db


class Store:
    """One connection, usable from any thread of the process, one at a time."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        with _translated():
            self._db = connect(file)
        self._turnstile = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._create()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._db.close()
            if self._turnstile >= 0:
                os.close(self._turnstile)
                self._turnstile = -1

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """One consistent look: a dossier and its parts belong together."""
        with self._transaction(self._begin) as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """All or nothing. The other process's writers wait meanwhile."""
        with self._transaction(self._begin_writing) as db:
            yield db

    def scrub(self) -> None:
        """Empty the write-ahead log, which still holds what was overwritten. When the other
        process is reading this changes nothing, and the next scrub does it."""
        with self._lock:
            self._db.set_busy_timeout(SCRUB_MILLISECONDS)
            try:
                self._db.execute("pragma wal_checkpoint(truncate)").fetchall()
            except apsw.Error as error:
                log.warning("write-ahead log not emptied: %s", type(error).__name__)
            finally:
                self._db.set_busy_timeout(BUSY_MILLISECONDS)

    @contextmanager
    def _transaction(self, begin: Callable[[], None]) -> Iterator[apsw.Connection]:
        with self._lock, _translated():
            begin()
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have rolled back already
                    self._db.execute("rollback")
                raise

    def _begin(self) -> None:
        self._db.execute("begin")

    def _begin_writing(self) -> None:
        """SQLite's waiting for the write lock is not fair: a process that writes without a pause
        would starve the others. So whoever waits for it holds the turnstile meanwhile, and the one
        that is writing must queue behind it before it writes again."""
        deadline = time.monotonic() + BUSY_MILLISECONDS / 1000
        while not _taken(self._turnstile):
            if time.monotonic() > deadline:
                raise QueueError(Fault.BUSY, "outbox", retryable=True)
            time.sleep(0.001)
        try:
            self._db.execute("begin immediate")
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)

    def _create(self) -> None:
        with self.writing() as db:
            version = db.pragma("user_version")
            if version == 0:
                db.execute(_SCHEMA)
                db.executemany("insert into legal values (?, ?)", MOVES)
                db.execute("insert into total values (1, 0, 0)")
                db.pragma("user_version", SCHEMA_VERSION)
            elif version != SCHEMA_VERSION:
                raise QueueError(Fault.DAMAGED, f"outbox of version {version}")


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.FullError:
        raise QueueError(Fault.DISK_FULL, "outbox", retryable=True) from None
    except (apsw.BusyError, apsw.LockedError):
        raise QueueError(Fault.BUSY, "outbox", retryable=True) from None
    except apsw.ReadOnlyError:
        raise QueueError(Fault.READ_ONLY, "outbox", retryable=True) from None
    except apsw.IOError as error:
        raise QueueError(Fault.IO, "outbox", retryable=True) from error
    except apsw.ConstraintError as error:
        raise QueueError(Fault.ILLEGAL_MOVE, str(error)) from None
    except apsw.Error as error:
        raise QueueError(Fault.DAMAGED, f"outbox: {type(error).__name__}") from error
