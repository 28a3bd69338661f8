"""Numbers drawn from blocks leased by the portal, and the id codes of certified copies.

A number exists once: it is on disk as used before anybody sees it. A number burned for a copy that
then fails is lost, which the register book can explain; a number used twice it cannot.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import apsw

from certify.errors import CertifyError, Fault

Kind = Literal["dossier", "certificate"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    year INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL CHECK (last >= first),
    next INTEGER NOT NULL CHECK (next BETWEEN first AND last + 1),
    book TEXT NOT NULL,
    expires REAL NOT NULL  -- seconds since 1970
) STRICT
"""
_BUSY_MILLISECONDS = 10_000


@dataclass(frozen=True, slots=True)
class Burned:
    number: int
    book: str


class NumberStore:
    """The leased blocks of one kiosk or desk, in one SQLite file. Threads and processes share it.

    WAL with synchronous=FULL: a commit is on the disk, not only in the operating system. All of it
    raises CertifyError (NUMBERS_BROKEN) when file or disk fail; retryable while another holds it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        with _store_errors():
            self._connection = apsw.Connection(str(path))
            self._connection.set_busy_timeout(_BUSY_MILLISECONDS)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def add_lease(
        self,
        kind: Kind,
        year: int,
        first: int,
        last: int,
        book: str,
        expires: datetime,
        lease_id: str,
    ) -> None:
        """Add a block, ``first`` to ``last`` inclusive. The same lease may arrive again.

        Raises CertifyError (LEASE_CONFLICT) when a number would exist twice.
        """
        row = (kind, year, first, last, book, expires.timestamp())
        with self._writing() as db:
            known = db.execute(
                "SELECT kind, year, first, last, book, expires FROM lease WHERE id = ?", (lease_id,)
            ).fetchone()
            if known == row:
                return
            if known or self._overlaps(db, kind, year, first, last):
                raise CertifyError(Fault.LEASE_CONFLICT, f"{kind} {year}: {first} to {last}")
            db.execute(
                "INSERT INTO lease (kind, year, first, last, book, expires, id, next) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, lease_id, first),
            )

    def burn(self, kind: Kind, year: int, *, at: datetime) -> Burned:
        """The next number, durably used when this returns.

        Raises CertifyError: NUMBERS_EXHAUSTED, or LEASE_EXPIRED when only expired blocks hold any.
        """
        with self._writing() as db:
            found = db.execute(
                "SELECT id, next, book FROM lease WHERE kind = ? AND year = ? AND next <= last "
                "AND expires > ? ORDER BY first LIMIT 1",
                (kind, year, at.timestamp()),
            ).fetchone()
            if found is None:
                raise CertifyError(self._why_none(db, kind, year), f"{kind} {year}")
            lease_id, number, book = found
            db.execute("UPDATE lease SET next = next + 1 WHERE id = ?", (lease_id,))
        return Burned(number, book)

    def left(self, kind: Kind, year: int, at: datetime) -> int:
        """How many numbers can still be burned at ``at``."""
        with self._lock, _store_errors():
            row = self._connection.execute(
                "SELECT coalesce(sum(last - next + 1), 0) FROM lease "
                "WHERE kind = ? AND year = ? AND expires > ?",
                (kind, year, at.timestamp()),
            ).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row[0])

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        # IMMEDIATE takes the write lock before the read, so that no two processes read the same.
        with self._lock, _store_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite ends some failed transactions by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @staticmethod
    def _overlaps(db: Any, kind: Kind, year: int, first: int, last: int) -> bool:
        query = "SELECT 1 FROM lease WHERE kind = ? AND year = ? AND first <= ? AND last >= ?"
        return db.execute(query, (kind, year, last, first)).fetchone() is not None

    @staticmethod
    def _why_none(db: Any, kind: Kind, year: int) -> Fault:
        query = "SELECT 1 FROM lease WHERE kind = ? AND year = ? AND next <= last"
        unused = db.execute(query, (kind, year)).fetchone() is not None
        return Fault.LEASE_EXPIRED if unused else Fault.NUMBERS_EXHAUSTED


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        busy = isinstance(error, apsw.BusyError | apsw.FullError)
        raise CertifyError(Fault.NUMBERS_BROKEN, type(error).__name__, retryable=busy) from None


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that nothing is misread on paper."""

ID_CODE_LENGTH = 12
MAX_KIOSK = 32**4 - 1
MAX_COUNTER = 32**7 - 1
_NUMBERS_A_YEAR = 1_000_000


def new_id_code(kiosk: int, counter: int) -> str:
    """The id code of a copy: 4 characters of kiosk, 7 of counter, 1 check character.

    Raises ValueError when a number does not fit.
    """
    if not 0 <= kiosk <= MAX_KIOSK or not 0 <= counter <= MAX_COUNTER:
        raise ValueError(f"kiosk {kiosk}, counter {counter} do not fit an id code")
    digits = _digits(kiosk, 4) + _digits(counter, 7)
    return "".join(CROCKFORD[digit] for digit in [*digits, _check_digit(digits)])


def kiosks_id_code(kiosk: int, year: int, number: int) -> str:
    """The id code of a copy that a kiosk issues under a certificate number, which it alone has: so
    no other kiosk makes the same, even one that was given the same ``kiosk``."""
    return new_id_code(kiosk, year * _NUMBERS_A_YEAR + number)


def maker_of(id_code: str) -> int:
    """The kiosk in a checked id code; 0 is the portal."""
    maker = 0
    for letter in id_code[:4]:
        maker = maker * 32 + CROCKFORD.index(letter)
    return maker


def check_id_code(code: str) -> str:
    """The code in its written form (capitals, no hyphens), as people type it: o for 0, l for 1.

    Raises CertifyError (ID_CODE_INVALID).
    """
    tidy = code.upper().replace("-", "").replace(" ", "")
    tidy = tidy.translate(str.maketrans("OIL", "011"))
    digits = [CROCKFORD.find(letter) for letter in tidy]
    if len(tidy) != ID_CODE_LENGTH or -1 in digits or _check_digit(digits[:-1]) != digits[-1]:
        raise CertifyError(Fault.ID_CODE_INVALID)
    return tidy


def grouped(code: str) -> str:
    """An id code as people read it: three groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _digits(value: int, count: int) -> list[int]:
    return [(value >> 5 * place) & 31 for place in reversed(range(count))]


def _check_digit(digits: list[int]) -> int:
    """Sum of digit times a power of x in GF(32): every single wrong character and every swap of
    two characters changes it, because all weights differ and none is zero."""
    check = 0
    weight = 2
    for digit in digits:
        check ^= _multiply(digit, weight)
        weight = _multiply(weight, 2)
    return check


def _multiply(a: int, b: int) -> int:
    """The product in GF(32) modulo x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product
