"""The kiosk's side of the intake contract (:mod:`offline_queue.intake`) over HTTP.

Anything but an answer of the contract counts as no answer: a captive page of a guest network, a
proxy's error, a redirect. Only the portal's own problem+json is believed as a refusal.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import HTTPError
from urllib3.util import SKIP_HEADER

from offline_queue import intake, signatures, tus
from offline_queue.clock import utc_now
from offline_queue.errors import Fault, QueueError
from offline_queue.intake import (
    EnrolAnswer,
    EnrolRequest,
    IntakeState,
    Lease,
    LeaseRequest,
    Problem,
    Receipt,
    SignedManifest,
)
from offline_queue.pacing import HourlyBudget, Pace
from offline_queue.pieces import PromptAdapter, asked_to_wait, json_field, shown_date

CONNECT_SECONDS = 3.05
READ_SECONDS = 30.0
WHOLE_SECONDS = 120.0
MAX_ANSWER = 64 * 1024 * 1024

_CHUNK = 64 * 1024
_Answer = TypeVar("_Answer", bound=BaseModel)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: no redirect is followed, and a ``Location`` of garbage is not even read."""


def new_session() -> requests.Session:
    """A session that takes neither proxies nor passwords from the environment, and no cookies:
    what a server sets for one citizen must not go out with the next one's request. It says nothing
    that the portal does not need: on a slow line each request is felt."""
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, PromptAdapter())
    session.headers.clear()
    session.headers.update({"User-Agent": SKIP_HEADER, "Accept-Encoding": SKIP_HEADER})
    return session


