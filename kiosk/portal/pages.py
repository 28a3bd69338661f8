"""Pages for anybody: log in, enrol, ask how a dossier is doing, fetch a result.

Vietnamese only. Nothing here says whose a dossier is.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.exceptions import HTTPException

from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.desk_auth import COOKIE, LoginDep, device_of, set_device, set_login
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.limits import Limit, line_of
from kiosk.portal.render import FOLDER, PublicForm, StaffForm, public_page
from kiosk.portal.revocations import copy_for_citizen
from offline_queue.intake import Problem

router = APIRouter()
PER_ADDRESS = Limit("login.address", most=60, seconds=900)
_WEIGHTS = {"regular": "Regular", "semibold": "SemiBold"}
_PRIVATE = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="ket-qua.pdf"',
    "X-Content-Type-Options": "nosniff",
}
_KEEP = {"Cache-Control": "public, max-age=86400"}


@router.get("/portal.css")
def style() -> FileResponse:
    return FileResponse(FOLDER / "portal.css", media_type="text/css")


@router.get("/desk.js")
def script() -> FileResponse:
    return FileResponse(FOLDER / "desk.js", media_type="text/javascript")


@router.get("/track.js")
def track_script() -> FileResponse:
    return FileResponse(FOLDER / "track.js", media_type="text/javascript")


@router.get("/fonts/{weight}.ttf")
def font(weight: str) -> FileResponse:
    if weight not in _WEIGHTS:
        raise HTTPException(404)
    return FileResponse(_font(weight), media_type="font/ttf", headers=_KEEP)


@router.get("/login")
def login_page(request: Request, portal: PortalDep) -> Response:
    return public_page(request, portal, "login.html", wrong=False)


@router.post("/login")
def log_in(request: Request, portal: PortalDep, form: PublicForm) -> Response:
    _count(request, portal)
    name = form.get("name", "").lower()
    try:
        staff = portal.offices.accounts.log_in(
            name,
            form.get("password", ""),
            form.get("digits", ""),
            line_of(request),
            device_of(request, name),
        )
    except RefusedError:
        return public_page(request, portal, "login.html", status=401, wrong=True)
    answer = RedirectResponse("/start", status_code=303)
    set_login(portal, answer, portal.offices.logins.open(staff))
    set_device(portal, answer, staff.name)
    return answer


@router.post("/logout")
def log_out(portal: PortalDep, login: LoginDep, _form: StaffForm) -> Response:
    portal.offices.logins.close(login.token)
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/enrol")
def enrol_page(request: Request, portal: PortalDep) -> Response:
    return public_page(request, portal, "enrol.html", fault="", account="", code="")


@router.post("/enrol")
def enrol(request: Request, portal: PortalDep, form: PublicForm) -> Response:
    _count(request, portal)
    name, code = form.get("name", "").lower(), form.get("code", "")
    if form.get("password") != form.get("again"):
        return _enrol_again(request, portal, name, code, "different")
    try:
        address = portal.offices.accounts.begin(name, code, form.get("password", ""))
    except ValueError:
        return _enrol_again(request, portal, name, code, "weak")
    except RefusedError:
        return _enrol_again(request, portal, name, code, "code")
    return _second_factor(request, portal, name, code, address)


@router.post("/enrol/digits")
def enrol_digits(request: Request, portal: PortalDep, form: PublicForm) -> Response:
    _count(request, portal)
    name, code = form.get("name", ""), form.get("code", "")
    accounts = portal.offices.accounts
    try:
        if accounts.finish(name, code, form.get("digits", "")):
            answer = RedirectResponse("/login", status_code=303)
            set_device(portal, answer, name)
            return answer
        address = accounts.pending(name, code)
    except RefusedError:
        return _enrol_again(request, portal, name, code, "code")
    return _second_factor(request, portal, name, code, address, wrong=True)


@router.get("/track")
def track_page(request: Request, portal: PortalDep, code: str = "") -> Response:
    return public_page(request, portal, "track.html", code=code, fault="")


@router.post("/track")
def track(request: Request, portal: PortalDep, form: PublicForm) -> Response:
    code = form.get("code", "")
    try:
        found = portal.offices.tracking.look_up(code, form.get("secret", ""), line_of(request))
    except RefusedError as error:
        return public_page(
            request, portal, "track.html", status=error.status, code=code, fault="often"
        )
    if found is None:
        return public_page(request, portal, "track.html", status=404, code=code, fault="unknown")
    return public_page(request, portal, "tracked.html", found=found)


@router.get("/result")
def result_page(request: Request, portal: PortalDep) -> Response:
    """Where a mail leads. Programs that look at links in mails fetch this page, not the result."""
    return public_page(request, portal, "result.html", found=True)


@router.post("/result")
def result(request: Request, portal: PortalDep, form: PublicForm) -> Response:
    dossier_id = portal.offices.deliveries.linked(form.get("secret", ""))
    pdf = copy_for_citizen(portal.store, portal.vault, dossier_id) if dossier_id else None
    if pdf is None:  # a filing, whose result is not a copy, or one that was revoked
        return public_page(request, portal, "result.html", status=404, found=False)
    return Response(pdf, media_type="application/pdf", headers=_PRIVATE)


_REFUSED_WORDS = {
    DeskProblem.NOT_ALLOWED: "Trang đã để quá lâu. Hãy mở lại trang và làm lại.",
    DeskProblem.NOT_FOUND: "Không có hồ sơ hoặc trang này.",
    Problem.NOT_FOUND: "Không có trang này.",
    Problem.UNAVAILABLE: "Cổng đang trục trặc. Hãy thử lại sau một phút.",
    DeskProblem.NOT_WAITING: "Hồ sơ này đã được xử lý rồi, có thể do người khác.",
    DeskProblem.NOT_SEEN: "Hãy chọn bản chính đã được đối chiếu thế nào.",
    DeskProblem.NOT_YOURS: "Vai trò của ông/bà không làm được việc này.",
    DeskProblem.OWN_ACCOUNT: "Không ngừng được tài khoản của chính mình. Hãy nhờ quản trị khác.",
    DeskProblem.LAST_ADMIN: "Đây là quản trị cuối cùng. Hãy thêm quản trị khác trước.",
    Problem.TOO_MANY: "Đã thử quá nhiều lần. Hãy quay lại sau.",
}
_OTHER_WORDS = "Cổng không hiểu điều vừa gửi."


def refused_page(request: Request, error: RefusedError) -> Response | None:
    """A refusal for a person at a browser; None for a program."""
    if "text/html" not in request.headers.get("Accept", ""):
        return None
    staff = request.cookies.get(COOKIE, "") != ""
    answer = public_page(
        request,
        request.app.state.portal,
        "refused.html",
        status=error.status,
        words=next((w for code, w in _REFUSED_WORDS.items() if code == error.code), _OTHER_WORDS),
        was_reading=request.method in ("GET", "HEAD"),
        back="/start" if staff else "/track",
    )
    answer.headers.update(error.headers)
    return answer


def to_login(_request: Request, _error: Exception) -> Response:
    """The exception handler for LoginNeededError."""
    return RedirectResponse("/login", status_code=303)


def _enrol_again(request: Request, portal: Portal, name: str, code: str, fault: str) -> Response:
    """Name and code stay in the form: 26 letters are typed once."""
    status = 401 if fault == "code" else 422
    return public_page(
        request, portal, "enrol.html", status=status, fault=fault, account=name, code=code
    )


def _second_factor(
    request: Request, portal: Portal, name: str, code: str, address: str, wrong: bool = False
) -> Response:
    picture = io.BytesIO()
    segno.make(address, micro=False).save(
        picture, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2
    )
    return public_page(
        request,
        portal,
        "second-factor.html",
        status=422 if wrong else 200,
        account=name,
        code=code,
        shared=_shared_of(address),
        picture=picture.getvalue().decode(),
        wrong=wrong,
    )


def _shared_of(address: str) -> str:
    """The secret in an ``otpauth`` address in groups of four, for typing."""
    secret = address.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _count(request: Request, portal: Portal) -> None:
    """Raises RefusedError (TOO_MANY) for a line from which too many tries come."""
    if not portal.offices.limits.allows(PER_ADDRESS, line_of(request)):
        wait = PER_ADDRESS.seconds
        raise RefusedError(Problem.TOO_MANY, "try again later", retry_after=wait)


@cache
def _font(weight: str) -> Path:
    import fontpkg_be_vietnam_pro

    return next(Path(fontpkg_be_vietnam_pro.ROOT).rglob(f"*-{_WEIGHTS[weight]}.ttf"))
