"""The officer desk: a list of what waits, and one case a screen, made for the keyboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from certify.pages import SourcePage, decode_text
from kiosk.portal.accounts import May
from kiosk.portal.answers import Answers
from kiosk.portal.attestations import OriginalSeen
from kiosk.portal.cases import Ended, facts_of
from kiosk.portal.composition import Portal, PortalDep, unpublished_of
from kiosk.portal.desk_api import approve_as
from kiosk.portal.desk_auth import Login, LoginDep
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.inspections import is_overdue
from kiosk.portal.render import REFUSAL_WORDS, REVOCATION_WORDS, StaffForm, staff_page
from kiosk.portal.revocations import revocation_of, voids_among
from kiosk.portal.store import LISTED, Dossier, Processing, manifest_of
from kiosk.portal.vault import pages_of
from kiosk.portal.words import money
from offline_queue.intake import Problem
from offline_queue.manifest import Manifest

router = APIRouter()
_CALLS_SHOWN = 5
_READABLE = 60  # mean confidence of Tesseract below which an officer should look twice
_LONGEST_REQUEST = 500
_SEEN: tuple[OriginalSeen, ...] = ("at-the-kiosk", "at-the-desk", "by-video")
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_ENDS: Mapping[str, Ended] = {
    "withdrawn": Processing.WITHDRAWN,
    "stopped": Processing.STOPPED,
}
_HOMES = ((May.DECIDE, "/desk"), (May.LOOK, "/"), (May.STAFF, "/staff"))


@dataclass(frozen=True, slots=True)
class PageView:
    """``confidence``: mean of the words, 0 to 100, or None without words."""

    name: str
    text: str
    confidence: int | None

    @property
    def hard_to_read(self) -> bool:
        return self.confidence is not None and self.confidence < _READABLE


@router.get("/start")
def start(login: LoginDep) -> Response:
    """Where a login leads, by role."""
    home = next(path for what, path in _HOMES if login.staff.may(what))
    return RedirectResponse(home, status_code=303)


@router.get("/")
def dossiers_page(
    request: Request, portal: PortalDep, login: LoginDep, before: str = ""
) -> Response:
    login.require(May.LOOK)
    return staff_page(
        request,
        portal,
        login,
        "dossiers.html",
        dossiers=portal.store.accepted(before),
        catalogue=portal.offices.catalogue,
        full=LISTED,
        calls=portal.store.staff_calls(_CALLS_SHOWN),
    )


@router.get("/desk")
def desk_page(request: Request, portal: PortalDep, login: LoginDep, after: str = "") -> Response:
    login.require(May.LOOK)
    cases = portal.cases
    return staff_page(
        request,
        portal,
        login,
        "desk.html",
        waiting=cases.waiting(),
        filings=cases.filings(),
        approved=[*cases.approved(), *portal.inspections.to_sign()],
        to_pay=cases.to_pay(),
        incomplete=cases.incomplete(),
        to_inspect=portal.inspections.due(),
        overdue=portal.inspections.overdue(),
        unpublished=len(unpublished_of(portal)),
        is_overdue=is_overdue,
        troubles=portal.offices.desks.troubles(),
        unattended=portal.offices.desks.unattended(),
        fees_to_return=_with_dossiers(portal),
        full=LISTED,
        last=_after(portal, after),
    )


@router.get("/desk/next")
def next_case(portal: PortalDep, login: LoginDep, after: str = "") -> Response:
    """The case that waits longest, then the copy whose inspection is due first, or the list."""
    login.require(May.LOOK)
    following = portal.cases.next_waiting() or next(
        filter(portal.inspections.may_inspect, portal.inspections.due()), None
    )
    place = f"/desk/{following.id}" if following else "/desk"
    last = _after(portal, after)
    return RedirectResponse(f"{place}?after={last.id}" if last else place, status_code=303)


@router.get("/desk/{case_id}")
def case_page(
    request: Request, portal: PortalDep, login: LoginDep, case_id: str, after: str = ""
) -> Response:
    login.require(May.LOOK)
    dossier = _opened(portal, login, case_id)
    manifest, answers = manifest_of(dossier), portal.cases.answers(dossier)
    offices = portal.offices
    pages, fee = _pages(portal, dossier, manifest), offices.fees.fee(dossier.id)
    return staff_page(
        request,
        portal,
        login,
        "case.html",
        dossier=dossier,
        manifest=manifest,
        applicant=manifest.applicants[0],
        answers=answers,
        pages=pages,
        papers=offices.catalogue.papers(paper.paper_class for paper in manifest.papers),
        facts=facts_of(dossier.facts) if dossier.facts else None,
        fee=fee,
        receipts=offices.fees.receipts.of(dossier.id),
        line=offices.casebook.line(dossier.id),
        events=offices.casebook.events(dossier.id),
        children=offices.casebook.children(dossier.id),
        deliveries=offices.deliveries.of_dossier(dossier.id),
        warnings=[
            *portal.vouched.warnings(manifest, answers),
            *warnings(manifest, answers, pages),
        ],
        is_waiting=portal.cases.is_waiting(dossier),
        may_end=portal.cases.may_end(dossier),
        sufficient=portal.attestations.sufficient(dossier.procedure),
        **_of_copy(portal, dossier),
        is_done=dossier.processing == Processing.DONE,
        last=_after(portal, after),
    )


@router.get("/desk/{case_id}/pages/{name}")
def page_image(portal: PortalDep, login: LoginDep, case_id: str, name: str) -> Response:
    login.require(May.LOOK)
    image = portal.cases.page(portal.cases.case(case_id), name)
    return Response(image, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/desk/{case_id}/approve")
def approve(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    login.require(May.DECIDE)
    approve_as(portal, login.staff, case_id, _seen(form))
    return _onward(portal, login, "case.approve", case_id)


@router.get("/desk/{case_id}/copy")
def copy(portal: PortalDep, login: LoginDep, case_id: str) -> Response:
    """The certified copy, as it stands now."""
    login.require(May.LOOK)
    dossier = portal.cases.case(case_id)
    try:
        pdf = portal.vault.copy(dossier.id)
    except FileNotFoundError:
        raise RefusedError(DeskProblem.NOT_FOUND, "no copy was issued") from None
    return Response(pdf, media_type="application/pdf", headers=_PRIVATE)


@router.post("/desk/{case_id}/inspect")
def inspect(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    """The copy that a kiosk issued is as its original; the desk signs it."""
    login.require(May.DECIDE)
    portal.inspections.confirm(case_id, _seen(form), login.staff)
    return _onward(portal, login, "case.inspect", case_id)


@router.post("/desk/{case_id}/revoke")
def revoke(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    login.require(May.DECIDE)
    reason = form.get("reason", "")
    if reason not in REVOCATION_WORDS:
        raise RefusedError(Problem.BAD_REQUEST, "reason: not one of the list")
    portal.inspections.revoke(case_id, reason, login.staff.full_name)
    return _stay(portal, login, "case.revoke", case_id)


@router.post("/desk/{case_id}/again")
def again(portal: PortalDep, login: LoginDep, _form: StaffForm, case_id: str) -> Response:
    """The desk could not sign; it tries once more."""
    login.require(May.DECIDE)
    portal.offices.desks.again(portal.cases.case(case_id).id)
    return _stay(portal, login, "case.again", case_id)


@router.post("/desk/{case_id}/refuse")
def refuse(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    login.require(May.DECIDE)
    reason = form.get("reason", "")
    if reason not in REFUSAL_WORDS:
        raise RefusedError(Problem.BAD_REQUEST, "reason: not one of the list")
    portal.cases.refuse(case_id, reason, login.staff.full_name)
    return _onward(portal, login, "case.refuse", case_id)


@router.post("/desk/{case_id}/supplement")
def supplement(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    """Ask for a rescan or for a missing paper, in the officer's own words."""
    login.require(May.DECIDE)
    portal.cases.ask_for_more(case_id, _words(form, "missing"), login.staff.full_name)
    return _onward(portal, login, "case.supplement", case_id)


