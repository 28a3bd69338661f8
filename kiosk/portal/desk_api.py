"""JSON routes for desk processes (bearer: the secret of each), and, where the settings allow it,
for a scripted officer.

A desk reads the cases that its account approved, and no others.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from certify.statement import CopyFacts
from kiosk.portal.accounts import Staff
from kiosk.portal.attestations import OriginalSeen
from kiosk.portal.bodies import FileBody, SmallBody, parse
from kiosk.portal.cases import facts_of
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.desk_auth import DeskDep, ScriptedDep, current_desk
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.store import Dossier, manifest_of
from kiosk.portal.vault import pages_of

router = APIRouter(prefix="/desk/api")
_desk = [Depends(current_desk)]


class DossierLine(BaseModel):
    """A dossier without its citizen. ``processing``: 1 to 10; ``state``: always "accepted"."""

    id: str
    code: str
    kiosk_id: str
    mode: str
    procedure: str
    state: Literal["accepted"] = "accepted"
    processing: int
    accepted_at: str
    number: str | None
    note: str | None
    inspect_by: str | None


class CaseDetail(DossierLine):
    """``facts``: what the copy states (certify.statement), once approved. ``scan``: digest of the
    pages of which the officer said that he saw the original (kiosk.portal.attestations).
    ``certificate``: with which this desk may sign it (SHA-256 of the DER, hex), None unless its
    account approved. ``seal_host``: where its seal leads."""

    applicant: dict[str, Any]
    answers: dict[str, Any]
    papers: list[str]
    pages: list[str]
    copies: int
    facts: dict[str, Any] | None
    scan: str | None
    certificate: str | None
    seal_host: str


class Approval(BaseModel):
    original_seen: OriginalSeen


class RefusalReason(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


class NotSigned(BaseModel):
    """``code``: a failure code, or the name of an error; no personal data."""

    code: str = Field(pattern=r"^[A-Za-z0-9. -]{1,64}$")


class DeskDetail(BaseModel):
    """Who the portal takes the caller for. ``certificate``: SHA-256 of the DER, hex."""

    account: str
    full_name: str
    certificate: str


def own_case(portal: PortalDep, desk: DeskDep, case_id: str) -> Dossier:
    """Raises RefusedError (NOT_FOUND)."""
    dossier = portal.cases.case(case_id)
    sees_all = portal.settings.scripted_officer
    if not sees_all and not portal.offices.desks.is_approver(desk.staff.name, case_id):
        raise RefusedError(DeskProblem.NOT_FOUND, "no such case of this desk")
    return dossier


CaseDep = Annotated[Dossier, Depends(own_case)]


@router.get("/self")
def caller(desk: DeskDep) -> DeskDetail:
    staff = desk.staff
    return DeskDetail(account=staff.name, full_name=staff.full_name, certificate=desk.certificate)


@router.get("/dossiers", dependencies=_desk)
def dossiers(portal: PortalDep, before: str = "") -> list[DossierLine]:
    """Accepted dossiers, newest first, at most LISTED; those before the one named ``before``."""
    return [DossierLine(**_line(dossier)) for dossier in portal.store.accepted(before)]


@router.get("/cases")
def cases(
    portal: PortalDep,
    desk: DeskDep,
    state: Literal["waiting", "approved", "inspection"] = "waiting",
) -> list[DossierLine]:
    """``approved``: approved or inspected by the account of this desk, to be signed."""
    found = {
        "waiting": portal.cases.waiting,
        "approved": lambda: portal.offices.desks.to_sign(desk.staff.name),
        "inspection": portal.inspections.due,
    }[state]()
    return [DossierLine(**_line(dossier)) for dossier in found]


@router.get("/cases/{case_id}")
def case(portal: PortalDep, desk: DeskDep, dossier: CaseDep) -> CaseDetail:
    mine = portal.offices.desks.is_approver(desk.staff.name, dossier.id)
    manifest, answers = manifest_of(dossier), portal.cases.answers(dossier)
    attested = portal.attestations.of(dossier.id)
    return CaseDetail(
        **_line(dossier),
        applicant=answers.applicant.model_dump(mode="json"),
        answers=answers.answers,
        papers=[paper.paper_class for paper in manifest.papers],
        pages=pages_of(manifest),
        copies=manifest.copies,
        facts=facts_of(dossier.facts).to_dict() if dossier.facts else None,
        scan=attested.scan if attested else None,
        certificate=desk.certificate if mine else None,
        seal_host=portal.settings.seal_host,
    )


@router.get("/cases/{case_id}/text")
def text(portal: PortalDep, dossier: CaseDep) -> Response:
    return Response(portal.cases.text(dossier), media_type="application/json")


@router.get("/cases/{case_id}/pages/{name}")
def page(portal: PortalDep, dossier: CaseDep, name: str) -> Response:
    image = portal.cases.page(dossier, name)
    return Response(image, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/cases/{case_id}/approve")
def approve(
    portal: PortalDep, officer: ScriptedDep, case_id: str, body: SmallBody
) -> dict[str, Any]:
    """Answers the facts that the copy states (certify.statement)."""
    return approve_as(portal, officer, case_id, parse(Approval, body).original_seen).to_dict()


@router.post("/cases/{case_id}/refuse", status_code=204)
def refuse(portal: PortalDep, officer: ScriptedDep, case_id: str, body: SmallBody) -> None:
    portal.cases.refuse(case_id, parse(RefusalReason, body).reason, officer.full_name)


@router.post("/cases/{case_id}/inspect", status_code=204)
def inspect(portal: PortalDep, officer: ScriptedDep, case_id: str, body: SmallBody) -> None:
    portal.inspections.confirm(case_id, parse(Approval, body).original_seen, officer)


@router.get("/cases/{case_id}/copy")
def get_copy(portal: PortalDep, dossier: CaseDep) -> Response:
    """As it was issued at the kiosk, for the officer's signature."""
    try:
        pdf = portal.vault.copy(dossier.id)
    except FileNotFoundError:
        raise RefusedError(DeskProblem.NOT_FOUND, "no copy was issued") from None
    headers = {"Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.put("/cases/{case_id}/copy", status_code=204)
def put_copy(portal: PortalDep, desk: DeskDep, dossier: CaseDep, pdf: FileBody) -> None:
    """Signed: a new copy after an approval, the issued one and a signature after an inspection."""
    if dossier.mode == "post-check":
        portal.inspections.attach(dossier, pdf, desk)
    else:
        portal.cases.attach_copy(dossier.id, pdf)


@router.post("/cases/{case_id}/not-signed", status_code=204)
def not_signed(portal: PortalDep, desk: DeskDep, case_id: str, body: SmallBody) -> None:
    """The desk could not: shown to the officer, who may have it tried again."""
    if not portal.offices.desks.is_approver(desk.staff.name, case_id):
        raise RefusedError(DeskProblem.NOT_FOUND, "no such case of this desk")
    portal.offices.desks.not_signed(case_id, parse(NotSigned, body).code)


@router.post("/beats", status_code=204)
def beat(portal: PortalDep, desk: DeskDep) -> None:
    """An officer is there, with a token that signs: told to citizens before they begin."""
    portal.offices.desks.beat(desk.staff.name)


def approve_as(portal: Portal, staff: Staff, case_id: str, seen: OriginalSeen) -> CopyFacts:
    """The approval and whose it is, both or neither. Raises RefusedError as Cases.approve."""
    with portal.store.transaction():
        facts = portal.cases.approve(case_id, seen, staff.full_name)
        portal.offices.desks.approved(case_id, staff.name)
    return facts


def _line(dossier: Dossier) -> dict[str, Any]:
    names = DossierLine.model_fields.keys() - {"state"}
    return {name: getattr(dossier, name) for name in names}
