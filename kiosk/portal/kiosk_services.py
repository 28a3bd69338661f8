"""The routes of :mod:`offline_queue.intake` that serve a citizen at the kiosk, and the kiosk's own
certificate. Every call is signed by the device key; what costs something must be recent as well.
"""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from kiosk.portal.bodies import parse
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.contract import file_answer, refuses, signed, unsigned
from kiosk.portal.errors import RefusedError
from kiosk.portal.issued import issued_page
from kiosk.portal.kiosk_auth import Call, CallDep
from kiosk.portal.limits import Limit
from offline_queue.intake import (
    PREFIX,
    CertificateAsk,
    CertificateReply,
    CheckAsk,
    CheckReply,
    CodeAsk,
    CodeSent,
    CodeTry,
    CodeVerdict,
    CollectAsk,
    CollectReply,
    Heartbeat,
    IntakeState,
    IssuedPage,
    IssuedPageAsk,
    KeysAsk,
    KeysReply,
    Office,
    PaperInfo,
    PaperKeep,
    PaperList,
    PersonAsk,
    PrintsDone,
    Problem,
    Rating,
    Standing,
    TrackAsk,
    TrackReply,
    WaitAsk,
)

router = APIRouter(prefix=PREFIX, generate_unique_id_function=lambda route: route.name)
PERSONS = Limit("kiosk.persons", most=60, seconds=3600)
"""So many people a kiosk may ask about in an hour. Nobody else can say whom it has proven, so a
stolen key must not read out a province."""
_ASKED = Limit("kiosk.person", most=1, seconds=3600)
LOOK_SECONDS = 1.0
"""Between two looks at a dossier on which somebody waits."""


@router.post(
    "/dossiers/{dossier_id}/wait",
    responses=refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND),
    openapi_extra=signed(WaitAsk),
)
async def wait(portal: PortalDep, call: CallDep, dossier_id: UUID) -> IntakeState:
    """Answers when the state of processing is another than the one that the kiosk knows."""
    ask = parse(WaitAsk, call.body)
    end = time.monotonic() + ask.seconds
    while True:
        number = await run_in_threadpool(portal.intake.processing, call.kiosk_id, dossier_id)
        left = end - time.monotonic()
        if number != ask.processing or left <= 0:
            return await run_in_threadpool(portal.intake.state, call.kiosk_id, dossier_id)
        await asyncio.sleep(min(LOOK_SECONDS, left))


@router.post(
    "/tracking",
    responses=refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND, Problem.TOO_MANY),
    openapi_extra=signed(TrackAsk),
)
def track(portal: PortalDep, call: CallDep) -> TrackReply:
    call.require_recent()
    ask = parse(TrackAsk, call.body)
    if ask.citizen_number:
        _require_few_persons(portal, call, ask.citizen_number)
    return TrackReply(found=portal.offices.tracking.answer(ask, call.kiosk_id))


@router.post(
    "/collections",
    responses=refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND, Problem.TOO_MANY),
    openapi_extra=signed(CollectAsk),
)
def collect(portal: PortalDep, call: CallDep) -> CollectReply:
    call.require_recent()
    ask = parse(CollectAsk, call.body)
    return portal.offices.collecting.look(ask, call.kiosk_id)


@router.post(
    "/collections/copy",
    response_class=Response,
    responses=file_answer("application/pdf", "the certified copy")
    | refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND, Problem.TOO_MANY),
    openapi_extra=signed(CollectAsk),
)
def collected_copy(portal: PortalDep, call: CallDep) -> Response:
    call.require_recent()
    ask = parse(CollectAsk, call.body)
    pdf = portal.offices.collecting.copy(ask, call.kiosk_id)
    return Response(pdf, media_type="application/pdf")


@router.put(
    "/prints/{print_id}",
    status_code=204,
    responses=refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND),
    openapi_extra=signed(PrintsDone),
)
def printed(portal: PortalDep, call: CallDep, print_id: UUID) -> None:
    done = parse(PrintsDone, call.body)
    portal.offices.collecting.settle(print_id, done, call.kiosk_id)


@router.post(
    "/confirmations",
    responses=refuses(Problem.BAD_REQUEST, Problem.TOO_MANY),
    openapi_extra=signed(CodeAsk),
)
def send_code(portal: PortalDep, call: CallDep) -> CodeSent:
    call.require_recent()
    return portal.confirmations.send(call.kiosk_id, parse(CodeAsk, call.body))


@router.post(
    "/confirmations/{confirmation_id}",
    responses=refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND),
    openapi_extra=signed(CodeTry),
)
def confirm_code(portal: PortalDep, call: CallDep, confirmation_id: UUID) -> CodeVerdict:
    code = parse(CodeTry, call.body).code
    return portal.confirmations.check(call.kiosk_id, confirmation_id, code)


