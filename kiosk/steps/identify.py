"""Who is it? The phone's VNeID code is read, and link asks the provider whose it is."""

from __future__ import annotations

import uuid_utils.compat as uuid_utils

from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.link import verbs
from kiosk.session import BACK, NEXT, Outcome, Session
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
            session.record.identity = await _exchange(session, code)
        except (DeviceError, KioskError) as error:
            if error.code not in _ANOTHER_CODE_HELPS:
                raise
            problem = Text(failure_of(error).happened)
            continue
        _open_draft(session)
        return NEXT


async def _exchange(session: Session, code: str) -> verbs.Identity:
    session.present(IdentifyView(state="checking", **session.progress))
    async with session.busy():
        request = verbs.IdentifyRequest(payload=code)
        return await session.kiosk.link.call(verbs.IDENTIFY, request)


def _open_draft(session: Session) -> None:
    record = session.record
    if record.dossier:
        session.kiosk.outbox.discard(record.dossier)
        record.pages = []
    record.grade, record.face_match = "claimed", False
    record.dossier = uuid_utils.uuid7()
    session.kiosk.outbox.new_draft(record.dossier, session.procedure.id)
    session.kiosk.journal.append("identified", dossier=str(record.dossier), method="vneid")