@router.post("/desk/{case_id}/duty")
def duty(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    """A financial duty comes first: what and where to pay, in the officer's own words."""
    login.require(May.DECIDE)
    portal.cases.ask_to_pay(case_id, _words(form, "duty"), login.staff.full_name)
    return _onward(portal, login, "case.duty", case_id)


@router.post("/desk/{case_id}/duty-done")
def duty_done(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    login.require(May.DECIDE)
    portal.cases.duty_done(case_id, _words(form, "reference"), login.staff.full_name)
    return _stay(portal, login, "case.duty-done", case_id)


@router.post("/desk/{case_id}/end")
def end(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    """Withdrawn by the citizen, or stopped by the agency."""
    login.require(May.DECIDE)
    state = _ENDS.get(form.get("how", ""))
    if state is None:
        raise RefusedError(Problem.BAD_REQUEST, "how: withdrawn or stopped")
    portal.cases.end(case_id, state, _words(form, "why"), login.staff.full_name)
    return _onward(portal, login, "case.end", case_id)


@router.post("/desk/{case_id}/finish")
def finish(portal: PortalDep, login: LoginDep, _form: StaffForm, case_id: str) -> Response:
    login.require(May.DECIDE)
    portal.cases.finish(case_id, login.staff.full_name)
    return _onward(portal, login, "case.finish", case_id)


@router.post("/desk/{case_id}/hand-over")
def hand_over(portal: PortalDep, login: LoginDep, _form: StaffForm, case_id: str) -> Response:
    login.require(May.DECIDE)
    portal.cases.hand_over(case_id, login.staff.full_name)
    return _stay(portal, login, "case.hand-over", case_id)


@router.post("/desk/{case_id}/fee")
def fee_taken(portal: PortalDep, login: LoginDep, form: StaffForm, case_id: str) -> Response:
    """Money came in at the desk, or went back there."""
    login.require(May.DECIDE)
    reference, fees = form.get("reference", "")[:64], portal.offices.fees
    if not reference:
        raise RefusedError(Problem.BAD_REQUEST, "reference: the number of the receipt")
    if form.get("direction") == "back":
        fees.give_back(case_id, reference, login.staff.full_name)
    else:
        fees.take(case_id, reference, login.staff.full_name)
    return _stay(portal, login, "case.fee", case_id)


def warnings(manifest: Manifest, answers: Answers, pages: list[PageView]) -> list[str]:
    """What an officer should look at twice, in words."""
    applicant, found = manifest.applicants[0], []
    if applicant.grade == "claimed":
        found.append("Chưa xác thực người yêu cầu: xem giấy tờ tùy thân.")
    elif applicant.grade == "proven" and not applicant.face_match:
        found.append("Chưa so khuôn mặt: xem giấy tờ tùy thân.")
    if not manifest.clock_trusted:
        found.append("Đồng hồ của kiosk không chắc đúng: giờ khóa hồ sơ chỉ để tham khảo.")
    for number, page in enumerate(pages, 1):
        if page.hard_to_read:
            found.append(f"Trang {number} khó đọc ({page.confidence} %): so kỹ với bản chính.")
    if manifest.fee.state == "due-at-desk":
        found.append(f"Thu lệ phí {money(manifest.fee.amount)} khi trả kết quả.")
    if answers.delivery.channel == "post":
        found.append(f"Trả qua bưu điện, cước {money(answers.delivery.fee)}.")
    return found


def _pages(portal: Portal, dossier: Dossier, manifest: Manifest) -> list[PageView]:
    names = pages_of(manifest)
    if not any(part.name == "text.json" for part in manifest.parts):
        return [PageView(name, "", None) for name in names]
    read = decode_text(portal.cases.text(dossier), [b""] * len(names))
    return [
        PageView(name, page.text, _confidence(page)) for name, page in zip(names, read, strict=True)
    ]


def _confidence(page: SourcePage) -> int | None:
    words = [word.confidence for word in page.words]
    return round(sum(words) / len(words)) if words else None


def _with_dossiers(portal: Portal) -> list[tuple[Dossier, int]]:
    return [
        (portal.cases.case(line.dossier), line.amount) for line in portal.offices.fees.to_return()
    ]


def _opened(portal: Portal, login: Login, case_id: str) -> Dossier:
    if login.staff.may(May.DECIDE):
        return portal.cases.opened(case_id, login.staff.full_name)
    return portal.cases.case(case_id)


def _of_copy(portal: Portal, dossier: Dossier) -> dict[str, Any]:
    """How it stands with the copy that was or will be issued."""
    inspections, waits = portal.inspections, dossier.processing == Processing.PROCESSING
    trouble = portal.offices.desks.trouble(dossier.id) if waits else None
    void = voids_among(portal.store, [dossier.id]).get(dossier.id)
    was_issued = dossier.mode == "post-check" or not (waits or void == "not-issued")
    return {
        "may_inspect": inspections.may_inspect(dossier),
        "may_revoke": inspections.may_revoke(dossier),
        "has_copy": dossier.facts is not None and was_issued,
        "inspection": inspections.of(dossier.id),
        "is_overdue": dossier.inspect_by is not None and is_overdue(dossier.inspect_by),
        "revocation": revocation_of(portal.store, dossier.id),
        "void": void,
        "trouble": trouble,
        "unattended": waits and dossier.id in portal.offices.desks.unattended(),
        "archive": portal.offices.archives.of(dossier.id) if portal.settings.archive else None,
    }


def _seen(form: Mapping[str, str]) -> OriginalSeen:
    """Raises RefusedError (NOT_SEEN)."""
    for seen in _SEEN:
        if seen == form.get("original_seen"):
            return seen
    raise RefusedError(DeskProblem.NOT_SEEN, "say how the original was seen")


def _words(form: Mapping[str, str], field: str) -> str:
    """What an officer wrote. Raises RefusedError (BAD_REQUEST)."""
    words = form.get(field, "")
    if not 1 <= len(words) <= _LONGEST_REQUEST:
        raise RefusedError(Problem.BAD_REQUEST, f"{field}: 1 to {_LONGEST_REQUEST} letters")
    return words


def _after(portal: Portal, dossier_id: str) -> Dossier | None:
    """The case that was decided a moment ago, to say so."""
    found = portal.store.dossier(dossier_id) if dossier_id else None
    return found if found and found.receipt else None


def _onward(portal: Portal, login: Login, action: str, case_id: str) -> Response:
    portal.offices.accounts.note(login.staff.name, action, case_id)
    return RedirectResponse(f"/desk/next?after={case_id}", status_code=303)


def _stay(portal: Portal, login: Login, action: str, case_id: str) -> Response:
    portal.offices.accounts.note(login.staff.name, action, case_id)
    return RedirectResponse(f"/desk/{case_id}", status_code=303)
