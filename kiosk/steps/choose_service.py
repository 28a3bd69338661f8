"""Which procedure? The first question of every session."""

from __future__ import annotations

from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import Choose, ChooseServiceView, ServiceCard


async def run(session: Session) -> Outcome:
    intent = await session.ask(ChooseServiceView(cards=_cards(session), **session.progress))
    if not isinstance(intent, Choose):
        return BACK
    session.record.procedure = session.offered[intent.choice]
    session.kiosk.journal.append("procedure-chosen", procedure=intent.choice)
    return NEXT


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
