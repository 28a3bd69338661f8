"""Who is it? The phone's VNeID code is read, and link asks the provider whose it is."""

from __future__ import annotations

import uuid_utils.compat as uuid_utils

from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.link import verbs
from kiosk.session import BACK, NEXT, Outcome, Record, Session, discard
from kiosk.views import IdentifyView, Intent, Text

_ANOTHER_CODE_HELPS = {
    DeviceFault.READER_GARBLED,
    Fault.IDENTITY_EXPIRED,
    Fault.IDENTITY_REFUSED,
    Fault.IDENTITY_UNREADABLE,
}
"""Told on the spot; anything else is a fault screen."""


async def run(session: Session) -> Outcome:
    problem: Text | None = None
    while True:
        view = IdentifyView(
            state="retry" if problem else "waiting", problem=problem, **session.progress
        )
        try:
            code = await session.race(view, session.kiosk.reader.read)
            if isinstance(code, Intent):
                return BACK
            identity = await _exchange(session, code)
        except (DeviceError, KioskError) as error:
            if error.code not in _ANOTHER_CODE_HELPS:
                raise
            problem = Text(failure_of(error).happened)
            continue
        _open_draft(session, identity)
        return NEXT


async def _exchange(session: Session, code: str) -> verbs.Identity:
    session.present(IdentifyView(state="checking", **session.progress))
    async with session.busy():
        request = verbs.IdentifyRequest(payload=code)
        return await session.kiosk.link.call(verbs.IDENTIFY, request)


def _open_draft(session: Session, identity: verbs.Identity) -> None:
    """A new person means a new record: nothing of an earlier one may come along."""
    if session.record.dossier:
        discard(session.kiosk, session.record.dossier, why="identified-again")
    session.record = record = Record(procedure=session.procedure, identity=identity)
    record.dossier = uuid_utils.uuid7()
    session.kiosk.outbox.new_draft(record.dossier, session.procedure.id)
    session.kiosk.journal.append("identified", dossier=str(record.dossier), method="vneid")
