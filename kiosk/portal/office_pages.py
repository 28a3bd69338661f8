"""Pages around the desk: deliveries, figures, fleet, export, accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from kiosk.portal.accounts import May, Role
from kiosk.portal.composition import PortalDep
from kiosk.portal.desk_auth import LoginDep
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.export import as_csv as export_csv
from kiosk.portal.export import as_json as export_json
from kiosk.portal.render import StaffForm, staff_page
from kiosk.portal.statistics import MOST_DAYS, as_csv, totals
from kiosk.portal.store import LISTED
from kiosk.portal.times import VIETNAM
from offline_queue.intake import Problem

router = APIRouter()
T = TypeVar("T")
_DAYS_SHOWN = 30
_ACTIONS_SHOWN = 50
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2200, 12, 31)
_Number = Annotated[int, Query(ge=0, le=2**63 - 1)]  # what both databases can compare


@router.get("/fleet")
def fleet_page(
    request: Request, portal: PortalDep, login: LoginDep, start: _Number = 0
) -> Response:
    """Those that need somebody first, a page at a time."""
    login.require(May.FLEET)
    kiosks = portal.offices.fleet.kiosks()
    start = min(start, len(kiosks))
    return staff_page(
        request,
        portal,
        login,
        "fleet.html",
        kiosks=kiosks[start : start + LISTED],
        count=len(kiosks),
        needy=sum(kiosk.needs_somebody for kiosk in kiosks),
        following=start + LISTED,
    )


@router.get("/statistics")
def statistics_page(
    request: Request,
    portal: PortalDep,
    login: LoginDep,
    first: date | None = None,
    last: date | None = None,
) -> Response:
    login.require(May.COUNT)
    first, last = _span(first, last)
    lines = portal.offices.statistics.days(first, last)
    return staff_page(
        request,
        portal,
        login,
        "statistics.html",
        first=first.isoformat(),
        last=last.isoformat(),
        lines=lines,
        totals=totals(lines),
        ratings=[
            (portal.offices.catalogue.procedure(code).title, stars, count)
            for code, stars, count in portal.services.ratings()
        ],
    )


@router.get("/statistics.csv")
def statistics_csv(
    portal: PortalDep, login: LoginDep, first: date | None = None, last: date | None = None
) -> Response:
    login.require(May.COUNT)
    first, last = _span(first, last)
    text = as_csv(portal.offices.statistics.days(first, last))
    return file_of(text, "text/csv", f"thong-ke-{first}-{last}.csv")


@router.post("/export")
def export(portal: PortalDep, login: LoginDep, form: StaffForm) -> Response:
    """Dossiers in the exchange form; noted for the auditor, since it holds names."""
    login.require(May.EXPORT)
    try:
        first, last = (
            _in_bounds(date.fromisoformat(form.get(name, ""))) for name in ("first", "last")
        )
    except ValueError:
        raise RefusedError(Problem.BAD_REQUEST, "first, last: days as yyyy-mm-dd") from None
    if not 0 <= (last - first).days < MOST_DAYS:
        raise RefusedError(Problem.BAD_REQUEST, f"first, last: 1 to {MOST_DAYS} days")
    portal.offices.accounts.note(login.staff.name, "export", f"{first} {last}")
    records = portal.offices.export.records(first, last)
    if form.get("form") == "csv":
        return file_of(export_csv(records), "text/csv", f"ho-so-{first}-{last}.csv")
    return file_of(export_json(records), "application/json", f"ho-so-{first}-{last}.json")


@router.get("/deliveries")
def deliveries_page(request: Request, portal: PortalDep, login: LoginDep) -> Response:
    login.require(May.LOOK)
    lines = portal.offices.deliveries.lines()
    dossiers = {line.dossier: portal.cases.case(line.dossier) for line in lines}
    by_hand = {
        line.id: portal.cases.answers(dossiers[line.dossier])
        for line in lines
        if line.state == "by-hand"
    }
    return staff_page(
        request,
        portal,
        login,
        "deliveries.html",
        lines=lines,
        dossiers=dossiers,
        by_hand=by_hand,
    )


@router.post("/deliveries/{delivery_id}/resend")
def resend(portal: PortalDep, login: LoginDep, _form: StaffForm, delivery_id: str) -> Response:
    login.require(May.DECIDE)
    portal.offices.deliveries.resend(delivery_id)
    portal.offices.accounts.note(login.staff.name, "delivery.resend", delivery_id)
    return RedirectResponse("/deliveries", status_code=303)


@router.post("/deliveries/{delivery_id}/sent")
def sent_by_hand(portal: PortalDep, login: LoginDep, form: StaffForm, delivery_id: str) -> Response:
    login.require(May.DECIDE)
    reference = form.get("reference", "")[:64]
    if not reference:
        raise RefusedError(Problem.BAD_REQUEST, "reference: the number that the post gave")
    portal.offices.deliveries.sent_by_hand(delivery_id, reference)
    portal.offices.accounts.note(login.staff.name, "delivery.sent", delivery_id)
    return RedirectResponse("/deliveries", status_code=303)


@router.post("/deliveries/{delivery_id}/hand-over")
def to_desk(portal: PortalDep, login: LoginDep, _form: StaffForm, delivery_id: str) -> Response:
    login.require(May.DECIDE)
    portal.offices.deliveries.to_desk(delivery_id)
    portal.offices.accounts.note(login.staff.name, "delivery.hand-over", delivery_id)
    return RedirectResponse("/deliveries", status_code=303)


@router.get("/staff")
def staff_accounts_page(request: Request, portal: PortalDep, login: LoginDep) -> Response:
    login.require(May.STAFF)
    return _accounts(request, portal, login)


@router.post("/staff")
def add_staff(request: Request, portal: PortalDep, login: LoginDep, form: StaffForm) -> Response:
    login.require(May.STAFF)
    name, accounts = form.get("name", "").lower(), portal.offices.accounts
    try:
        role = Role(form.get("role", ""))
        code = accounts.add(name, form.get("full_name", ""), role, by=login.staff.name)
    except ValueError:
        return _accounts(request, portal, login, fault=True)
    return _accounts(request, portal, login, made=(name, code))


@router.post("/staff/{name}/reset")
def reset_staff(
    request: Request, portal: PortalDep, login: LoginDep, _form: StaffForm, name: str
) -> Response:
    login.require(May.STAFF)
    code = _known(lambda: portal.offices.accounts.reset(name, by=login.staff.name))
    return _accounts(request, portal, login, made=(name, code))


@router.post("/staff/{name}/disable")
def disable_staff(portal: PortalDep, login: LoginDep, _form: StaffForm, name: str) -> Response:
    login.require(May.STAFF)
    _known(lambda: portal.offices.accounts.disable(name, by=login.staff.name))
    return RedirectResponse("/staff", status_code=303)


def _accounts(
    request: Request,
    portal: PortalDep,
    login: LoginDep,
    made: tuple[str, str] | None = None,
    fault: bool = False,
) -> Response:
    """``made``: a name and its enrolment secret, shown this once."""
    accounts = portal.offices.accounts
    return staff_page(
        request,
        portal,
        login,
        "staff-accounts.html",
        accounts=accounts.accounts(),
        actions=accounts.actions(_ACTIONS_SHOWN),
        roles=list(Role),
        made=made,
        fault=fault,
    )


def _known(change: Callable[[], T]) -> T:
    try:
        return change()
    except ValueError:
        raise RefusedError(DeskProblem.NOT_FOUND, "no such account") from None


def _span(first: date | None, last: date | None) -> tuple[date, date]:
    last = _in_bounds(last or datetime.now(VIETNAM).date())
    return _in_bounds(first or last - timedelta(days=_DAYS_SHOWN - 1)), last


def _in_bounds(day: date) -> date:
    """Days before and after cannot be counted on from: the calendar of Python ends."""
    return max(FIRST_DAY, min(day, LAST_DAY))


def file_of(content: str | bytes | Iterator[str], media_type: str, name: str) -> Response:
    """To be kept under ``name``."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if isinstance(content, str | bytes):
        return Response(content, media_type=media_type, headers=headers)
    return StreamingResponse(content, media_type=f"{media_type}; charset=utf-8", headers=headers)
