"""How often something may be tried: counters in the database, the same for every process.

A counter is one statement, so two processes never count past each other. Whose counter it is
stands there as an HMAC: an address is personal data.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass

from fastapi import Request

from kiosk.portal.secret import derive, keyed
from kiosk.portal.store import Store

SCHEMA = [
    "CREATE TABLE limits (name TEXT NOT NULL, subject TEXT NOT NULL, span INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, PRIMARY KEY (name, subject, span)) STRICT",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` tries in each span of ``seconds``."""

    name: str
    most: int
    seconds: int


class Limits:
    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._key = derive(secret, "limits")

    def allows(self, limit: Limit, subject: str) -> bool:
        """Count one try of ``subject``. False when it is one too many."""
        return self.count(limit, subject) <= limit.most

    def count(self, limit: Limit, subject: str) -> int:
        """Count one try of ``subject``; answers how many there were in this span."""
        span = int(time.time()) // limit.seconds
        hidden = keyed(self._key, f"{limit.name}:{subject}")
        with self._store.transaction() as db:
            db.execute("DELETE FROM limits WHERE name = ? AND span < ?", (limit.name, span))
            ((tries,),) = db.execute(
                "INSERT INTO limits (name, subject, span, tries) VALUES (?, ?, ?, 1)"
                " ON CONFLICT (name, subject, span) DO UPDATE SET tries = limits.tries + 1"
                " RETURNING tries",
                (limit.name, hidden, span),
            )
        return int(tries)

    def forget(self, limit: Limit, subject: str) -> None:
        """As if ``subject`` had never tried."""
        hidden = keyed(self._key, f"{limit.name}:{subject}")
        with self._store.transaction() as db:
            db.execute("DELETE FROM limits WHERE name = ? AND subject = ?", (limit.name, hidden))


def line_of(request: Request) -> str:
    """Where a request comes from, as tries are counted."""
    return network_of(request.client.host if request.client else "")


def network_of(address: str) -> str:
    """Whom an address stands for: an IPv6 line has 2**64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
