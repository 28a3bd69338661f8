"""What the office keeps in writing: the register book, its export, why a number is missing; and
the receipts of fees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from kiosk.portal import receipt_print
from kiosk.portal.accounts import May
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.desk_auth import LoginDep
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.office_pages import FIRST_DAY, LAST_DAY, file_of
from kiosk.portal.receipt_print import Case
from kiosk.portal.register_print import Title, as_csv, as_pdf
from kiosk.portal.render import StaffForm, staff_page
from kiosk.portal.revocations import voids_among
from kiosk.portal.store import LISTED, manifest_of
from kiosk.portal.times import this_year
from offline_queue.intake import Problem

router = APIRouter()
_Year = Annotated[int | None, Query(ge=FIRST_DAY.year, le=LAST_DAY.year)]
_Number = Annotated[int, Query(ge=0, le=2**63 - 1)]  # what both databases can compare
_MOST_WORDS = 200


@router.get("/register")
def register_page(
    request: Request, portal: PortalDep, login: LoginDep, year: _Year = None, after: _Number = 0
) -> Response:
    login.require(May.LOOK)
    year = year or this_year()
    entries = portal.register.entries(year, after)
    papers = {entry.dossier: paper_words(portal, entry.paper) for entry in entries}
    return staff_page(
        request,
        portal,
        login,
        "register.html",
        year=year,
        entries=entries,
        full=LISTED,
        papers=papers,
        voids=voids_among(portal.store, [entry.dossier for entry in entries]),
    )


@router.post("/register/export")
def export_register(portal: PortalDep, login: LoginDep, form: StaffForm) -> Response:
    """The whole book of a year; noted for the auditor, since it holds names."""
    login.require(May.EXPORT)
    year = _whole(form.get("year", ""), FIRST_DAY.year, LAST_DAY.year, "year")
    portal.offices.accounts.note(login.staff.name, "register.export", str(year))
    if form.get("form") == "csv":
        return file_of(in_csv(portal, year), "text/csv", f"so-chung-thuc-{year}.csv")
    pdf = printed(portal, year, login.staff.full_name)
    return file_of(pdf, "application/pdf", f"so-chung-thuc-{year}.pdf")


@router.post("/register/notes")
def explain_gap(portal: PortalDep, login: LoginDep, form: StaffForm) -> Response:
    """Why a number is missing, in an officer's words."""
    login.require(May.DECIDE)
    year = _whole(form.get("year", ""), FIRST_DAY.year, LAST_DAY.year, "year")
    number = _whole(form.get("number", ""), 1, 10**9, "number")
    words = form.get("words", "")[:_MOST_WORDS]
    if not words:
        raise RefusedError(Problem.BAD_REQUEST, "words: why the number is missing")
    if not portal.book.explain(year, number, words, login.staff.full_name):
        raise RefusedError(DeskProblem.NOT_FOUND, "that number is not missing")
    portal.offices.accounts.note(login.staff.name, "register.note", f"{year} {number}")
    return RedirectResponse(f"/register?year={year}", status_code=303)


@router.get("/desk/{case_id}/receipts/{kind}.pdf")
def fee_receipt(
    portal: PortalDep, login: LoginDep, case_id: str, kind: Literal["fee", "return"]
) -> Response:
    """The electronic receipt of a dossier's fee, or of its return."""
    login.require(May.LOOK)
    dossier = portal.cases.case(case_id)
    receipts = portal.offices.fees.receipts.of(dossier.id)
    receipt, manifest = receipts.get(kind), manifest_of(dossier)
    if receipt is None:
        raise RefusedError(DeskProblem.NOT_FOUND, "no such receipt")
    case = Case(
        agency=portal.settings.agency,
        code=dossier.code,
        payer=portal.cases.answers(dossier).applicant.full_name,
        procedure=portal.offices.catalogue.procedure(dossier.procedure).title,
        pages=sum(len(paper.pages) for paper in manifest.papers),
        copies=manifest.copies,
        returned="return" in receipts,
    )
    name = f"bien-lai-{receipt.year}-{receipt.number:04d}.pdf"
    return file_of(receipt_print.as_pdf(receipt, case), "application/pdf", name)


def in_csv(portal: Portal, year: int) -> Iterator[str]:
    return as_csv(portal.book.lines(year), lambda paper: paper_words(portal, paper))


def printed(portal: Portal, year: int, by: str) -> bytes:
    """The book as PDF. ``by``: who has it made."""
    title = Title(portal.settings.agency, portal.book.book(year), year, by)
    return as_pdf(portal.book.lines(year), lambda paper: paper_words(portal, paper), title)


def paper_words(portal: Portal, classes: str) -> str:
    return portal.offices.catalogue.papers(classes.split(", "))


def _whole(text: str, least: int, most: int, name: str) -> int:
    try:
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else -1
    except ValueError:
        value = -1
    if not least <= value <= most:
        raise RefusedError(Problem.BAD_REQUEST, f"{name}: {least} to {most}")
    return value
