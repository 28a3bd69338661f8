"""Server-rendered pages: the register of dossiers, the desk's case view, and the public seal page.

Vietnamese only: they are for officers, and for whoever was handed a copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from certify.pages import decode_text
from kiosk.portal.bodies import SmallBody
from kiosk.portal.cases import OriginalSeen, facts_of, manifest_of
from kiosk.portal.composition import PortalDep
from kiosk.portal.desk_auth import COOKIE, LoginDep, form_token, is_form_token, is_secret, new_login
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.seals import look_up
from kiosk.portal.store import Processing
from kiosk.portal.times import shown, shown_day, this_year
from kiosk.portal.vault import pages_of
from offline_queue.intake import Problem

router = APIRouter()
_FOLDER = Path(__file__).parent / "templates"
_CALLS_SHOWN = 5
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PROCESSING_WORDS = {
    Processing.RECEIVED: "Mới tiếp nhận",
    Processing.ACCEPTED: "Đã tiếp nhận",
    Processing.REFUSED: "Từ chối",
    Processing.PROCESSING: "Đang xử lý",
    Processing.SUPPLEMENT: "Yêu cầu bổ sung",
    Processing.FINANCIAL_DUTY: "Chờ nghĩa vụ tài chính",
    Processing.WITHDRAWN: "Công dân rút",
    Processing.STOPPED: "Dừng xử lý",
    Processing.DONE: "Đã xong",
    Processing.RETURNED: "Đã trả kết quả",
}
MODE_WORDS = {
    "pre-check": "Kiểm tra trước",
    "post-check": "Kiểm tra sau",
    "filing": "Nộp hồ sơ",
}
SEEN_WORDS: dict[OriginalSeen, str] = {
    "at-the-kiosk": "Đã đối chiếu bản chính tại kiosk",
    "at-the-desk": "Đã đối chiếu bản chính tại quầy",
    "by-video": "Đã đối chiếu bản chính qua hình ảnh trực tiếp",
}
REFUSAL_WORDS = (  # decree 23/2015/NĐ-CP, article 22
    "Bản chính bị tẩy xóa, sửa chữa, thêm bớt nội dung",
    "Bản chính bị hư hỏng, không đọc được nội dung",
    "Bản chính đóng dấu mật hoặc ghi rõ không được sao chụp",
    "Bản chính có nội dung trái pháp luật, đạo đức xã hội",
    "Giấy tờ nước ngoài chưa được hợp pháp hóa lãnh sự",
    "Giấy tờ tự lập không có xác nhận và đóng dấu",
)

_templates = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
)
_templates.filters.update(shown=shown, day=shown_day)
_templates.globals.update(
    processing_words=PROCESSING_WORDS,
    mode_words=MODE_WORDS,
    seen_words=SEEN_WORDS,
    refusal_words=REFUSAL_WORDS,
)


class LoginNeededError(Exception):
    """Leads to the login page."""


def require_login(login: LoginDep) -> str:
    if login is None:
        raise LoginNeededError
    return login


Staff = Annotated[str, Depends(require_login)]


def checked_form(portal: PortalDep, login: Staff, body: SmallBody) -> dict[str, str]:
    """The fields of a form that one of our own pages sent. Raises RefusedError (NOT_ALLOWED)."""
    form = _fields(body)
    if not is_form_token(portal.desk_secret, login, form.pop("form_token", "")):
        raise RefusedError(DeskProblem.NOT_ALLOWED, "the form does not belong to this login")
    return form


Form = Annotated[dict[str, str], Depends(checked_form)]


@router.get("/portal.css")
def style() -> FileResponse:
    return FileResponse(_FOLDER / "portal.css", media_type="text/css")


@router.get("/login")
def login_page() -> Response:
    return _page("login.html", wrong=False)


@router.post("/login")
def log_in(request: Request, portal: PortalDep, body: SmallBody) -> Response:
    if not is_secret(portal.desk_secret, _fields(body).get("secret", "")):
        return _page("login.html", status=401, wrong=True)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        COOKIE,
        new_login(portal.desk_secret, portal.settings.login_hours),
        max_age=portal.settings.login_hours * 3600,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
def log_out(_form: Form) -> Response:
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/")
def dossiers_page(portal: PortalDep, login: Staff) -> Response:
    return _staff_page(
        portal,
        login,
        "dossiers.html",
        dossiers=portal.store.accepted(),
        calls=portal.store.staff_calls(_CALLS_SHOWN),
    )


@router.get("/register")
def register_page(portal: PortalDep, login: Staff, year: int | None = None) -> Response:
    year = year or this_year()
    return _staff_page(
        portal, login, "register.html", year=year, entries=portal.register.entries(year)
    )


@router.get("/desk")
def desk_page(portal: PortalDep, login: Staff) -> Response:
    return _staff_page(
        portal,
        login,
        "desk.html",
        waiting=portal.cases.waiting(),
        approved=portal.cases.approved(),
        to_inspect=portal.cases.to_inspect(),
    )


@router.get("/desk/{case_id}")
def case_page(portal: PortalDep, login: Staff, case_id: str) -> Response:
    dossier = portal.cases.case(case_id)
    manifest = manifest_of(dossier)
    names = pages_of(manifest)
    texts = [""] * len(names)
    if dossier.mode != "filing":
        read = decode_text(portal.cases.text(dossier), [b""] * len(names))
        texts = [page.text for page in read]
    return _staff_page(
        portal,
        login,
        "case.html",
        dossier=dossier,
        manifest=manifest,
        answers=portal.cases.answers(dossier),
        pages=list(zip(names, texts, strict=True)),
        facts=facts_of(dossier.facts) if dossier.facts else None,
        is_waiting=dossier.id in {waiting.id for waiting in portal.cases.waiting()},
    )


@router.post("/desk/{case_id}/approve")
def approve(portal: PortalDep, form: Form, case_id: str) -> Response:
    seen = next((seen for seen in SEEN_WORDS if seen == form.get("original_seen")), None)
    if seen is None:
        raise RefusedError(DeskProblem.NOT_SEEN, "say how the original was seen")
    portal.cases.approve(case_id, seen)
    return RedirectResponse("/desk", status_code=303)


@router.post("/desk/{case_id}/refuse")
def refuse(portal: PortalDep, form: Form, case_id: str) -> Response:
    reason = form.get("reason", "")
    if reason not in REFUSAL_WORDS:
        raise RefusedError(Problem.BAD_REQUEST, "reason: not one of the list")
    portal.cases.refuse(case_id, reason)
    return RedirectResponse("/desk", status_code=303)


@router.get("/V/{seal}")
def seal_page(portal: PortalDep, seal: str) -> Response:
    """What the QR code on a copy leads to. Anybody may look; nothing of the citizen is shown."""
    result = look_up(portal, seal)
    return _page("seal.html", status=200 if result.valid else 404, result=result)


def to_login(_request: Request, _error: Exception) -> Response:
    """The exception handler for :class:`LoginNeededError`."""
    return RedirectResponse("/login", status_code=303)


def _fields(body: bytes) -> dict[str, str]:
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0].strip() for name, values in pairs.items()}


def _staff_page(portal: PortalDep, login: str, name: str, **values: Any) -> Response:
    return _page(
        name,
        agency=portal.settings.agency,
        form_token=form_token(portal.desk_secret, login),
        **values,
    )


def _page(name: str, status: int = 200, **values: Any) -> Response:
    html = _templates.get_template(name).render(**values)
    return Response(html, status_code=status, media_type="text/html", headers=_HEADERS)
