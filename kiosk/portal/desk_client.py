"""The client of ``/desk/api``: used by the desk process, and by whoever decides through it."""

from __future__ import annotations

from typing import Any, Self

import requests

from certify.pages import SourcePage, decode_text
from kiosk.portal.attestations import OriginalSeen
from kiosk.portal.errors import DeskProblem, Fault, PortalError

_TIMEOUT = (5.0, 60.0)  # seconds to connect, and between two pieces of an answer


class DeskClient:
    """All methods raise PortalError: UNREACHABLE (retryable), or DESK_REFUSED with the portal's
    code in ``detail``."""

    def __init__(self, portal: str, secret: str) -> None:
        self._base = f"{portal.rstrip('/')}/desk/api"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {secret}"
        self._session.trust_env = False  # no proxy, no .netrc: the portal is named in the settings

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def caller(self) -> dict[str, str]:
        """Whose desk this is: kiosk.portal.desk_api.DeskDetail."""
        detail: dict[str, str] = self._ask("GET", "/self").json()
        return detail

    def dossiers(self) -> list[dict[str, Any]]:
        """The newest accepted dossiers, newest first, at most kiosk.portal.store.LISTED of them
        (kiosk.portal.desk_api.DossierLine)."""
        lines: list[dict[str, Any]] = self._ask("GET", "/dossiers").json()
        return lines

    def waiting(self) -> list[str]:
        """Ids of the cases that wait for a decision, oldest first."""
        return self._cases("waiting")

    def approved(self) -> list[str]:
        """Ids of the cases that this account approved or inspected and nobody signed yet, oldest
        first, without those that :meth:`not_signed` told of."""
        return self._cases("approved")

    def case(self, case_id: str) -> dict[str, Any]:
        """See kiosk.portal.desk_api.CaseDetail."""
        detail: dict[str, Any] = self._ask("GET", f"/cases/{case_id}").json()
        return detail

    def pages(self, case_id: str, names: list[str]) -> list[SourcePage]:
        """Images and words. Raises ValueError besides when the two do not match."""
        images = [self._ask("GET", f"/cases/{case_id}/pages/{name}").content for name in names]
        return decode_text(self._ask("GET", f"/cases/{case_id}/text").content, images)

    def approve(self, case_id: str, original_seen: OriginalSeen) -> dict[str, Any]:
        """Answers the facts of the copy (certify.statement.CopyFacts.to_dict)."""
        facts: dict[str, Any] = self._ask(
            "POST", f"/cases/{case_id}/approve", json={"original_seen": original_seen}
        ).json()
        return facts

    def refuse(self, case_id: str, reason: str) -> None:
        self._ask("POST", f"/cases/{case_id}/refuse", json={"reason": reason})

    def inspect(self, case_id: str, original_seen: OriginalSeen) -> None:
        body = {"original_seen": original_seen}
        self._ask("POST", f"/cases/{case_id}/inspect", json=body)

    def copy(self, case_id: str) -> bytes:
        """The copy (PDF) that a kiosk issued."""
        return self._ask("GET", f"/cases/{case_id}/copy").content

    def not_signed(self, case_id: str, code: str) -> None:
        """Why: a failure code, or the name of an error."""
        self._ask("POST", f"/cases/{case_id}/not-signed", json={"code": code})

    def beat(self) -> None:
        """The officer's desk is at work."""
        self._ask("POST", "/beats")

    def put_copy(self, case_id: str, pdf: bytes) -> None:
        self._ask("PUT", f"/cases/{case_id}/copy", data=pdf)

    def _cases(self, state: str) -> list[str]:
        return [line["id"] for line in self._ask("GET", "/cases", params={"state": state}).json()]

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method, self._base + path, timeout=_TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            detail = type(error).__name__
            raise PortalError(Fault.UNREACHABLE, detail, retryable=True) from None
        if answer.status_code >= 500:
            raise PortalError(Fault.UNREACHABLE, f"HTTP {answer.status_code}", retryable=True)
        if answer.status_code >= 300:
            raise PortalError(Fault.DESK_REFUSED, _code_of(answer))
        return answer


def _code_of(answer: requests.Response) -> str:
    """With it, where a copy was not taken, what is wrong with the copy."""
    try:
        told = answer.json()
        refused = told["code"] == DeskProblem.BAD_COPY
        return f"{told['code']} {told['detail']}" if refused else str(told["code"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
