"""Failure codes of the portal and desk programs, and refusals as RFC 9457 problem+json."""

from __future__ import annotations

from enum import StrEnum

from kiosk.failures import KioskError
from offline_queue.intake import Problem


class Fault(StrEnum):
    """How the programs fail; their words are in ``config/failures.toml``."""

    SETTINGS_INVALID = "portal.settings-invalid"
    STORAGE_UNAVAILABLE = "portal.storage-unavailable"
    UNREACHABLE = "portal.unreachable"
    DESK_REFUSED = "portal.desk-refused"


class DeskProblem(StrEnum):
    """Codes in problem+json answers of ``/desk/api``; those of the intake are its contract's."""

    NOT_ALLOWED = "desk.not-allowed"
    NOT_FOUND = "desk.not-found"
    NOT_WAITING = "desk.not-waiting"
    NOT_SEEN = "desk.original-not-seen"
    BAD_COPY = "desk.bad-copy"
    NOT_YOURS = "desk.not-your-role"
    OWN_ACCOUNT = "desk.own-account"
    LAST_ADMIN = "desk.last-administrator"


class PortalError(KioskError):
    """A typed failure of the portal or the desk."""


STATUS: dict[str, int] = {
    Problem.BAD_MANIFEST: 422,
    Problem.BAD_REQUEST: 400,
    Problem.BAD_SIGNATURE: 401,
    Problem.CONFLICT: 409,
    Problem.COPY_REVOKED: 410,
    Problem.DIGEST_MISMATCH: 422,
    Problem.INCOMPLETE: 409,
    Problem.NOT_ENROLLED: 401,
    Problem.NOT_FOUND: 404,
    Problem.REVOKED: 401,
    Problem.TOO_LARGE: 413,
    Problem.TOO_MANY: 429,
    Problem.UNAVAILABLE: 503,
    Problem.UNKNOWN_KEY: 422,
    DeskProblem.NOT_ALLOWED: 401,
    DeskProblem.NOT_FOUND: 404,
    DeskProblem.NOT_WAITING: 409,
    DeskProblem.NOT_SEEN: 422,
    DeskProblem.BAD_COPY: 422,
    DeskProblem.NOT_YOURS: 403,
    DeskProblem.OWN_ACCOUNT: 409,
    DeskProblem.LAST_ADMIN: 409,
}


RETRY_SECONDS = 30


class RefusedError(Exception):
    """A request is refused. ``detail`` goes to the client and never holds personal data."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        retry_after: int | None = None,
        status: int | None = None,
    ) -> None:
        """``retry_after``: seconds after which the same request may be welcome; ``status``: where
        a protocol wants another than the code has."""
        super().__init__(f"{code}: {detail}")
        self.code = str(code)
        self.detail = detail
        if retry_after is None and code == Problem.UNAVAILABLE:
            retry_after = RETRY_SECONDS
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

        self.status = status or STATUS[self.code]