class IntakeClient:
    """Every method raises QueueError: REJECTED (``detail`` is the portal's problem code) or
    UNREACHABLE (retryable), and ``commit`` UNKNOWN in its place."""

    def __init__(
        self,
        base_url: str,
        kiosk_id: str,
        private_key: EllipticCurvePrivateKey,
        *,
        sessions: Callable[[], requests.Session] = new_session,
        clock: Callable[[], datetime] = utc_now,
        read_seconds: float = READ_SECONDS,
        limits: tus.Limits | None = None,
        pace: Pace | None = None,
        budget: HourlyBudget | None = None,
    ) -> None:
        """``read_seconds``: the longest silence while an answer is awaited; ``limits``, ``pace``:
        those of uploads; ``budget``: bytes of parts an hour."""
        self._base = base_url.rstrip("/")
        self._kiosk_id = kiosk_id
        self._key = private_key
        self._session = sessions()
        self._clock = clock
        self._uploads = tus.Client(
            sessions,
            self._stream_headers,
            limits or tus.Limits(),
            pace=pace or Pace(),
            budget=budget or HourlyBudget(),
            wall=clock,
        )
        self.next_after = 0.0
        self._timeouts = (CONNECT_SECONDS, read_seconds)

    def stop(self) -> None:
        """End an upload that is under way, and let no other begin; for another thread."""
        self._uploads.stop.set()

    def close(self) -> None:
        self._session.close()
        self._uploads.close()

    def enrol(self, one_time_code: str, csr: str = "") -> EnrolAnswer:
        """The same code and key again give the same answer, and for a ``csr`` (PEM) a certificate
        of the TLS key."""
        request = EnrolRequest(
            kiosk_id=self._kiosk_id,
            one_time_code=one_time_code,
            public_key=signatures.public_pem(self._key.public_key()),
            csr=csr,
        )
        return self._model("POST", "/devices", EnrolAnswer, as_json(request))

    def put_manifest(self, id: UUID, signed: SignedManifest) -> IntakeState:
        return self._model("PUT", f"/dossiers/{id}", IntakeState, as_json(signed))

    def send_part(self, id: UUID, name: str, ciphertext: bytes, *, resume: bool = False) -> None:
        """``resume``: the portal may have some of it already, so ask first.

        Raises also QueueError (BUDGET_SPENT)."""
        url = f"{self._base}{intake.PREFIX}/dossiers/{id}/parts/{quote(name, safe='')}"
        try:
            self._uploads.upload(url, ciphertext, location=url, resume=resume)
        except QueueError as error:
            if error.code == Fault.REJECTED and error.detail not in list(Problem):
                raise _unreachable("a problem that the contract does not know") from None
            raise

    def commit(self, id: UUID) -> Receipt:
        """Raises QueueError (UNKNOWN) when the answer was lost: the portal may have accepted.

        ``next_after``: seconds that the portal wants before the next dossier."""
        try:
            return self._model("POST", f"/dossiers/{id}/commit", Receipt)
        except QueueError as error:
            if error.code == Fault.UNREACHABLE:
                raise QueueError(
                    Fault.UNKNOWN, error.detail, retryable=True, retry_after=error.retry_after
                ) from None
            raise

    def state(self, id: UUID) -> IntakeState | None:
        """None when the portal does not know the dossier."""
        try:
            return self._model("GET", f"/dossiers/{id}", IntakeState)
        except QueueError as error:
            if not _is_not_found(error):
                raise
            return None

    def copy(self, id: UUID) -> bytes | None:
        """The certified copy (PDF); None until it is issued."""
        try:
            data = self._bytes("GET", f"/dossiers/{id}/copy", "application/pdf")
        except QueueError as error:
            if not _is_not_found(error):
                raise
            return None
        if not data.startswith(b"%PDF-"):
            raise _unreachable("a copy that is no PDF")
        return data

    def lease(self, request: LeaseRequest) -> Lease:
        return self._model("POST", "/leases", Lease, as_json(request))

    def trust_bundle(self) -> bytes:
        """As signed; whoever uses it verifies it."""
        return self._bytes("GET", "/trust-bundle", "application/cose")

    def policy(self) -> bytes:
        return self._bytes("GET", "/policy", "application/cose")

    def call_staff(self, reason: str) -> None:
        body = json.dumps({"reason": reason}).encode()
        self._empty("POST", "/staff-calls", body, "application/json")

    def health(self) -> datetime | None:
        """The portal's clock (RFC 9110 ``Date``, whole seconds), None where it shows none.

        Raises QueueError (UNREACHABLE).
        """
        answer, body = self._call("GET", "/health", b"", "")
        if answer.status_code != 200 or json_field(body, "status") != "ok":
            raise _unreachable("not the portal")
        return shown_date(answer.headers)

    def _model(self, method: str, path: str, shape: type[_Answer], body: bytes = b"") -> _Answer:
        answer, data = self._call(method, path, body, "application/json" if body else "")
        self.next_after = asked_to_wait(answer.headers, self._clock) or 0.0
        _require_success(answer, data, "application/json", self.next_after)
        try:
            return shape.model_validate_json(data)
        except ValidationError:
            raise _unreachable("an answer of another shape") from None

    def _bytes(self, method: str, path: str, media_type: str, body: bytes = b"") -> bytes:
        answer, data = self._call(method, path, body, "application/json" if body else "")
        _require_success(answer, data, media_type)
        return data

    def _empty(self, method: str, path: str, body: bytes, media_type: str) -> None:
        answer, data = self._call(method, path, body, media_type)
        if answer.status_code != 204:
            _require_success(answer, data, "")
            raise _unreachable(f"HTTP {answer.status_code}, not 204")

    def _call(
        self, method: str, path: str, body: bytes, media_type: str
    ) -> tuple[requests.Response, bytes]:
        path = intake.PREFIX + path
        headers = self._signed(method, path, body)
        if media_type:
            headers["Content-Type"] = media_type
        try:
            with self._session.request(
                method,
                self._base + path,
                data=body or None,
                headers=headers,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return answer, _read(answer)
        except (requests.RequestException, HTTPError) as error:
            raise _unreachable(type(error).__name__) from None

    def _signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        date = self._clock().isoformat(timespec="seconds")
        return self._proof(date, intake.request_statement(method, path, date, body))

    def _stream_headers(self, method: str, url: str, offset: int | None) -> dict[str, str]:
        path, date = urlsplit(url).path, self._clock().isoformat(timespec="seconds")
        if offset is None:
            return self._signed(method, path, b"")
        return self._proof(date, intake.stream_statement(method, path, date, offset))

    def _proof(self, date: str, statement: bytes) -> dict[str, str]:
        signature = signatures.sign(self._key, signatures.REQUEST, statement)
        return {
            "Kiosk-Id": self._kiosk_id,
            "Kiosk-Date": date,
            "Kiosk-Signature": base64.b64encode(signature).decode(),
        }


def _read(answer: requests.Response) -> bytes:
    """The body, with an end to patience for a peer that drips, and to memory for one that pours."""
    end = time.monotonic() + WHOLE_SECONDS
    data = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        data += chunk
        if len(data) > MAX_ANSWER or time.monotonic() > end:
            raise _unreachable("an answer without end")
    return bytes(data)


def _require_success(
    answer: requests.Response, data: bytes, media_type: str, wait: float = 0.0
) -> None:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if answer.status_code == 200 and kind == media_type:
        return
    code = _problem(data) if kind == "application/problem+json" else None
    if code is not None and 400 <= answer.status_code < 500:
        raise QueueError(Fault.REJECTED, code, retry_after=wait)
    raise _unreachable(code or f"HTTP {answer.status_code} {kind}", wait)


def _problem(data: bytes) -> str | None:
    """Its code, if it is one of the contract's."""
    code = json_field(data, "code")
    return str(code) if code in list(Problem) else None


def _is_not_found(error: QueueError) -> bool:
    return (error.code, error.detail) == (Fault.REJECTED, Problem.NOT_FOUND)


def _unreachable(detail: str, wait: float = 0.0) -> QueueError:
    return QueueError(Fault.UNREACHABLE, detail, retryable=True, retry_after=wait)


def as_json(model: BaseModel) -> bytes:
    return model.model_dump_json().encode()
