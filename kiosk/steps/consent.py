"""What is asked, why, and for how long: law 91/2025/QH15 wants an informed, free yes."""

from __future__ import annotations

from kiosk import fees
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import ConsentView, Next, Text

_POINTS = ("data", "purpose", "controller", "rights")


async def run(session: Session) -> Outcome:
    fee = fees.in_words(session)
    return NEXT if await asked(session, "data", _POINTS, fee) else BACK


async def asked(
    session: Session, purpose: str, points: tuple[str, ...], fee: Text | None = None
) -> bool:
    """Ask for consent to ``purpose`` ("data" or "face") and write the answer into the journal."""
    agency = {"agency": session.kiosk.settings.site.agency_name}
    intent = await session.ask(
        ConsentView(
            purpose=purpose,
            title=Text(f"consent.{purpose}.title"),
            points=tuple(Text(f"consent.{purpose}.{point}", agency) for point in points),
            fee=fee,
            **session.progress,
        )
    )
    agreed = isinstance(intent, Next)
    session.kiosk.journal.append("consent", purpose=purpose, agreed=agreed)
    return agreed
