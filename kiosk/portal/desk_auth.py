"""Who may work at the desk: whoever holds its secret, as a bearer or after logging in.

A login is a cookie signed with the secret, good for some hours. It is ``SameSite=Strict``, and
forms carry a token derived from it besides, so that a page elsewhere cannot act for the officer.
"""

from __future__ import annotations

import hmac
import secrets
import time
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request

from kiosk.portal.composition import PortalDep
from kiosk.portal.errors import DeskProblem, RefusedError

COOKIE = "desk"


def is_secret(desk_secret: str, offered: str) -> bool:
    return hmac.compare_digest(desk_secret.encode(), offered.strip().encode())


def new_login(desk_secret: str, hours: int) -> str:
    """The cookie's value: instant of expiry, a random name, and the proof of both."""
    claim = f"{int(time.time()) + hours * 3600}.{secrets.token_hex(16)}"
    return f"{claim}.{_proof(desk_secret, 'login', claim)}"


def is_login(desk_secret: str, value: str) -> bool:
    claim, _, proof = value.rpartition(".")
    if not hmac.compare_digest(_proof(desk_secret, "login", claim).encode(), proof.encode()):
        return False
    return int(claim.partition(".")[0]) > time.time()


def is_form_token(desk_secret: str, login: str, offered: str) -> bool:
    return hmac.compare_digest(form_token(desk_secret, login).encode(), offered.encode())


def form_token(desk_secret: str, login: str) -> str:
    return _proof(desk_secret, "form", login)


def require_desk(request: Request, portal: PortalDep) -> None:
    """The desk process. Raises RefusedError (NOT_ALLOWED)."""
    if not _is_bearer(request, portal.desk_secret):
        raise RefusedError(DeskProblem.NOT_ALLOWED, "the desk's secret is missing or wrong")


def staff_login(request: Request, portal: PortalDep) -> str | None:
    """The login of a person at a browser, or the bearer's secret; None for anybody else."""
    value = request.cookies.get(COOKIE, "")
    if is_login(portal.desk_secret, value):
        return value
    return portal.desk_secret if _is_bearer(request, portal.desk_secret) else None


LoginDep = Annotated[str | None, Depends(staff_login)]


def require_staff(login: LoginDep) -> None:
    """A desk process or a logged-in person: enough to look. Raises RefusedError (NOT_ALLOWED)."""
    if login is None:
        raise RefusedError(DeskProblem.NOT_ALLOWED, "log in first")


def _is_bearer(request: Request, desk_secret: str) -> bool:
    scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and is_secret(desk_secret, offered)


def _proof(desk_secret: str, purpose: str, claim: str) -> str:
    return hmac.new(desk_secret.encode(), f"{purpose}:{claim}".encode(), sha256).hexdigest()
