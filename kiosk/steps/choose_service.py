"""Which procedure? The first question of every session, and whether an officer is there for it."""

from __future__ import annotations

from kiosk.failures import KioskError
from kiosk.link import messages, verbs
from kiosk.paper_copies import has_printer
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import Choose, ChooseServiceView, ServiceCard, Text

COLLECT = "collect"
MOST_CARDS = 6
"""What one screen holds (ui/screens/ChooseService.qml)."""
_COLLECT_CARD = ServiceCard(COLLECT, "receipt", Text("collect.card"), Text("collect.hint"))


async def run(session: Session) -> Outcome:
    cards, office = _cards(session), await _office(session)
    intent = await session.ask(ChooseServiceView(cards=cards, office=office, **session.progress))
    if not isinstance(intent, Choose):
        return BACK
    if intent.choice == COLLECT:
        session.kiosk.journal.append("service-chosen", service=COLLECT)
        return Outcome("to", COLLECT)
    session.record.procedure = session.offered[intent.choice]
    session.kiosk.journal.append("procedure-chosen", procedure=intent.choice)
    return NEXT


async def _office(session: Session) -> Text | None:
    """None where nobody knows: then nothing is promised, nor anybody sent away."""
    try:
        attended = (await session.kiosk.link.call(verbs.STATUS, messages.Empty())).attended
    except KioskError:
        return None
    if attended is None:
        return None
    return Text("office.attended" if attended else "office.away")


def _cards(session: Session) -> tuple[ServiceCard, ...]:
    procedures = tuple(
        ServiceCard(
            procedure=procedure.id,
            picture=procedure.picture,
            title=procedure.text("title"),
            hint=procedure.text("hint"),
        )
        for procedure in session.offered.values()
    )
    room = len(procedures) < MOST_CARDS
    return (*procedures, _COLLECT_CARD) if room and has_printer(session) else procedures
