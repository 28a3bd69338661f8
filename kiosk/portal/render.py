"""From a template and values to an answer; from a sent form to its fields."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kiosk.portal import words
from kiosk.portal.accounts import May
from kiosk.portal.bodies import FormBody
from kiosk.portal.composition import PortalDep
from kiosk.portal.desk_auth import (
    LoginDep,
    form_token,
    is_form_token,
    set_visit,
    visit_of,
)
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.times import shown, shown_day
from offline_queue.intake import Problem

_MOST_FIELDS = 32
FOLDER = Path(__file__).parent / "templates"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MODE_WORDS = {
    "pre-check": "Kiểm tra trước",
    "post-check": "Kiểm tra sau",
    "filing": "Nộp hồ sơ",
}
SEEN_WORDS = {
    "at-the-kiosk": "Đã đối chiếu bản chính tại kiosk",
    "at-the-desk": "Đã đối chiếu bản chính tại quầy",
    "by-video": "Đã đối chiếu bản chính qua hình ảnh trực tiếp",
}
SEEN_SHORT = {"at-the-kiosk": "Tại kiosk", "at-the-desk": "Tại quầy", "by-video": "Qua video"}
REFUSAL_WORDS = (  # decree 23/2015/NĐ-CP, article 22
    "Bản chính bị tẩy xóa, sửa chữa, thêm bớt nội dung",
    "Bản chính bị hư hỏng, không đọc được nội dung",
    "Bản chính đóng dấu mật hoặc ghi rõ không được sao chụp",
    "Bản chính có nội dung trái pháp luật, đạo đức xã hội",
    "Giấy tờ nước ngoài chưa được hợp pháp hóa lãnh sự",
    "Giấy tờ tự lập không có xác nhận và đóng dấu",
)
REVOCATION_WORDS = (
    *REFUSAL_WORDS,
    "Bản sao không đúng với bản chính",
    "Không đối chiếu được với bản chính trong thời hạn kiểm tra",
    "Bản sao được cấp nhầm",
    "Thu hồi theo đề nghị của người được cấp",
)
"""Anybody who scans the seal reads one of these, so they name nobody."""
_NAVIGATION = (
    ("/desk", "Bàn xử lý", May.LOOK),
    ("/", "Hồ sơ", May.LOOK),
    ("/register", "Sổ chứng thực", May.LOOK),
    ("/deliveries", "Trả kết quả", May.LOOK),
    ("/statistics", "Thống kê", May.COUNT),
    ("/fleet", "Kiosk", May.FLEET),
    ("/staff", "Tài khoản", May.STAFF),
)

_templates = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    shown=shown, day=shown_day, money=words.money, fault=words.fault, trouble=words.trouble
)
_templates.globals.update(
    processing_words=words.PROCESSING_WORDS,
    role_words=words.ROLE_WORDS,
    grade_words=words.GRADE_WORDS,
    fee_words=words.FEE_WORDS,
    channel_words=words.CHANNEL_WORDS,
    delivery_words=words.DELIVERY_WORDS,
    mode_words=MODE_WORDS,
    action_words=words.ACTION_WORDS,
    hopeless=words.HOPELESS,
    seen_words=SEEN_WORDS,
    seen_short=SEEN_SHORT,
    refusal_words=REFUSAL_WORDS,
    revocation_words=REVOCATION_WORDS,
    void_words=words.VOID_WORDS,
)


def page(name: str, status: int = 200, **values: Any) -> Response:
    html = _templates.get_template(name).render(**values)
    return Response(html, status_code=status, media_type="text/html", headers=HEADERS)


def public_page(
    request: Request, portal: PortalDep, name: str, status: int = 200, **values: Any
) -> Response:
    """For anybody. Its forms belong to the visit, a cookie that says nothing of who it is."""
    visit = visit_of(request)
    token = form_token(portal.forms, visit)
    answer = page(name, status, agency=portal.settings.agency, form_token=token, **values)
    set_visit(portal, answer, visit)
    return answer


def staff_page(
    request: Request, portal: PortalDep, login: LoginDep, name: str, **values: Any
) -> Response:
    return page(
        name,
        agency=portal.settings.agency,
        staff=login.staff,
        here=request.url.path,
        navigation=[(path, text) for path, text, what in _NAVIGATION if login.staff.may(what)],
        may={what.value: login.staff.may(what) for what in May},
        form_token=form_token(portal.forms, login.token),
        **values,
    )


def staff_form(portal: PortalDep, login: LoginDep, body: FormBody) -> Mapping[str, str]:
    """The fields of a form that one of our own pages sent. Raises RefusedError (NOT_ALLOWED,
    TOO_LARGE, BAD_REQUEST)."""
    return _checked(portal.forms, login.token, body)


def public_form(request: Request, portal: PortalDep, body: FormBody) -> Mapping[str, str]:
    """As :func:`staff_form`, of somebody who is not logged in."""
    return _checked(portal.forms, request.cookies.get("visit", ""), body)


StaffForm = Annotated[Mapping[str, str], Depends(staff_form)]
PublicForm = Annotated[Mapping[str, str], Depends(public_form)]


def _checked(key: bytes, cookie: str, body: bytes) -> Mapping[str, str]:
    form = _fields(body)
    if not is_form_token(key, cookie, form.pop("form_token", "")):
        raise RefusedError(DeskProblem.NOT_ALLOWED, "the form does not belong to this login")
    return form


def _fields(body: bytes) -> dict[str, str]:
    text = body.decode("utf-8", "replace")
    try:
        pairs = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise RefusedError(Problem.BAD_REQUEST, f"at most {_MOST_FIELDS} fields") from None
    if any("\0" in text for name, values in pairs.items() for text in (name, *values)):
        raise RefusedError(Problem.BAD_REQUEST, "NUL in a field")  # PostgreSQL keeps none
    return {name: values[0].strip() for name, values in pairs.items()}
