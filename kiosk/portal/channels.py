"""Ways to a citizen: mail by SMTP, a wallet and the post by signed-in HTTPS orders.

Mail carries no result and no name, only a link that ends: mailboxes are read by many machines.
The wallet and post intakes are shapes of ours until the partners publish theirs; an adapter is one
class here.
"""

from __future__ import annotations

import base64
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

import requests

from kiosk.portal.delivery import Channel, DeliveryError, Parcel
from kiosk.portal.settings import DeliverySettings, read_pin

_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two pieces of an answer
_SUBJECTS = {
    "result": "Hồ sơ {code}: đã có kết quả",
    "supplement": "Hồ sơ {code}: cần bổ sung",
    "duty": "Hồ sơ {code}: cần nộp tiền",
    "refusal": "Hồ sơ {code}: không được giải quyết",
    "vouched": "Hồ sơ {code}: cán bộ đã nhận giúp",
}
_TEXTS = {
    "result": "Hồ sơ {code} ({title}) đã có kết quả.\n\n"
    "Ông/bà tải kết quả tại địa chỉ dưới đây. Địa chỉ chỉ dùng được trong vài ngày:\n\n{link}\n",
    "supplement": "Hồ sơ {code} ({title}) cần bổ sung:\n\n{note}\n\n"
    "Ông/bà đến kiosk hoặc quầy một cửa, mang theo mã hồ sơ.\n",
    "duty": "Hồ sơ {code} ({title}) chờ nộp tiền:\n\n{note}\n\n"
    "Nộp xong, ông/bà đưa biên lai cho quầy một cửa.\n",
    "refusal": "Hồ sơ {code} ({title}) không được giải quyết:\n\n{note}\n\n"
    "Ông/bà có thể hỏi cán bộ tại quầy một cửa.\n",
    "vouched": "Hồ sơ {code} ({title}) đã nộp tại kiosk. Một cán bộ đứng cạnh máy đã xác nhận "
    "ông/bà là người nộp.\n\nNếu không phải ông/bà nộp, xin báo ngay cho quầy một cửa.\n",
}


class Mail:
    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings

    def send(self, parcel: Parcel) -> str:
        message = self._message(parcel)
        try:
            with self._server() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise DeliveryError("mail.no-such-box", retryable=min(codes) < 500) from None
        except smtplib.SMTPResponseException as error:
            code = f"mail.{error.smtp_code}"
            raise DeliveryError(code, retryable=error.smtp_code < 500) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"mail.{type(error).__name__}", retryable=True) from None
        return str(message["Message-ID"])

    def _server(self) -> smtplib.SMTP:
        settings, context = self._settings, ssl.create_default_context()
        place, seconds = (settings.mail_host, settings.mail_port), _TIMEOUT[1]
        server: smtplib.SMTP
        if settings.mail_security == "tls":
            server = smtplib.SMTP_SSL(*place, timeout=seconds, context=context)
        else:
            server = smtplib.SMTP(*place, timeout=seconds)
        try:
            if settings.mail_security == "starttls":
                server.starttls(context=context)
            if settings.mail_user and settings.mail_password_file:
                server.login(settings.mail_user, read_pin(settings.mail_password_file))
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, parcel: Parcel) -> EmailMessage:
        words = {"code": parcel.code, "title": parcel.title, "note": parcel.note}
        message = EmailMessage()
        message["To"] = _one_mailbox(parcel.address)
        message["From"] = self._settings.mail_from
        message["Subject"] = _SUBJECTS[parcel.kind].format(**words)
        message["Date"] = formatdate()
        domain = self._settings.mail_from.rpartition("@")[2]
        message["Message-ID"] = f"<{parcel.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_TEXTS[parcel.kind].format(**words, link=parcel.link))
        return message


def _one_mailbox(address: str) -> str:
    """Raises DeliveryError: for line breaks, a way to smuggle in headers, for two and for none."""
    probe = EmailMessage()
    try:
        probe["To"] = address
        (mailbox,) = probe["To"].addresses
    except ValueError:
        raise DeliveryError("mail.bad-address", retryable=False) from None
    if not mailbox.username or not mailbox.domain:
        raise DeliveryError("mail.bad-address", retryable=False)
    return address


class _Orders:
    """JSON orders to a partner, idempotent by ``id``; the answer has a ``reference``."""

    def __init__(self, url: str, token: str, name: str) -> None:
        self._url = url
        self._name = name
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def place(self, order: Mapping[str, Any]) -> str:
        try:
            answer = self._session.post(
                self._url, json=order, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise DeliveryError(f"{self._name}.{type(error).__name__}", retryable=True) from None
        if not answer.ok:
            later = answer.status_code >= 500 or answer.status_code in (408, 429)
            raise DeliveryError(f"{self._name}.{answer.status_code}", retryable=later)
        try:
            return str(answer.json()["reference"])
        except (ValueError, KeyError, TypeError):
            raise DeliveryError(f"{self._name}.not-an-answer", retryable=True) from None


class Wallet:
    def __init__(self, settings: DeliverySettings) -> None:
        self._orders = _Orders(settings.wallet_url, _token(settings.wallet_token_file), "wallet")

    def send(self, parcel: Parcel) -> str:
        if parcel.pdf is None:
            raise DeliveryError("wallet.no-result", retryable=False)
        return self._orders.place(
            {
                "id": parcel.id,
                "code": parcel.code,
                "citizen_number": parcel.citizen_number,
                "title": parcel.title,
                "pdf": base64.b64encode(parcel.pdf).decode(),
            }
        )


class Post:
    """Orders a collection at the agency; the parcel itself is paper."""

    def __init__(self, settings: DeliverySettings) -> None:
        self._orders = _Orders(settings.post_url, _token(settings.post_token_file), "post")

    def send(self, parcel: Parcel) -> str:
        if not parcel.address:
            raise DeliveryError("post.bad-address", retryable=False)
        return self._orders.place(
            {
                "id": parcel.id,
                "code": parcel.code,
                "name": parcel.name,
                "address": parcel.address,
                "fee": parcel.fee,
            }
        )


def channels_of(settings: DeliverySettings | None) -> dict[str, Channel]:
    """Those that are configured, by name. Raises PortalError (SETTINGS_INVALID)."""
    found: dict[str, Channel] = {}
    if settings is None:
        return found
    if settings.mail_host:
        found["email"] = Mail(settings)
    if settings.wallet_url:
        found["wallet"] = Wallet(settings)
    if settings.post_url:
        found["post"] = Post(settings)
    return found


def _token(file: Any) -> str:
    return read_pin(file) if file else ""
