"""Who is it? The phone's VNeID code is read, and link asks the provider whose it is."""

from __future__ import annotations

import uuid_utils.compat as uuid_utils

from kiosk.failures import KioskError, failure_of
from kiosk.link import verbs
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import Choose, IdentifyView, Intent, Text


async def run(session: Session) -> Outcome:
    problem: Text | None = None
    while True:
        view = IdentifyView(
            state="retry" if problem else "waiting", problem=problem, **session.progress
        )
        code = await session.race(view, session.kiosk.reader.read)
        if isinstance(code, Intent):
            if isinstance(code, Choose):
                continue
            return BACK
        try:
            session.record.identity = await _exchange(session, code)
        except KioskError as error:
            if not _another_code_helps(error):
                raise
            problem = Text(failure_of(error).happened)
            continue
        _open_draft(session)
        return NEXT


async def _exchange(session: Session, code: str) -> verbs.Identity:
    session.present(IdentifyView(state="checking", **session.progress))
    async with session.busy():
        request = verbs.IdentifyRequest(payload=code)
        identity = await session.kiosk.link.call(verbs.IDENTIFY, request)
    assert isinstance(identity, verbs.Identity)
    return identity


def _another_code_helps(error: KioskError) -> bool:
    """An expired or foreign code is answered on the spot; anything else is a fault screen."""
    return error.code in ("identity.expired", "identity.refused", "identity.unreadable")


def _open_draft(session: Session) -> None:
    record = session.record
    if record.dossier:
        session.kiosk.outbox.discard(record.dossier)
        record.pages = []
    record.grade, record.face_match = "claimed", False
    record.dossier = uuid_utils.uuid7()
    session.kiosk.outbox.new_draft(record.dossier, session.procedure.id)
    session.kiosk.journal.append("identified", dossier=str(record.dossier), method="vneid")
