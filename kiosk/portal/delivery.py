"""Results and notices on their way to citizens: an outbox in the database, worked off by workers.

    waiting ---> sent          by-hand ---> sent
                               failed, expired, by-hand ---> at-desk (the citizen comes for it)
      |  '---> failed, expired              (a clerk sent it and notes the reference)
      '--<-- tried again, ever later

An outbox row holds no address and no name: the worker opens the dossier when it sends. A worker
takes a row by moving its next instant in one statement, so two never send the same row at the same
time. A worker that dies between sending and noting it sends again; the delivery's id goes along
(Message-ID, order number), so that the receiver can tell.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Literal, Protocol
from uuid import uuid4

from kiosk.portal.answers import Answers
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.store import Store
from kiosk.portal.times import now

SCHEMA = [
    "CREATE TABLE deliveries (id TEXT PRIMARY KEY, dossier TEXT NOT NULL REFERENCES dossiers (id),"
    " channel TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,"
    " next_at TEXT NOT NULL, expires TEXT NOT NULL, made_at TEXT NOT NULL, sent_at TEXT,"
    " reference TEXT, fault TEXT, fee INTEGER NOT NULL) STRICT",
    "CREATE INDEX deliveries_by_turn ON deliveries (state, next_at)",
    "CREATE INDEX deliveries_by_dossier ON deliveries (dossier)",
    "CREATE TABLE result_links (digest TEXT PRIMARY KEY,"
    " dossier TEXT NOT NULL REFERENCES dossiers (id), expires TEXT NOT NULL) STRICT",
    "CREATE INDEX result_links_by_dossier ON result_links (dossier)",
]
Kind = Literal["result", "supplement", "duty", "refusal", "vouched"]
_LEASE = timedelta(minutes=10)  # a worker that has not come back by then is gone
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A row of the outbox. ``fee``: postage in đồng. ``fault``: a code, without personal data."""

    id: str
    dossier: str
    channel: str
    kind: Kind
    state: str
    tries: int
    next_at: str
    expires: str
    made_at: str
    sent_at: str | None
    reference: str | None
    fault: str | None
    fee: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a channel gets. ``link`` leads to the result for some days; ``pdf`` is the result."""

    id: str
    kind: Kind
    code: str
    title: str
    name: str
    citizen_number: str
    address: str
    fee: int
    note: str
    link: str
    pdf: bytes | None


class DeliveryError(Exception):
    """It did not go out. ``retryable``: trying later may help."""

    def __init__(self, code: str, *, retryable: bool) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable


class Channel(Protocol):
    """A way to a citizen."""

    def send(self, parcel: Parcel) -> str:
        """Answers the other side's reference. Raises DeliveryError."""


class Packer(Protocol):
    """Makes the parcel of a row; opens the dossier for it."""

    def pack(self, line: DeliveryLine) -> Parcel:
        """Raises OSError and others when the dossier cannot be opened now."""


_COLUMNS = ", ".join(field.name for field in fields(DeliveryLine))


