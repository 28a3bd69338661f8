"""The payment gateway: a VietQR code to show, and its signed word that the money came.

    POST {gateway}/v1/payments             {"reference", "amount"} -> {"id", "qr", "expires"}
    GET  {gateway}/v1/payments/{id}?wait=S -> {"state", "notice", "signature"}

A QR code confirms nothing. What counts is the notice: JSON text with ``payment_id``, ``reference``,
``amount`` and ``state``, signed ES256 (purpose ``NOTICE``) by the key in
``payment.notice_key_file``.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import quote

import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from pydantic import BaseModel, ConfigDict, ValidationError

from kiosk.failures import Fault, KioskError
from kiosk.link import vietqr
from kiosk.link.messages import PayAnswer, PaymentAnswer, PaymentRequest, PayRequest
from kiosk.settings import PaymentSettings
from offline_queue import signatures
from offline_queue.transport import new_session

NOTICE = "mot-cua/payment-notice/1"
_CONNECT_SECONDS = 3.05
_ASK_SECONDS = 4.0
_MAX_ANSWER = 64 * 1024


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


_Answer = TypeVar("_Answer", bound=_Shape)


class _Created(_Shape):
    id: str
    qr: str
    expires: datetime


class _State(_Shape):
    state: Literal["waiting", "paid", "expired"]
    notice: str = ""
    signature: str = ""


class Notice(_Shape):
    payment_id: str
    reference: str
    amount: int
    state: Literal["paid"]


class PaymentGateway:
    """Methods may be called from several threads. They raise KioskError: LINK_OFFLINE when the
    gateway gives no usable answer, PAYMENT_FORGED when it does not stand for what it says."""

    def __init__(self, settings: PaymentSettings) -> None:
        """Raises KioskError (SETTINGS_INVALID)."""
        self._address = settings.gateway.rstrip("/")
        self._key = _notice_key(settings) if self._address else None
        self._session = new_session()

    def create(self, request: PayRequest) -> PayAnswer:
        body = request.model_dump()
        created = self._ask("POST", "/v1/payments", _Created, _ASK_SECONDS, body)
        try:
            payment = vietqr.decode(created.qr)
        except ValueError as error:
            raise KioskError(Fault.PAYMENT_FORGED, f"QR: {error}") from None
        if (payment.amount, payment.reference) != (request.amount, request.reference):
            raise KioskError(Fault.PAYMENT_FORGED, "QR: another amount or reference")
        return PayAnswer(payment_id=created.id, qr=created.qr, expires=created.expires)

    def watch(self, request: PaymentRequest) -> PaymentAnswer:
        path = f"/v1/payments/{quote(request.payment_id, safe='')}?wait={request.seconds:.0f}"
        told = self._ask("GET", path, _State, request.seconds + _ASK_SECONDS)
        if told.state != "paid":
            return PaymentAnswer(state=told.state)
        self._check(told, request)
        return PaymentAnswer(state="paid", notice=told.notice, signature=told.signature)

    def _check(self, told: _State, request: PaymentRequest) -> None:
        assert self._key is not None
        try:
            signature = base64.b64decode(told.signature, validate=True)
            notice = Notice.model_validate_json(told.notice)
        except ValueError:  # no base64, not even ASCII, no notice
            raise KioskError(Fault.PAYMENT_FORGED, "notice: malformed") from None
        if not signatures.verify(self._key, NOTICE, told.notice.encode(), signature):
            raise KioskError(Fault.PAYMENT_FORGED, "notice: signature")
        expected = (request.payment_id, request.reference, request.amount)
        if (notice.payment_id, notice.reference, notice.amount) != expected:
            raise KioskError(Fault.PAYMENT_FORGED, "notice: of another payment")

    def _ask(
        self, method: str, path: str, shape: type[_Answer], seconds: float, body: object = None
    ) -> _Answer:
        if self._key is None:
            raise KioskError(Fault.SETTINGS_INVALID, "payment.gateway is not set")
        try:
            with self._session.request(
                method,
                self._address + path,
                json=body,
                timeout=(_CONNECT_SECONDS, seconds),
                allow_redirects=False,
                stream=True,
            ) as answer:
                data = answer.raw.read(_MAX_ANSWER, decode_content=True)
                status = answer.status_code
            if status == 200:
                return shape.model_validate_json(data)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _offline(type(error).__name__) from None
        except ValidationError:
            raise _offline("the gateway answers nonsense") from None
        raise _offline(f"the gateway answers {status}")


def _offline(detail: str) -> KioskError:
    return KioskError(Fault.LINK_OFFLINE, detail, retryable=True)


def _notice_key(settings: PaymentSettings) -> EllipticCurvePublicKey:
    file = settings.notice_key_file
    if file is None:
        raise KioskError(Fault.SETTINGS_INVALID, "payment.notice_key_file is not set")
    try:
        return signatures.load_public(file.read_text())
    except (OSError, ValueError) as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"payment.notice_key_file: {error}") from None