@router.post("/checks", responses=refuses(Problem.BAD_REQUEST), openapi_extra=signed(CheckAsk))
def check(portal: PortalDep, call: CallDep) -> CheckReply:
    ask = parse(CheckAsk, call.body)
    return CheckReply(answer=portal.services.name(ask.business_name, ask.commune))


@router.post(
    "/issued-pages",
    responses=refuses(
        Problem.BAD_REQUEST, Problem.NOT_FOUND, Problem.COPY_REVOKED, Problem.TOO_MANY
    ),
    openapi_extra=signed(IssuedPageAsk),
)
def issued(portal: PortalDep, call: CallDep) -> IssuedPage:
    """A page of a copy, to compare the paper with."""
    call.require_recent()
    return issued_page(portal, call.kiosk_id, parse(IssuedPageAsk, call.body))


@router.post(
    "/papers",
    responses=refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND),
    openapi_extra=signed(PaperKeep),
)
def keep_paper(portal: PortalDep, call: CallDep) -> PaperInfo:
    call.require_recent()
    return portal.services.keep_paper(parse(PaperKeep, call.body))


@router.post(
    "/papers/list",
    responses=refuses(Problem.BAD_REQUEST, Problem.TOO_MANY),
    openapi_extra=signed(PersonAsk),
)
def papers(portal: PortalDep, call: CallDep) -> PaperList:
    call.require_recent()
    person = parse(PersonAsk, call.body)
    _require_few_persons(portal, call, person.citizen_number)
    return PaperList(papers=portal.services.papers(person.citizen_number))


@router.post(
    "/papers/{paper_id}/pages/{page}",
    responses=file_answer("image/jpeg", "the page")
    | refuses(Problem.BAD_REQUEST, Problem.NOT_FOUND, Problem.TOO_MANY),
    openapi_extra=signed(PersonAsk),
)
def page(portal: PortalDep, call: CallDep, paper_id: UUID, page: int) -> Response:
    call.require_recent()
    person = parse(PersonAsk, call.body)
    _require_few_persons(portal, call, person.citizen_number)
    jpeg = portal.services.page(person.citizen_number, paper_id, page)
    return Response(jpeg, media_type="image/jpeg")


@router.put(
    "/ratings/{rating_id}",
    status_code=204,
    responses=refuses(Problem.BAD_REQUEST),
    openapi_extra=signed(Rating),
)
def rate(portal: PortalDep, call: CallDep, rating_id: UUID) -> None:
    portal.services.rate(call.kiosk_id, rating_id, parse(Rating, call.body))


@router.post(
    "/heartbeats",
    status_code=204,
    responses=refuses(Problem.BAD_REQUEST),
    openapi_extra=signed(Heartbeat),
)
def heartbeat(portal: PortalDep, call: CallDep) -> None:
    """How the kiosk is; the fleet page shows the newest."""
    call.require_recent()
    portal.offices.fleet.hear(call.kiosk_id, parse(Heartbeat, call.body))


@router.get("/office", responses=refuses(), openapi_extra=signed())
def office(portal: PortalDep, _call: CallDep) -> Office:
    return Office(attended=portal.offices.desks.is_attended())


@router.post("/keys", responses=refuses(Problem.BAD_REQUEST), openapi_extra=signed(KeysAsk))
def keys(portal: PortalDep, call: CallDep) -> KeysReply:
    """The portal's keys as of now, signed by each receipt key that it holds."""
    return portal.keys.sign_keys(parse(KeysAsk, call.body).nonce)


@router.get("/devices/self", responses=refuses(), openapi_extra=signed())
def standing(portal: PortalDep, call: CallDep) -> Standing:
    return portal.devices.standing(call.kiosk_id)


@router.post(
    "/devices/certificate",
    responses=refuses(Problem.BAD_REQUEST),
    openapi_extra=signed(CertificateAsk),
)
def renew(portal: PortalDep, call: CallDep) -> CertificateReply:
    call.require_recent()
    csr = parse(CertificateAsk, call.body).csr
    return CertificateReply(certificate=portal.devices.issue(call.kiosk_id, csr))


@router.get(
    "/devices/revoked", responses=file_answer("application/pkix-crl", "RFC 5280, DER") | unsigned()
)
def revoked(portal: PortalDep) -> Response:
    """For whoever holds the door; it is signed and says nothing but serial numbers."""
    return Response(portal.devices.revoked(), media_type="application/pkix-crl")


def _require_few_persons(portal: Portal, call: Call, citizen_number: str) -> None:
    """Raises RefusedError (TOO_MANY) for one person too many; those before may still be asked
    about."""
    limits, person = portal.offices.limits, f"{call.kiosk_id}:{citizen_number}"
    if limits.count(_ASKED, person) > 1 or limits.allows(PERSONS, call.kiosk_id):
        return
    limits.forget(_ASKED, person)
    raise RefusedError(Problem.TOO_MANY, "too many people", retry_after=PERSONS.seconds)
