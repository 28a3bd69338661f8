"""The one plain question before something that cannot be undone."""

from __future__ import annotations

from kiosk import fees
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import ConfirmView, Next, Text
from kiosk.words import price


async def run(session: Session) -> Outcome:
    procedure, amount = session.procedure, fees.amount(session)
    intent = await session.ask(
        ConfirmView(
            title=Text("confirm.title"),
            points=(
                Text("confirm.sends", {"agency": session.kiosk.settings.site.agency_name}),
                Text("confirm.original-back"),
                Text(f"confirm.{procedure.result}"),
            ),
            fee=Text("confirm.fee", {"amount": price(amount)}) if amount else Text("confirm.free"),
            **session.progress,
        )
    )
    if not isinstance(intent, Next):
        return BACK
    session.kiosk.journal.append("confirmed", dossier=str(session.dossier))
    return NEXT
