"""Which procedure? The first question of every session, and whether an officer is there for it."""

from __future__ import annotations

from kiosk.failures import KioskError
from kiosk.link import verbs
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import Choose, ChooseServiceView, ServiceCard, Text


async def run(session: Session) -> Outcome:
    cards, office = _cards(session), await _office(session)
    intent = await session.ask(ChooseServiceView(cards=cards, office=office, **session.progress))
    if not isinstance(intent, Choose):
        return BACK
    session.record.procedure = session.offered[intent.choice]
    session.kiosk.journal.append("procedure-chosen", procedure=intent.choice)
    return NEXT


async def _office(session: Session) -> Text | None:
    """None where nobody knows: then nothing is promised, nor anybody sent away."""
    try:
        attended = (await session.kiosk.link.call(verbs.STATUS, verbs.Empty())).attended
    except KioskError:
        return None
    if attended is None:
        return None
    return Text("office.attended" if attended else "office.away")


def _cards(session: Session) -> tuple[ServiceCard, ...]:
    return tuple(
        ServiceCard(
            procedure=procedure.id,
            picture=procedure.picture,
            title=procedure.text("title"),
            hint=procedure.text("hint"),
        )
        for procedure in session.offered.values()
    )
