"""The routes that kiosks call; :mod:`offline_queue.intake` is their contract."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from certify.packs import file_name
from kiosk.portal import enrolment
from kiosk.portal.bodies import SmallBody, parse
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.contract import file_answer, refuses, signed, takes, unsigned
from kiosk.portal.device_ca import read_request
from kiosk.portal.errors import RefusedError
from kiosk.portal.kiosk_auth import CallDep
from kiosk.portal.revocations import copy_for_citizen, revoked_codes
from kiosk.portal.secret import code_digest
from kiosk.portal.times import this_year
from kiosk.portal.trust import BUNDLE, POLICY, published_bundle
from offline_queue import signatures
from offline_queue.intake import (
    PREFIX,
    EnrolAnswer,
    EnrolRequest,
    IntakeState,
    Lease,
    LeaseRequest,
    Problem,
    Receipt,
    SignedManifest,
)

router = APIRouter(prefix=PREFIX, generate_unique_id_function=lambda route: route.name)
COSE = 'application/cose; cose-type="cose-sign1"'
_ABOUT_DOSSIER = (Problem.BAD_REQUEST, Problem.NOT_FOUND)


class StaffCall(BaseModel):
    reason: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")


@router.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.post(
    "/devices",
    responses=unsigned(
        Problem.BAD_REQUEST, Problem.NOT_ENROLLED, Problem.REVOKED, Problem.TOO_LARGE
    ),
    openapi_extra=takes(EnrolRequest),
)
def enrol(portal: PortalDep, body: SmallBody) -> EnrolAnswer:
    """The only unsigned request: the one-time code vouches for the key."""
    request = parse(EnrolRequest, body)
    hashed = code_digest(request.one_time_code)
    if not enrolment.is_code_for(portal.settings.enrolment_codes_file, request.kiosk_id, hashed):
        raise RefusedError(Problem.NOT_ENROLLED, "not a code for this kiosk")
    try:
        key = signatures.public_pem(signatures.load_public(request.public_key))
    except ValueError:
        raise RefusedError(Problem.BAD_REQUEST, "public_key is not a P-256 key in PEM") from None
    if request.csr:
        read_request(request.csr)  # what is malformed burns no code
    with portal.store.transaction():
        certificate = _admit(portal, request, key, hashed)
    return portal.keys.enrol_answer().model_copy(update={"certificate": certificate})


def _admit(portal: Portal, request: EnrolRequest, key: str, hashed: str) -> str:
    """The certificate, issued last: a spent code gets none. Raises RefusedError."""
    if not portal.devices.may_enrol(request.kiosk_id, hashed):
        raise RefusedError(Problem.REVOKED, "a fresh code is needed")
    if not portal.store.enrol(request.kiosk_id, key, hashed):
        raise RefusedError(Problem.NOT_ENROLLED, "this code was used for another key")
    portal.devices.readmit(request.kiosk_id)
    return portal.devices.issue(request.kiosk_id, request.csr) if request.csr else ""


@router.put(
    "/dossiers/{dossier_id}",
    responses=refuses(
        Problem.BAD_REQUEST, Problem.CONFLICT, Problem.BAD_MANIFEST, Problem.UNKNOWN_KEY
    ),
    openapi_extra=signed(SignedManifest),
)
def put_dossier(portal: PortalDep, call: CallDep, dossier_id: UUID) -> IntakeState:
    begun = portal.store.dossier(str(dossier_id))  # and so may be ended
    if not begun and (wait := portal.admission.enter(call.kiosk_id)):
        raise RefusedError(Problem.UNAVAILABLE, "too many at once", retry_after=wait)
    return portal.intake.open(call.kiosk_id, dossier_id, parse(SignedManifest, call.body))


@router.post(
    "/dossiers/{dossier_id}/commit",
    responses=refuses(*_ABOUT_DOSSIER, Problem.INCOMPLETE, Problem.BAD_MANIFEST)
    | {200: {"headers": {"Retry-After": {"schema": {"type": "integer"}}}}},
    openapi_extra=signed(),
)
def commit(portal: PortalDep, call: CallDep, dossier_id: UUID, response: Response) -> Receipt:
    """``Retry-After`` with a receipt: when this kiosk's next dossier is welcome."""
    receipt = portal.intake.commit(call.kiosk_id, dossier_id)
    if wait := portal.admission.next_after(call.kiosk_id):
        response.headers["Retry-After"] = str(wait)
    return receipt


