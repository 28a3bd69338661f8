"""From "yes" to a copy or a slip in the hand.

Every part is done once: a step that is repeated after trouble goes on where it stopped. Nothing is
called done before it is on disk, and a silent network is told as "kept", never as "failed".
"""

from __future__ import annotations

import asyncio
import logging

from certify.numbers import kiosks_id_code
from certify.statement import CopyFacts
from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from kiosk import dossiers, slip_exit, tamper
from kiosk.coded import CODED_ERRORS
from kiosk.dossiers import Mode
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.link import messages, verbs
from kiosk.paper_copies import has_printer, print_copy
from kiosk.policy import current_trust
from kiosk.session import NEXT, Outcome, Session
from kiosk.slips import SlipFacts, receipt_and_appointment
from kiosk.steps import issue_views
from kiosk.strings import catalogue, resolve
from kiosk.views import Intent
from kiosk.words import price

log = logging.getLogger(__name__)

_ASK_FOR_COPY = 0.5
"""Seconds between two questions whether the copy is there."""

_WANTED = (5, 6)
"""The officer asks for something that the person has to bring: waiting leads nowhere."""


async def run(session: Session) -> Outcome:
    record = session.record
    record.mode = record.mode or await _mode(session)
    async with session.busy():
        if record.mode == "post-check" and record.copy is None:
            await _certify_unless_opened(session)
        if record.manifest is None:
            await _lock(session)
        _show(session, "sent")
        state = await _submit(session)
        if record.mode == "pre-check" and state == "accepted" and record.copy is None:
            await _wait_for_copy(session)
        printing = record.copy is not None and has_printer(session)
        _show(session, "paper" if printing else "slip")
    if state == "rejected":
        await session.tell(KioskError(Fault.DOSSIER_REJECTED))
    elif record.refusal is not None:
        await session.ask(issue_views.refused(session))
    elif record.wanted:
        await session.ask(issue_views.wanted(session))
        await _hand_out_slip(session)
    else:
        if printing:
            await print_copy(session, lambda: _show(session, "paper"))
            _show(session, "slip")
        await _hand_out_slip(session)
    return NEXT


async def _hand_out_slip(session: Session) -> None:
    await _print_slip(session)
    await session.ask(issue_views.done(session))
    await slip_exit.remind(session)


async def _mode(session: Session) -> Mode:
    """Post-check only where policy, paper, person, numbers and clock all allow it; whatever stops
    it never stops filing."""
    kiosk, policy, now = session.kiosk, session.policy, session.kiosk.clock()
    if session.procedure.result != "certified-copy":
        return "filing"
    allowed = (
        policy is not None
        and "post-check" in policy.modes
        and session.procedure.paper_class in policy.post_check_papers
        and session.record.grade == "proven"
        and kiosk.numbers.left("certificate", now.year, now) > 0
        and await _clock_trusted(session)
        and await tamper.is_shut(kiosk)
        and await _leased(session)
    )
    return "post-check" if allowed else "pre-check"


async def _certify_unless_opened(session: Session) -> None:
    """A housing that is opened in this very moment leaves the copy to the officer."""
    record = session.record
    try:
        await _certify_here(session)
    except DeviceError as error:
        if error.code not in tamper.CODES:
            raise
        log.error("left to the officer: %s", error.code)
        session.kiosk.journal.append("not-signed-here", code=error.code)
        record.mode, record.facts, record.number = "pre-check", None, ""


async def _certify_here(session: Session) -> None:
    """Number, seal and sign on the kiosk; the copy is a part of the dossier like its pages."""
    kiosk, record = session.kiosk, session.record
    _show(session, "signed")
    await tamper.require_shut(kiosk)
    if record.facts is None:
        record.facts = _burn_number(session)
    trust = await current_trust(kiosk.link)
    pages = [reading.page for reading in record.pages]
    copy = await kiosk.certifier.issue_post_check(pages, record.facts, trust)
    _show(session, "verified")
    id_code = await verified(session, copy, trust)
    await tamper.require_shut(kiosk)
    kiosk.outbox.put_part(session.dossier, "copy.pdf", "application/pdf", copy)
    # Last: a copy that is not in the dossier yet must not count as made.
    record.copy, record.id_code = copy, id_code
    kiosk.journal.append("certified", dossier=str(session.dossier))


def _burn_number(session: Session) -> CopyFacts:
    kiosk, record = session.kiosk, session.record
    site, now = kiosk.settings.site, kiosk.clock()
    assert session.policy, "post-check needs a policy"
    record.code = record.code or dossiers.dossier_code(session)
    burned = kiosk.numbers.burn("certificate", now.year, at=now)
    record.number = f"{burned.number}, {burned.book}"
    return CopyFacts(
        id_code=kiosks_id_code(site.kiosk_number, now.year, burned.number),
        number=burned.number,
        year=now.year,
        book=burned.book,
        agency=site.agency_name,
        place=site.commune,
        officer="",
        officer_title="",
        issued=now,
        copies=record.copies,
        mode="post-check",
        inspect_by=dossiers.inspection_day(now, session.policy.post_check_inspect_days),
        dossier_code=record.code,
    )


