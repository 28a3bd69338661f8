"""JSON routes for the desk process (bearer: its machine secret), and, where the settings allow it,
for a scripted officer.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from kiosk.portal.bodies import FileBody, SmallBody, parse
from kiosk.portal.cases import OriginalSeen, facts_of
from kiosk.portal.composition import PortalDep
from kiosk.portal.desk_auth import require_desk, require_scripted_officer
from kiosk.portal.store import Dossier, manifest_of
from kiosk.portal.vault import pages_of

router = APIRouter(prefix="/desk/api")
_desk = [Depends(require_desk)]
_officer = [Depends(require_scripted_officer)]


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
    """``facts``: what the copy states (certify.statement), once approved. ``seal_host``: where
    its seal leads."""

    applicant: dict[str, Any]
    answers: dict[str, Any]
    papers: list[str]
    pages: list[str]
    copies: int
    facts: dict[str, Any] | None
    seal_host: str


class Approval(BaseModel):
    """``officer``: a name that differs from the one in the settings."""

    original_seen: OriginalSeen
    officer: str | None = Field(None, min_length=1)


class RefusalReason(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


@router.get("/dossiers", dependencies=_desk)
def dossiers(portal: PortalDep, before: str = "") -> list[DossierLine]:
    """Accepted dossiers, newest first, at most LISTED; those before the one named ``before``."""
    return [DossierLine(**_line(dossier)) for dossier in portal.store.accepted(before)]


@router.get("/cases", dependencies=_desk)
def cases(
    portal: PortalDep, state: Literal["waiting", "approved", "inspection"] = "waiting"
) -> list[DossierLine]:
    found = {
        "waiting": portal.cases.waiting,
        "approved": portal.cases.approved,
        "inspection": portal.cases.to_inspect,
    }[state]()
    return [DossierLine(**_line(dossier)) for dossier in found]


@router.get("/cases/{case_id}", dependencies=_desk)
def case(portal: PortalDep, case_id: str) -> CaseDetail:
    dossier = portal.cases.case(case_id)
    manifest, answers = manifest_of(dossier), portal.cases.answers(dossier)
    return CaseDetail(
        **_line(dossier),
        applicant=answers.applicant.model_dump(mode="json"),
        answers=answers.answers,
        papers=[paper.paper_class for paper in manifest.papers],
        pages=pages_of(manifest),
        copies=manifest.copies,
        facts=facts_of(dossier.facts).to_dict() if dossier.facts else None,
        seal_host=portal.settings.seal_host,
    )


@router.get("/cases/{case_id}/text", dependencies=_desk)
def text(portal: PortalDep, case_id: str) -> Response:
    return Response(portal.cases.text(portal.cases.case(case_id)), media_type="application/json")


@router.get("/cases/{case_id}/pages/{name}", dependencies=_desk)
def page(portal: PortalDep, case_id: str, name: str) -> Response:
    image = portal.cases.page(portal.cases.case(case_id), name)
    return Response(image, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/cases/{case_id}/approve", dependencies=_officer)
def approve(portal: PortalDep, case_id: str, body: SmallBody) -> dict[str, Any]:
    """Answers the facts that the copy states (certify.statement)."""
    approval = parse(Approval, body)
    return portal.cases.approve(case_id, approval.original_seen, approval.officer).to_dict()


@router.post("/cases/{case_id}/refuse", status_code=204, dependencies=_officer)
def refuse(portal: PortalDep, case_id: str, body: SmallBody) -> None:
    portal.cases.refuse(case_id, parse(RefusalReason, body).reason)


@router.put("/cases/{case_id}/copy", status_code=204, dependencies=_desk)
def put_copy(portal: PortalDep, case_id: str, pdf: FileBody) -> None:
    portal.cases.attach_copy(case_id, pdf)


def _line(dossier: Dossier) -> dict[str, Any]:
    names = DossierLine.model_fields.keys() - {"state"}
    return {name: getattr(dossier, name) for name in names}