@router.get("/dossiers/{dossier_id}", responses=refuses(*_ABOUT_DOSSIER), openapi_extra=signed())
def state(portal: PortalDep, call: CallDep, dossier_id: UUID) -> IntakeState:
    return portal.intake.state(call.kiosk_id, dossier_id)


@router.get(
    "/dossiers/{dossier_id}/copy",
    response_class=Response,
    responses=file_answer("application/pdf", "the certified copy") | refuses(*_ABOUT_DOSSIER),
    openapi_extra=signed(),
)
def copy(portal: PortalDep, call: CallDep, dossier_id: UUID) -> Response:
    dossier = portal.intake.own(call.kiosk_id, dossier_id)
    if dossier.facts is None:
        raise RefusedError(Problem.NOT_FOUND, "no copy was issued")
    pdf = copy_for_citizen(portal.store, portal.vault, dossier.id)
    if pdf is None:
        raise RefusedError(Problem.NOT_FOUND, "no copy was issued, or it was revoked")
    return Response(pdf, media_type="application/pdf")


@router.post("/leases", responses=refuses(Problem.BAD_REQUEST), openapi_extra=signed(LeaseRequest))
def lease(portal: PortalDep, call: CallDep) -> Lease:
    """Blocks for this year, or for the next one so that a kiosk is ready at midnight."""
    call.require_recent()
    request = parse(LeaseRequest, call.body)
    if request.year not in (this_year(), this_year() + 1):
        raise RefusedError(Problem.BAD_REQUEST, "year: neither this year nor the next")
    if not 1 <= request.count <= portal.settings.lease_limit:
        raise RefusedError(Problem.BAD_REQUEST, f"count: 1 to {portal.settings.lease_limit}")
    life = _lease_life(portal, request)
    return portal.register.lease(call.kiosk_id, request.kind, request.year, request.count, life)


def _lease_life(portal: Portal, request: LeaseRequest) -> timedelta:
    settings = portal.settings
    days = settings.lease_days if request.kind == "certificate" else settings.code_lease_days
    return timedelta(days=days)


@router.post(
    "/staff-calls",
    status_code=204,
    responses=refuses(Problem.BAD_REQUEST),
    openapi_extra=signed(StaffCall),
)
def call_staff(portal: PortalDep, call: CallDep) -> None:
    call.require_recent()
    portal.store.call_staff(call.kiosk_id, parse(StaffCall, call.body).reason)


@router.get(
    "/trust-bundle",
    response_class=Response,
    responses=file_answer("application/cose", "whom to believe, and which copies are revoked")
    | refuses(Problem.NOT_FOUND),
    openapi_extra=signed(),
)
def trust_bundle(portal: PortalDep, _call: CallDep) -> Response:
    codes = revoked_codes(portal.store)
    try:
        data = published_bundle(portal.settings.trust_dir, portal.keys.revocations, codes)
    except FileNotFoundError:
        raise RefusedError(Problem.NOT_FOUND, f"{BUNDLE} was not published yet") from None
    return Response(data, media_type=COSE)


@router.get(
    "/policy",
    response_class=Response,
    responses=file_answer("application/cose", "what a kiosk may do") | refuses(Problem.NOT_FOUND),
    openapi_extra=signed(),
)
def policy(portal: PortalDep, _call: CallDep) -> Response:
    return _published(portal, POLICY, COSE)


@router.get(
    "/packs/{sha256}",
    response_class=Response,
    responses=file_answer("application/cbor", "a procedure pack") | refuses(*_ABOUT_DOSSIER),
    openapi_extra=signed(),
)
def pack(
    portal: PortalDep, _call: CallDep, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
) -> Response:
    return _published(portal, file_name(sha256), "application/cbor")


def _published(portal: Portal, name: str, media_type: str) -> Response:
    try:
        data = (portal.settings.trust_dir / name).read_bytes()
    except FileNotFoundError:
        raise RefusedError(Problem.NOT_FOUND, f"{name} was not published yet") from None
    return Response(data, media_type=media_type)