class Deliveries:
    """``channels``: names of those that a worker serves; the others are done by hand."""

    def __init__(self, store: Store, *, channels: frozenset[str], try_days: int, link_days: int):
        self._store = store
        self._channels = channels
        self._life = timedelta(days=try_days)
        self._link_life = timedelta(days=link_days)

    def announce(self, dossier_id: str, kind: Kind, answers: Answers) -> None:
        """In the transaction of what happened. Results go the way that the citizen chose; other
        notices go by mail, or not at all: tracking tells them too."""
        wish = answers.delivery
        if wish.channel == "desk" or (kind != "result" and wish.channel != "email"):
            return
        at = now()
        state = "waiting" if wish.channel in self._channels else "by-hand"
        if state == "by-hand" and kind != "result":
            return
        with self._store.transaction() as db:
            db.execute(
                f"INSERT INTO deliveries ({_COLUMNS})"  # noqa: S608 - names of our own
                " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, NULL, NULL, NULL, ?)",
                (
                    str(uuid4()), dossier_id, wish.channel, kind, state, at.isoformat(),
                    (at + self._life).isoformat(), at.isoformat(), wish.fee,
                ),
            )  # fmt: skip

    def take(self) -> DeliveryLine | None:
        """The next row whose turn it is, for this worker alone; None when there is none."""
        at = now()
        with self._store.transaction() as db:
            rows = list(
                db.execute(
                    "UPDATE deliveries SET tries = tries + 1, next_at = ? WHERE id = ("  # noqa: S608
                    "SELECT id FROM deliveries WHERE state = 'waiting' AND next_at <= ?"
                    " ORDER BY next_at LIMIT 1) AND next_at <= ?"
                    f" RETURNING {_COLUMNS}",
                    ((at + _LEASE).isoformat(), at.isoformat(), at.isoformat()),
                )
            )
        return DeliveryLine(*rows[0]) if rows else None

    def sent(self, line: DeliveryLine, reference: str) -> None:
        with self._store.transaction() as db:
            db.execute(
                "UPDATE deliveries SET state = 'sent', sent_at = ?, reference = ?, fault = NULL"
                " WHERE id = ?",
                (now().isoformat(), reference, line.id),
            )

    def missed(self, line: DeliveryLine, code: str, *, retryable: bool) -> None:
        """Again later, or never: too old, or trying again will not help."""
        again = now() + min(_FIRST_PAUSE * 2 ** min(line.tries, 12), _LONGEST_PAUSE)
        state = "waiting" if retryable else "failed"
        if retryable and again.isoformat() > line.expires:
            state = "expired"
        with self._store.transaction() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, next_at = ?, fault = ? WHERE id = ?",
                (state, again.isoformat(), code, line.id),
            )

    def resend(self, delivery_id: str) -> None:
        """Once more, with a new life. Raises RefusedError (NOT_WAITING) for one under way."""
        at = now()
        served = ", ".join(f"'{name}'" for name in sorted(self._channels)) or "''"
        self._change(
            f"state = CASE WHEN channel IN ({served}) THEN 'waiting' ELSE 'by-hand' END,"
            " tries = 0, next_at = ?, expires = ?, fault = NULL",
            (at.isoformat(), (at + self._life).isoformat()),
            delivery_id,
            "'sent', 'failed', 'expired', 'at-desk'",
        )

    def to_desk(self, delivery_id: str) -> None:
        """It cannot go the way that was wished: the citizen gets it at the desk. Raises
        RefusedError (NOT_WAITING)."""
        self._change("state = 'at-desk'", (), delivery_id, "'failed', 'expired', 'by-hand'")

    def sent_by_hand(self, delivery_id: str, reference: str) -> None:
        """A clerk took it to the post. Raises RefusedError (NOT_WAITING)."""
        self._change(
            "state = 'sent', sent_at = ?, reference = ?",
            (now().isoformat(), reference),
            delivery_id,
            "'by-hand'",
        )

    def lines(self) -> list[DeliveryLine]:
        """What a clerk has to see to first, then the newest."""
        return [
            DeliveryLine(*row)
            for row in self._store.rows(
                f"SELECT {_COLUMNS} FROM deliveries ORDER BY CASE WHEN state IN"  # noqa: S608
                " ('failed', 'expired', 'by-hand') THEN 0 ELSE 1 END, made_at DESC LIMIT ?",
                (_SHOWN,),
            )
        ]

    def of_dossier(self, dossier_id: str) -> list[DeliveryLine]:
        return [
            DeliveryLine(*row)
            for row in self._store.rows(
                f"SELECT {_COLUMNS} FROM deliveries WHERE dossier = ? ORDER BY made_at",  # noqa: S608
                (dossier_id,),
            )
        ]

    def new_link(self, dossier_id: str) -> str:
        """A secret that opens the result for some days; older ones of the dossier end."""
        secret = secrets.token_urlsafe(32)
        with self._store.transaction() as db:
            db.execute("DELETE FROM result_links WHERE dossier = ?", (dossier_id,))
            db.execute(
                "INSERT INTO result_links (digest, dossier, expires) VALUES (?, ?, ?)",
                (_digest(secret), dossier_id, (now() + self._link_life).isoformat()),
            )
        return secret

    def linked(self, secret: str) -> str | None:
        """The dossier that a link opens, or None for one that is unknown or over."""
        rows = list(
            self._store.rows(
                "SELECT dossier FROM result_links WHERE digest = ? AND expires > ?",
                (_digest(secret), now().isoformat()),
            )
        )
        return str(rows[0][0]) if rows else None

    def _change(self, changes: str, values: tuple[str, ...], row_id: str, states: str) -> None:
        """``changes`` and ``states`` are text of this module."""
        with self._store.transaction() as db:
            moved = list(
                db.execute(
                    f"UPDATE deliveries SET {changes}"  # noqa: S608
                    f" WHERE id = ? AND state IN ({states}) RETURNING id",
                    (*values, row_id),
                )
            )
        if not moved:
            raise RefusedError(DeskProblem.NOT_WAITING, "this delivery is not in such a state")


class Worker:
    """Sends what waits; any number may run, in any process."""

    def __init__(
        self, deliveries: Deliveries, packer: Packer, channels: Mapping[str, Channel]
    ) -> None:
        self._deliveries = deliveries
        self._packer = packer
        self._channels = channels
        self.failed = 0
        """Tries that did not go out; those that may are tried again later."""

    def work(self) -> int:
        """Try everything whose turn it is, once; answers how many went out."""
        count = 0
        while (line := self._deliveries.take()) is not None:
            try:
                reference = self._channels[line.channel].send(self._packer.pack(line))
            except DeliveryError as error:
                self._miss(line, error.code, retryable=error.retryable)
            except Exception as error:  # one bad dossier does not hold up the others
                self._miss(line, type(error).__name__, retryable=True)
            else:
                self._deliveries.sent(line, reference)
                count += 1
        return count

    def _miss(self, line: DeliveryLine, code: str, *, retryable: bool) -> None:
        self.failed += 1
        self._deliveries.missed(line, code, retryable=retryable)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
