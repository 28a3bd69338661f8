"""The keys by which a draft can be opened again on this kiosk, and how they end.

A draft's data key is wrapped under the key of the day, and that under the key of the machine.
Locking or discarding removes the first wrap; when the day is over and its last draft is gone, the
second goes too, and with it whatever copy of the first the flash still holds.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import apsw

from offline_queue import envelope
from offline_queue.entries import State, state_of
from offline_queue.errors import Fault, QueueError

_DAY_KEY_CONTEXT = b"mot-cua/day-key/1"


class LocalKeys:
    def __init__(self, machine_key: bytes) -> None:
        """Raises QueueError (DAMAGED) for a key of another length."""
        if len(machine_key) != envelope.KEY_SIZE:
            raise QueueError(Fault.DAMAGED, "machine key")
        self._machine_key = machine_key

    def new_draft(self, db: apsw.Connection, id: UUID, today: date) -> tuple[int, bytes]:
        """The day key's row, and a fresh data key wrapped under that day key."""
        number, day_key = self._day_key(db, today)
        return number, envelope.wrap_local(envelope.new_key(), day_key, id.bytes)

    def data_key(self, db: apsw.Connection, id: UUID) -> bytes:
        """Only a draft's: raises QueueError (LOCKED) for every other dossier."""
        if state_of(db, id) is not State.DRAFT:
            raise QueueError(Fault.LOCKED, str(id))
        draft_key, wrapped_day_key = db.execute(
            "select draft_key, wrapped from dossier join day_key on day_key = day_key.id"
            " where dossier.id = ?",
            (str(id),),
        ).get
        day_key = envelope.unwrap_local(wrapped_day_key, self._machine_key, _DAY_KEY_CONTEXT)
        return envelope.unwrap_local(draft_key, day_key, id.bytes)

    def _day_key(self, db: apsw.Connection, today: date) -> tuple[int, bytes]:
        row = db.execute(
            "select id, wrapped from day_key where day = ? order by id desc limit 1",
            (today.isoformat(),),
        ).fetchone()
        if row is not None:
            return row[0], envelope.unwrap_local(row[1], self._machine_key, _DAY_KEY_CONTEXT)
        day_key = envelope.new_key()
        wrapped = envelope.wrap_local(day_key, self._machine_key, _DAY_KEY_CONTEXT)
        db.execute("insert into day_key (day, wrapped) values (?, ?)", (today.isoformat(), wrapped))
        return db.last_insert_rowid(), day_key


def drop_day_keys(db: apsw.Connection, today: date) -> None:
    """Those whose day is over and that no draft needs."""
    db.execute(
        "delete from day_key where day <> ? and id not in"
        " (select day_key from dossier where state = 'draft')",
        (today.isoformat(),),
    )
