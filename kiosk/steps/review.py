"""Everything at a glance, before it is confirmed; what can be changed has a button."""

from __future__ import annotations

from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.steps.scan import thumbs
from kiosk.views import Edit, Next, ReviewRow, ReviewView, Text


async def run(session: Session) -> Outcome:
    intent = await session.ask(_view(session))
    if isinstance(intent, Edit):
        return Outcome("to", intent.step)
    return NEXT if isinstance(intent, Next) else BACK


def _view(session: Session) -> ReviewView:
    procedure, record = session.procedure, session.record
    papers: dict[str, str | int | Text] = {
        "paper": procedure.text("paper"),
        "pages": len(record.pages),
    }
    rows = (
        ReviewRow(Text("review.request"), procedure.text("title")),
        ReviewRow(Text("review.papers"), Text("review.papers-value", papers), edit="scan"),
        ReviewRow(Text("review.copies"), Text("review.copies-value", {"copies": record.copies})),
        ReviewRow(Text("review.agency"), Text.plain(session.kiosk.settings.site.commune)),
    )
    return ReviewView(
        person=Text.plain(session.identity.full_name),
        rows=rows,
        pages=thumbs(record),
        **session.progress,
    )
