"""Who somebody is, by VNeID: the code on the phone's screen, or a code that the phone scans here.

The phone's code is exchanged at the token endpoint (RFC 6749 4.1.3), or introspected (RFC 7662)
where a deployment wants that. The other way round the kiosk begins a device grant (RFC 8628) and
shows its address; code verifier (RFC 7636) and nonce bind the answer to what it began. Neither
says that the account's owner stands here: a code can be relayed. The face does.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kiosk.failures import Fault, KioskError
from kiosk.link.messages import Identity, ScreenCode, ScreenCodeState
from kiosk.link.provider import Document, Provider, refused

REDIRECT_URI = "urn:kiosk"
_PAYLOAD = re.compile(r"[\x21-\x7e]{1,2048}")
_REMEMBERED_SECONDS = 900.0  # longer than any code lives
_MOST_SCREEN_CODES = 16
_MOST_LIFE = 600  # seconds
_SLOWER_SECONDS = 5.0  # RFC 8628, 3.5
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_WAITING = {"authorization_pending", "slow_down"}
_OVER = {"expired_token": Fault.IDENTITY_EXPIRED, "access_denied": Fault.IDENTITY_DENIED}


@dataclass(slots=True)
class _Begun:
    """``due``: when the provider may be asked next; instants are monotonic seconds."""

    device_code: str
    verifier: str
    nonce: str
    until: float
    due: float
    interval: float


class VneidClient:
    """May be used from several threads at once."""

    def __init__(self, provider: Provider, now: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._now = now
        self._lock = threading.Lock()
        self._used: dict[bytes, float] = {}
        self._begun: dict[str, _Begun] = {}

    # -- the kiosk scans -----------------------------------------------------------------------

    def identify(self, payload: str) -> Identity:
        """Raises KioskError: IDENTITY_UNREADABLE (no code of the provider), IDENTITY_EXPIRED (too
        old), IDENTITY_REPLAYED (seen here before), IDENTITY_AUDIENCE, IDENTITY_LEVEL,
        IDENTITY_CLOCK, IDENTITY_REFUSED, LINK_OFFLINE."""
        code = payload.strip()
        if self._provider.profile.mends_plus:
            code = code.replace(" ", "+")
        if not _PAYLOAD.fullmatch(code):
            raise KioskError(Fault.IDENTITY_UNREADABLE)
        self._check_fresh(code)
        if self._provider.profile.app_code == "introspection":
            return self._introspected(code)
        return self._exchanged(code)

    def _exchanged(self, code: str) -> Identity:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        status, answer = self._provider.post("token_endpoint", form)
        if status != 200:
            raise _code_refused(status, answer)
        self._remember(code)
        return self._provider.person(answer)

    def _introspected(self, token: str) -> Identity:
        """The answer is the profile itself (RFC 7662, 2.2, with the deployment's claims)."""
        status, claims = self._provider.post("introspection_endpoint", {"token": token})
        if status != 200:
            raise _code_refused(status, claims)
        if claims.get("active") is not True:
            raise KioskError(Fault.IDENTITY_EXPIRED)
        if not self._provider.is_for_us(claims):
            raise KioskError(Fault.IDENTITY_AUDIENCE)
        self._remember(token)
        return self._provider.identity(claims)

    def _check_fresh(self, code: str) -> None:
        """A provider may accept a token twice; a photographed code must not work here twice."""
        with self._lock:
            forgotten = self._now() - _REMEMBERED_SECONDS
            self._used = {key: at for key, at in self._used.items() if at > forgotten}
            if _digest(code) in self._used:
                raise KioskError(Fault.IDENTITY_REPLAYED)

    def _remember(self, code: str) -> None:
        with self._lock:
            self._used[_digest(code)] = self._now()

    # -- the app scans -------------------------------------------------------------------------

    def begin(self) -> ScreenCode:
        """Raises KioskError: IDENTITY_REFUSED, LINK_OFFLINE; LINK_BUSY when too many are begun."""
        verifier, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        form = {"scope": "openid"}
        if self._provider.profile.pkce:
            challenge = base64.urlsafe_b64encode(_digest(verifier)).rstrip(b"=").decode()
            form |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        if self._provider.profile.nonce:
            form["nonce"] = nonce
        status, answer = self._provider.post("device_authorization_endpoint", form)
        if status != 200:
            raise refused(f"device authorization endpoint: {status}")
        return self._shown(answer, verifier, nonce)

    def _shown(self, answer: Document, verifier: str, nonce: str) -> ScreenCode:
        try:
            life = min(int(answer["expires_in"]), _MOST_LIFE)
            interval = float(answer.get("interval", _SLOWER_SECONDS))
            address = str(answer.get("verification_uri_complete") or answer["verification_uri"])
            user_code, device_code = str(answer["user_code"]), str(answer["device_code"])
        except (KeyError, ValueError, TypeError) as error:
            raise refused(f"device authorization: {type(error).__name__}") from None
        handle, now = secrets.token_urlsafe(16), self._now()
        begun = _Begun(device_code, verifier, nonce, now + life, now + interval, interval)
        with self._lock:
            self._begun = {key: one for key, one in self._begun.items() if one.until > now}
            if len(self._begun) >= _MOST_SCREEN_CODES:
                raise KioskError(Fault.LINK_BUSY, "screen codes", retryable=True)
            self._begun[handle] = begun
        expires = datetime.now(UTC) + timedelta(seconds=life)
        return ScreenCode(handle=handle, code=address, user_code=user_code, expires=expires)

    def pending(self, handle: str) -> float:
        """Seconds until the provider may be asked again. Raises KioskError (IDENTITY_EXPIRED)."""
        return max(0.0, self._of(handle).due - self._now())

    def look(self, handle: str) -> ScreenCodeState:
        """Ask once whether the code was scanned and agreed to.

        Raises KioskError: IDENTITY_EXPIRED, IDENTITY_DENIED (the person said no),
        IDENTITY_AUDIENCE, IDENTITY_LEVEL, IDENTITY_CLOCK, IDENTITY_REFUSED, LINK_OFFLINE.
        """
        begun = self._of(handle)
        form = {"grant_type": _DEVICE_GRANT, "device_code": begun.device_code}
        if self._provider.profile.pkce:
            form["code_verifier"] = begun.verifier
        status, answer = self._provider.post("token_endpoint", form)
        error = answer.get("error")
        if status == 400 and error in _WAITING:
            begun.interval += _SLOWER_SECONDS if error == "slow_down" else 0.0
            begun.due = self._now() + begun.interval
            return ScreenCodeState()
        self.forget(handle)
        if status != 200:
            raise KioskError(_OVER.get(str(error), Fault.IDENTITY_REFUSED), f"HTTP {status}")
        nonce = begun.nonce if self._provider.profile.nonce else ""
        return ScreenCodeState(identity=self._provider.person(answer, nonce))

    def forget(self, handle: str) -> None:
        with self._lock:
            self._begun.pop(handle, None)

    def _of(self, handle: str) -> _Begun:
        with self._lock:
            begun = self._begun.get(handle)
        if begun is None or begun.until <= self._now():
            raise KioskError(Fault.IDENTITY_EXPIRED)
        return begun


def _code_refused(status: int, answer: Document) -> KioskError:
    if answer.get("error") == "invalid_grant":
        return KioskError(Fault.IDENTITY_EXPIRED)
    return refused(f"endpoint: {status}")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()
