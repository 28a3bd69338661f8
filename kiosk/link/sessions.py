"""HTTP sessions of link: whom to believe, who we are, and when we were told to wait.

Only the configured CA is believed at the portal's door; what the system or the environment trusts
does not count. TLS 1.2 at least.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from kiosk.failures import Fault, KioskError
from kiosk.settings import Settings
from offline_queue.pieces import PromptAdapter
from offline_queue.transport import new_session

LONGEST_WAIT = 300.0
"""Whatever Retry-After says, after so many seconds a verb asks again."""


class Pause:
    """When the portal has said 503 with Retry-After, nobody asks before that."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._until - self._clock())

    def told(self, retry_after: str) -> None:
        """Seconds, as the portal says them; a date or nonsense is no reason to wait."""
        if retry_after.isascii() and retry_after.isdecimal():
            with self._lock:
                wait = min(LONGEST_WAIT, float(retry_after))
                self._until = max(self._until, self._clock() + wait)


class _Adapter(PromptAdapter):
    def __init__(self, certificate: Path | None, pause: Pause | None) -> None:
        self._certificate = certificate
        self._pause = pause
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        options["ssl_minimum_version"] = ssl.TLSVersion.TLSv1_2
        super().init_poolmanager(*arguments, **options)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if self._pause and self._pause.left > 0:
            raise requests.ConnectionError("told to wait")
        if self._certificate and self._certificate.exists():
            cert = str(self._certificate)
        answer = super().send(request, stream, timeout, verify, cert, proxies)
        if self._pause and answer.status_code == 503:
            self._pause.told(answer.headers.get("Retry-After", ""))
        return answer


def portal_session(
    ca_file: Path | None, certificate: Path | None = None, pause: Pause | None = None
) -> requests.Session:
    """``certificate``: file that may come to exist later, or be replaced by a newer one."""
    session = new_session()
    adapter = _Adapter(certificate, pause)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    if ca_file is not None:
        session.verify = str(ca_file)
    return session


def check_addresses(settings: Settings) -> None:
    """Raises KioskError (SETTINGS_INVALID): production speaks TLS only, and at the portal's door
    believes nobody but the CA that is configured."""
    link = settings.link
    addresses = {
        "link.portal": link.portal,
        "link.enrolment_portal": link.enrolment_portal,
        "identity.issuer": settings.identity.issuer,
        "payment.gateway": settings.payment.gateway,
    }
    plain = [key for key, value in addresses.items() if value and not value.startswith("https://")]
    if settings.site.environment == "production" and plain:
        raise KioskError(Fault.SETTINGS_INVALID, f"{plain[0]}: production needs https://")
    doors = (link.portal, link.enrolment_portal)
    secure = any(address.startswith("https://") for address in doors)
    if secure and (link.ca_file is None or not link.ca_file.is_file()):
        raise KioskError(Fault.SETTINGS_INVALID, "link.ca_file: the CA of the portal is needed")
