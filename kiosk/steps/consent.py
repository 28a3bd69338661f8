"""What is asked, why, and for how long: law 91/2025/QH15 wants an informed, free yes."""

from __future__ import annotations

from kiosk import fees
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import ConsentView, Next, Text

_POINTS = ("data", "purpose", "controller", "rights")


async def run(session: Session) -> Outcome:
    told = fees.in_words(session)
    return NEXT if await asked(session, "data", _POINTS, told) else BACK


async def asked(session: Session, purpose: str, points: tuple[str, ...], *told: Text) -> bool:
    """Ask for consent to ``purpose`` ("data" or "face") and write the answer into the journal.
    ``told``: what else has to be known before."""
    site = session.kiosk.settings.site
    intent = await session.ask(
        ConsentView(
            purpose=purpose,
            title=Text(f"consent.{purpose}.title"),
            points=(
                *(
                    Text(f"consent.{purpose}.{point}", {"agency": site.agency_name})
                    for point in points
                ),
                *told,
            ),
            **session.progress,
        )
    )
    agreed = isinstance(intent, Next)
    session.kiosk.journal.append("consent", purpose=purpose, agreed=agreed)
    return agreed
