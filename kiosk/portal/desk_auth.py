"""Who may work at the desk: staff by their login, a signing process by its secret.

The login is a cookie, ``HttpOnly`` and ``SameSite=Strict``. Every form carries a token derived
from the cookie besides, so that a page elsewhere cannot act for a person; before a login, a cookie
for the visit takes that place.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from kiosk.portal.accounts import May, Staff
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.desks import Desk
from kiosk.portal.errors import DeskProblem, RefusedError
from kiosk.portal.secret import keyed

COOKIE = "desk"
VISIT = "visit"
DEVICE = "device"
_DEVICE_DAYS = 180


class LoginNeededError(Exception):
    """Leads to the login page."""


@dataclass(frozen=True, slots=True)
class Login:
    staff: Staff
    token: str

    def require(self, what: May) -> None:
        """Raises RefusedError (NOT_YOURS)."""
        if not self.staff.may(what):
            raise RefusedError(DeskProblem.NOT_YOURS, f"needs the right to {what}")


def current_login(request: Request, portal: PortalDep) -> Login:
    """Raises LoginNeededError."""
    token = request.cookies.get(COOKIE, "")
    staff = portal.offices.logins.staff_of(token) if token else None
    if staff is None:
        raise LoginNeededError
    return Login(staff, token)


LoginDep = Annotated[Login, Depends(current_login)]


def set_login(portal: Portal, answer: Response, token: str) -> None:
    _set(portal, answer, COOKIE, token, portal.settings.login_hours * 3600)


def device_of(request: Request, name: str) -> str:
    """What :func:`set_device` left in this browser for the account, or nothing."""
    return request.cookies.get(f"{DEVICE}-{name}", "")


def set_device(portal: Portal, answer: Response, name: str) -> None:
    """This browser was the person's: strangers' wrong tries do not lock it out."""
    device = portal.offices.accounts.device_of(name)
    _set(portal, answer, f"{DEVICE}-{name}", device, _DEVICE_DAYS * 24 * 3600)


def visit_of(request: Request) -> str:
    """The visit's value: the one that came, or a new one to set."""
    return request.cookies.get(VISIT, "") or secrets.token_urlsafe(16)


def set_visit(portal: Portal, answer: Response, visit: str) -> None:
    _set(portal, answer, VISIT, visit, 3600)


def form_token(key: bytes, cookie: str) -> str:
    """``cookie``: the login, or the visit of somebody who has none."""
    return keyed(key, cookie)


def is_form_token(key: bytes, cookie: str, offered: str) -> bool:
    right = form_token(key, cookie)
    return bool(cookie) and hmac.compare_digest(right.encode(), offered.encode())


def current_desk(request: Request, portal: PortalDep) -> Desk:
    """The signing process. Raises RefusedError (NOT_ALLOWED)."""
    scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
    desk = portal.offices.desks.desk_of(offered.strip()) if scheme.lower() == "bearer" else None
    if desk is None:
        raise RefusedError(DeskProblem.NOT_ALLOWED, "the desk's secret is missing or wrong")
    return desk


DeskDep = Annotated[Desk, Depends(current_desk)]


def scripted_officer(portal: PortalDep, desk: DeskDep) -> Staff:
    """A program that decides: in sandbox and tests only. Raises RefusedError."""
    if not portal.settings.scripted_officer:
        raise RefusedError(DeskProblem.NOT_YOURS, "decisions are made by a person, in a page")
    return desk.staff


ScriptedDep = Annotated[Staff, Depends(scripted_officer)]


def _set(portal: Portal, answer: Response, name: str, value: str, seconds: int) -> None:
    """TLS ends at the proxy, so the public address says whether a cookie needs it."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=portal.settings.public_address.lower().startswith("https:"),
    )
