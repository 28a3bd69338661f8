"""The routes that kiosks call; :mod:`offline_queue.intake` is their contract."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from kiosk.portal import enrolment
from kiosk.portal.bodies import SmallBody, parse
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.errors import RefusedError
from kiosk.portal.kiosk_auth import CallDep
from kiosk.portal.times import this_year
from kiosk.portal.trust import BUNDLE, POLICY
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

router = APIRouter(prefix=PREFIX)
COSE = 'application/cose; cose-type="cose-sign1"'


class StaffCall(BaseModel):
    reason: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")


@router.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.post("/devices")
def enrol(portal: PortalDep, body: SmallBody) -> EnrolAnswer:
    """The only unsigned request: the one-time code vouches for the key."""
    request = parse(EnrolRequest, body)
    hashed = enrolment.code_hash(request.one_time_code)
    if not enrolment.is_code_for(portal.settings.enrolment_codes_file, request.kiosk_id, hashed):
        raise RefusedError(Problem.NOT_ENROLLED, "not a code for this kiosk")
    try:
        key = signatures.public_pem(signatures.load_public(request.public_key))
    except ValueError:
        raise RefusedError(Problem.BAD_REQUEST, "public_key is not a P-256 key in PEM") from None
    if not portal.store.enrol(request.kiosk_id, key, hashed):
        raise RefusedError(Problem.NOT_ENROLLED, "this code was used for another key")
    return portal.keys.enrol_answer()


@router.put("/dossiers/{dossier_id}")
def put_dossier(portal: PortalDep, call: CallDep, dossier_id: UUID) -> IntakeState:
    begun = portal.store.dossier(str(dossier_id))  # and so may be ended
    if not begun and (wait := portal.admission.enter(call.kiosk_id)):
        raise RefusedError(Problem.UNAVAILABLE, "too many at once", retry_after=wait)
    return portal.intake.open(call.kiosk_id, dossier_id, parse(SignedManifest, call.body))


@router.post("/dossiers/{dossier_id}/commit")
def commit(portal: PortalDep, call: CallDep, dossier_id: UUID, response: Response) -> Receipt:
    receipt = portal.intake.commit(call.kiosk_id, dossier_id)
    if wait := portal.admission.next_after(call.kiosk_id):
        response.headers["Retry-After"] = str(wait)
    return receipt


@router.get("/dossiers/{dossier_id}")
def state(portal: PortalDep, call: CallDep, dossier_id: UUID) -> IntakeState:
    return portal.intake.state(call.kiosk_id, dossier_id)


@router.get("/dossiers/{dossier_id}/copy")
def copy(portal: PortalDep, call: CallDep, dossier_id: UUID) -> FileResponse:
    dossier = portal.intake.own(call.kiosk_id, dossier_id)
    file = portal.vault.copy_file(dossier.id)
    if not file.exists():
        raise RefusedError(Problem.NOT_FOUND, "no copy was issued")
    return FileResponse(file, media_type="application/pdf")


@router.post("/leases")
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


@router.post("/staff-calls", status_code=204)
def call_staff(portal: PortalDep, call: CallDep) -> None:
    call.require_recent()
    portal.store.call_staff(call.kiosk_id, parse(StaffCall, call.body).reason)


@router.get("/trust-bundle")
def trust_bundle(portal: PortalDep, _call: CallDep) -> Response:
    return _signed_file(portal, BUNDLE)


@router.get("/policy")
def policy(portal: PortalDep, _call: CallDep) -> Response:
    return _signed_file(portal, POLICY)


def _signed_file(portal: Portal, name: str) -> Response:
    try:
        data = (portal.settings.trust_dir / name).read_bytes()
    except FileNotFoundError:
        raise RefusedError(Problem.NOT_FOUND, f"{name} was not published yet") from None
    return Response(data, media_type=COSE)