async def _lock(session: Session) -> None:
    record = session.record
    assert record.mode, "the mode is decided before anything is made"
    _show(session, "saved")
    record.code = record.code or dossiers.dossier_code(session)
    dossiers.save_answers(session)
    dossiers.lock(session, record.mode, clock_trusted=await _clock_trusted(session))


async def _submit(session: Session) -> str:
    """The outbox state reached; "unknown" when link does not say: kept here, and sent later."""
    try:
        request = messages.SubmitRequest(dossier_id=str(session.dossier))
        return (await session.kiosk.link.call(verbs.SUBMIT, request)).state
    except KioskError:
        return "unknown"


async def _wait_for_copy(session: Session) -> None:
    """Wait while the officer is likely to be at the desk, or until the person would rather not;
    after that the slip says when to come."""
    record = session.record
    try:
        async with asyncio.timeout(session.kiosk.settings.site.wait_for_copy_seconds):
            answer = await session.race(
                issue_views.at_the_desk(session, None), lambda: _issued(session), machine=True
            )
    except TimeoutError:
        return
    if isinstance(answer, Intent):
        session.kiosk.journal.append("did-not-wait", dossier=str(session.dossier))
        return
    if answer.state == "waiting":
        record.wanted = answer.note or ""
        return
    if answer.pdf is None:
        record.refusal = answer.note or ""
        return
    _show(session, "verified")
    try:
        record.id_code = await verified(
            session, answer.pdf, await current_trust(session.kiosk.link)
        )
    except CODED_ERRORS as error:
        # The dossier is the portal's by now: the person gets a slip, the officer the trouble.
        log.error("a copy of the portal was not accepted: %s", failure_of(error).code)
        session.kiosk.journal.append("copy-not-accepted", dossier=str(session.dossier))
        return
    record.copy, record.number = answer.pdf, answer.number or ""


async def _issued(session: Session) -> messages.CopyAnswer:
    """Ask until the desk has decided, or wants something, and show how far it is; a network that
    comes and goes is no decision."""
    request = messages.WaitRequest(dossier_id=str(session.dossier))
    while True:
        try:
            answer = await session.kiosk.link.call(verbs.WAIT_COPY, request)
        except KioskError as error:
            log.info("copy: %s", error.code)
            await asyncio.sleep(_ASK_FOR_COPY)
            continue
        if answer.state != "waiting" or answer.processing in _WANTED:
            return answer
        session.present(issue_views.at_the_desk(session, answer.processing))
        request = request.model_copy(update={"processing": answer.processing})


async def verified(session: Session, copy: bytes, trust: bytes) -> str:
    """Its id code. Nothing leaves this machine as a copy that this machine would not accept."""
    verdict = await session.kiosk.certifier.verify(copy, trust)
    if not verdict.ok:
        raise KioskError(Fault.COPY_NOT_GENUINE, verdict.code)
    return verdict.id_code


async def _print_slip(session: Session) -> None:
    # Made once, however often the step is repeated: the printer knows a slip that it lost sight of
    # by its being the same.
    record = session.record
    record.slip = record.slip or receipt_and_appointment(_slip_facts(session), session.language)
    while not record.slip_printed:
        try:
            async with session.busy():
                await session.kiosk.receipt.print_slip(record.slip)
            record.slip_printed = True
        except DeviceError as error:
            record.slip_unsure |= error.code == DeviceFault.RECEIPT_UNCONFIRMED
            if await session.tell(error, skippable=True) != "retry":
                return


def _slip_facts(session: Session) -> SlipFacts:
    kiosk, record = session.kiosk, session.record
    amount = record.manifest.fee.amount if record.manifest else 0
    words = catalogue(session.language)
    procedure = session.procedure.words[session.language]
    return SlipFacts(
        agency=kiosk.settings.site.agency_name,
        dossier_code=record.code,
        person=session.identity.full_name,
        procedure=procedure.title,
        papers=((procedure.paper, len(record.pages)),),
        copies=record.copies,
        fee_text=resolve(price(amount), session.language) if amount else words["confirm.free"],
        received_at=kiosk.clock(),
        due_at=None if record.copy else issue_views.due(session),
        place=kiosk.settings.site.pickup_place,
        hotline=kiosk.settings.site.hotline,
        take_away=issue_views.take_away(session),
        id_code=record.id_code or None,
        number=record.number or None,
        secret=record.slip_secret,
        paper=record.paper if record.paper in ("later", "unsure") else "",
        any_kiosk=has_printer(session) and record.mode == "pre-check",
    )


async def _clock_trusted(session: Session) -> bool:
    try:
        status = await session.kiosk.link.call(verbs.STATUS, messages.Empty())
    except KioskError:
        return False
    return status.clock_trusted


async def _leased(session: Session) -> bool:
    """Asked before a number is burned for a copy that nobody would believe."""
    try:
        trust = await current_trust(session.kiosk.link)
    except KioskError:
        return False
    return await session.kiosk.certifier.may_issue(trust)


def _show(session: Session, now: str) -> None:
    session.present(issue_views.working(session, now))
