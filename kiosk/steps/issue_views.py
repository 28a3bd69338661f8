"""What the last step shows: milestones while it works, the officer's word, and the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kiosk.deadlines import due_at
from kiosk.dossiers import Mode
from kiosk.paper_copies import has_printer
from kiosk.session import Record, Session
from kiosk.views import DoneView, FaultView, IssuingView, Milestone, Text
from kiosk.words import day, spaced

_ICONS = {
    "saved": "shield",
    "sent": "wifi",
    "checked": "person",
    "signed": "pencil",
    "verified": "check",
    "paper": "printer",
    "slip": "printer",
}
_MILESTONES: dict[Mode, tuple[str, ...]] = {
    "pre-check": ("saved", "sent", "checked", "verified", "paper", "slip"),
    "post-check": ("signed", "verified", "saved", "sent", "paper", "slip"),
    "filing": ("saved", "sent", "slip"),
}
_AT_THE_DESK = {2: "compared", 4: "signing"}
"""What is under way there, by the portal's state; before that, nobody has opened the dossier."""


def working(session: Session, now: str, word: str = "") -> IssuingView:
    """``word``: what the milestone under way is called, where it says more than its name."""
    printer = has_printer(session)
    milestones = _MILESTONES[session.record.mode or "filing"]
    names = [name for name in milestones if printer or name != "paper"]
    reached = names.index(now)
    return IssuingView(
        title=Text("issue.title"),
        lead=Text("issue.lead"),
        milestones=tuple(
            Milestone(
                _ICONS[name],
                Text(f"issue.{word if word and name == now else name}"),
                _state(index - reached),
            )
            for index, name in enumerate(names)
        ),
        **session.progress,
    )


def _state(distance: int) -> str:
    return "done" if distance < 0 else "now" if distance == 0 else "later"


def at_the_desk(session: Session, processing: int | None) -> IssuingView:
    """The dossier is with the officer; nobody has to wait."""
    word = _AT_THE_DESK.get(processing or 0, "unopened")
    return replace(working(session, "checked", word), may_leave=True)


def refused(session: Session) -> FaultView:
    """The officer said no: why, in the officer's words, and where to go."""
    return officers_word(session, "refused", session.record.refusal or "", code="copy.refused")


def wanted(session: Session) -> FaultView:
    """The officer asks for a new scan, a paper or a payment, in the officer's words."""
    return officers_word(session, "wanted", session.record.wanted, code="copy.wanted")


def officers_word(
    session: Session, kind: str, note: str, *, code: str, kept: str = "kept.locked"
) -> FaultView:
    """``kind`` names the sentences; ``note`` is in the officer's words."""
    return FaultView(
        code=code,
        picture="help_person",
        title=Text(f"{kind}.title"),
        happened=Text(f"{kind}.happened", {"note": note}),
        todo=Text(f"{kind}.todo", {"place": session.kiosk.settings.site.pickup_place}),
        kept=Text(kept),
        actions=("continue",),
        can_go_back=False,
    )


def done(session: Session) -> DoneView:
    record, site = session.record, session.kiosk.settings.site
    issued = record.copy is not None
    when = due(session)
    return DoneView(
        kind="issued" if issued else "queued",
        title=Text("done.issued-title" if issued else "done.queued-title"),
        lead=Text(_lead(record)),
        code=spaced(record.code),
        due_label=Text("done.number" if issued else "done.due"),
        due=Text.plain(record.number) if issued else day(when.date()),
        place=where_copy(session)
        if issued
        else Text("done.place", {"place": site.pickup_place, "hour": when.hour}),
        take_away=take_away(session),
    )


def _lead(record: Record) -> str:
    if record.slip_printed:
        return "done.issued-lead" if record.copy else "done.queued-lead"
    return "done.maybe-slip-lead" if record.slip_unsure else "done.no-slip-lead"


def where_copy(session: Session) -> Text:
    paper = session.record.paper
    if paper == "none":
        return Text("done.where-copy")
    return Text(f"done.paper-{paper}", {"place": session.kiosk.settings.site.pickup_place})


def take_away(session: Session) -> str:
    """What the QR on slip and screen says: where this dossier can be looked up, and by what.

    Code and secret stand in the fragment, which a browser does not send and no server logs.
    """
    address, record = session.kiosk.settings.site.tracking_address, session.record
    return f"{address}#code={record.code}&secret={record.slip_secret}"


def due(session: Session) -> datetime:
    return due_at(session.kiosk.clock(), session.procedure.deadline)
