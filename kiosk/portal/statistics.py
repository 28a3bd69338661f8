"""How many came in, how many were done, how many are late: a day, a commune, a procedure.

``late`` of a day counts what was due by the end of that day and had not ended when it was due,
told on the day it fell due, so that a late dossier counts once. No person is in these figures.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime, time, timedelta

from kiosk.portal.catalogue import Catalogue
from kiosk.portal.store import Store
from kiosk.portal.times import VIETNAM, now

MOST_DAYS = 366
_HEAD = ("Ngày", "Đơn vị", "Mã thủ tục", "Thủ tục", "Tiếp nhận", "Đã giải quyết", "Quá hạn")


@dataclass(frozen=True, slots=True)
class DayLine:
    """``day`` is an ISO date; ``code`` and ``title`` are the procedure's."""

    day: str
    agency: str
    code: str
    title: str
    received: int
    done: int
    late: int


@dataclass(slots=True)
class _Counts:
    received: int = 0
    done: int = 0
    late: int = 0


class Statistics:
    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def days(self, first: date, last: date) -> list[DayLine]:
        """Newest day first; days without anything are left out. At most MOST_DAYS are looked at,
        the latest of them."""
        first = max(first, last - timedelta(days=MOST_DAYS - 1))
        counts: dict[tuple[str, str, str], _Counts] = defaultdict(_Counts)
        for name, rows in (
            ("received", self._by_day("received_day", first, last)),
            ("done", self._by_day("ended_day", first, last)),
            ("late", self._late(first, last)),
        ):
            for day, agency, procedure_id, count in rows:
                setattr(counts[day, agency, procedure_id], name, count)
        return [
            self._line(key, counts[key])
            for key in sorted(counts, key=lambda key: (-_ordinal(key[0]), *key[1:]))
        ]

    def _line(self, key: tuple[str, str, str], counts: _Counts) -> DayLine:
        day, agency, procedure_id = key
        facts = self._catalogue.procedure(procedure_id)
        figures = [getattr(counts, field.name) for field in fields(_Counts)]
        return DayLine(day, agency, facts.code, facts.title, *figures)

    def _by_day(self, column: str, first: date, last: date) -> list[tuple[str, str, str, int]]:
        return [
            (row[0], row[1], row[2], row[3])
            for row in self._store.rows(
                f"SELECT {column}, agency, procedure, COUNT(*) FROM casebook"  # noqa: S608 - a name of our own
                f" WHERE {column} BETWEEN ? AND ? GROUP BY {column}, agency, procedure",
                (first.isoformat(), last.isoformat()),
            )
        ]

    def _late(self, first: date, last: date) -> list[tuple[str, str, str, int]]:
        """Grouped here: the day of an instant in Vietnam is nothing that both databases know."""
        start = datetime.combine(first, time(), VIETNAM).astimezone(now().tzinfo)
        end = datetime.combine(last + timedelta(days=1), time(), VIETNAM).astimezone(now().tzinfo)
        counts: dict[tuple[str, str, str], int] = defaultdict(int)
        rows = list(
            self._store.rows(
                "SELECT due_at, agency, procedure, COUNT(*) FROM casebook"
                " WHERE due_at >= ? AND due_at < ? AND due_at < COALESCE(ended_at, ?)"
                " GROUP BY due_at, agency, procedure",
                (start.isoformat(), end.isoformat(), now().isoformat()),
            )
        )
        for due, agency, procedure_id, count in rows:
            day = datetime.fromisoformat(due).astimezone(VIETNAM).date().isoformat()
            counts[day, agency, procedure_id] += count
        return [(*key, count) for key, count in counts.items()]


def totals(lines: Iterable[DayLine]) -> tuple[int, int, int]:
    """(received, done, late) over all lines."""
    chosen = list(lines)
    return (
        sum(line.received for line in chosen),
        sum(line.done for line in chosen),
        sum(line.late for line in chosen),
    )


def as_csv(lines: Iterable[DayLine]) -> str:
    return "".join(table(_HEAD, (astuple(line) for line in lines)))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV (RFC 4180), a line at a time, that spreadsheets open as what it is: a byte order mark for
    Vietnamese, and no cell that one would run as a formula."""
    yield "\ufeff" + _line_of(head)
    for row in rows:
        yield _line_of(map(_harmless, row))


def _line_of(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _harmless(cell: object) -> object:
    is_formula = isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{cell}" if is_formula else cell


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()
