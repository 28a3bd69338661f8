"""Which procedure? The first question of every session."""

from __future__ import annotations

from kiosk.procedures import procedures
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import Choose, ChooseServiceView, ServiceCard, Text


async def run(session: Session) -> Outcome:
    intent = await session.ask(ChooseServiceView(cards=_cards(), **session.progress))
    if not isinstance(intent, Choose):
        return BACK
    session.record.procedure = procedures()[intent.choice]
    session.kiosk.journal.append("procedure-chosen", procedure=intent.choice)
    return NEXT


def _cards() -> tuple[ServiceCard, ...]:
    return tuple(
        ServiceCard(
            procedure=procedure.id,
            picture=procedure.picture,
            title=Text(f"procedure.{procedure.id}.title"),
            hint=Text(f"procedure.{procedure.id}.hint"),
        )
        for procedure in procedures().values()
    )
