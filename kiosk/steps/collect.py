"""A copy that was issued meanwhile is printed, here or at whatever kiosk its citizen comes to.

The reader sees the code on the slip, which says which dossier, and that on the card, which says
whose; in either order. No telephone is needed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError
from kiosk.identity import card_qr
from kiosk.link import messages, verbs
from kiosk.paper_copies import print_copy
from kiosk.policy import current_trust
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.steps.issue import verified
from kiosk.steps.issue_views import officers_word, take_away, where_copy
from kiosk.views import CollectView, DoneView, FaultView, Intent, IssuingView, Milestone, Text
from kiosk.words import spaced

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Slip:
    code: str
    secret: str


async def run(session: Session) -> Outcome:
    slip: _Slip | None = None
    number, problem, answer = "", None, None
    while slip is None or not number:
        read = await _read(session, slip, problem)
        if isinstance(read, Intent):
            return BACK
        found, card = _slip_in(read), _number_in(read)
        problem = None if found or card else Text("collect.unreadable")
        slip, number = found or slip, card or number
        if slip and number and (answer := await _asked(session, slip, number)) is None:
            slip, number, problem = None, "", Text("collect.no-match")
    if answer is None or answer.pdf is None:
        await session.ask(_notice(session, answer))
        return NEXT
    session.record.code, session.record.slip_secret = slip.code, slip.secret
    await _take(session, answer, answer.pdf)
    await print_copy(session, lambda: session.present(_printing(session)))
    await session.ask(_done(session))
    return NEXT


async def _read(session: Session, slip: _Slip | None, problem: Text | None) -> Intent | str:
    view = CollectView(state="card" if slip else "slip", problem=problem, **session.progress)
    try:
        return await session.race(view, session.kiosk.reader.read)
    except DeviceError as error:
        if error.code != DeviceFault.READER_GARBLED:
            raise
        return ""  # as unreadable as any other code that is neither


async def _asked(session: Session, slip: _Slip, number: str) -> messages.CollectAnswer | None:
    """None when slip and card do not belong together."""
    session.present(CollectView(state="checking", can_go_back=False, **session.progress))
    request = messages.CollectRequest(code=slip.code, secret=slip.secret, citizen_number=number)
    try:
        async with session.busy():
            return await session.kiosk.link.call(verbs.COLLECT, request)
    except KioskError as error:
        if error.code != Fault.LINK_NOT_FOUND:
            raise
        return None


async def _take(session: Session, answer: messages.CollectAnswer, pdf: bytes) -> None:
    """Nothing is printed as a copy that this machine would not accept."""
    record = session.record
    async with session.busy():
        record.id_code = await verified(session, pdf, await current_trust(session.kiosk.link))
    record.collected, record.print_id = UUID(answer.dossier_id), uuid4()
    record.copy, record.copies, record.number = pdf, answer.copies, answer.number or ""
    session.kiosk.journal.append("copy-collected", dossier=answer.dossier_id)


def _slip_in(payload: str) -> _Slip | None:
    """What stands behind "#" in the address on a slip."""
    try:
        fields = parse_qs(urlsplit(payload.strip()).fragment)
        return _Slip(fields["code"][0], fields["secret"][0])
    except (ValueError, KeyError):
        return None


def _number_in(payload: str) -> str:
    """The citizen's number on a card; nothing for any other code."""
    try:
        return card_qr.parse(payload).number
    except KioskError:
        return ""


def _notice(session: Session, answer: messages.CollectAnswer | None) -> FaultView:
    """There is nothing to print yet, or no more; or the officer said no."""
    state = answer.state if answer else "waiting"
    kind = "refused" if state == "refused" else f"collect.{state}"
    note = (answer.note if answer else "") or ""
    return officers_word(session, kind, note, code=f"copy.{state}", kept="kept.nothing")


def _printing(session: Session) -> IssuingView:
    return IssuingView(
        title=Text("collect.printing.title"),
        lead=Text("collect.printing.lead"),
        milestones=(
            Milestone("check", Text("issue.verified"), "done"),
            Milestone("printer", Text("issue.paper"), "now"),
        ),
        **session.progress,
    )


def _done(session: Session) -> DoneView:
    record = session.record
    return DoneView(
        kind="issued",
        title=Text("done.issued-title"),
        lead=Text("collect.done-lead"),
        code=spaced(record.code),
        due_label=Text("done.number"),
        due=Text.plain(record.number),
        place=where_copy(session),
        take_away=take_away(session),
    )
