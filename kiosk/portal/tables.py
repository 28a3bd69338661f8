"""Statements over tables of other modules than the store: one function, whatever the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiosk.portal.store import Store


def ask(store: Store, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of an answer; in a transaction of its own, or in the one that is open."""
    with store.transaction() as db:
        return list(db.execute(sql, tuple(values)))
