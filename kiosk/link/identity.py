"""The client of the identity provider (VNeID): the code on the phone's screen becomes a person.

OpenID Connect Core 1.0, code flow: what the phone shows is exchanged at the token endpoint
(RFC 6749 4.1.3, form-encoded), the id_token is verified against the provider's keys, and the
profile is read from the userinfo endpoint. Claims come in two spellings, by deployment. Nothing
about the person is logged or put into an error.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import jwt
import requests
import urllib3

from kiosk.failures import Fault, KioskError
from kiosk.link.verbs import Identity
from offline_queue.transport import new_session

REDIRECT_URI = "urn:kiosk"
TIMEOUTS = (3.05, 5.0)
LEEWAY_SECONDS = 60
MAX_ANSWER = 8 * 1024 * 1024
MAX_PHOTO = 2 * 1024 * 1024

_PAYLOAD = re.compile(r"[\x21-\x7e]{1,2048}")
_NUMBER = re.compile(r"[0-9]{12}")
_JPEG = b"\xff\xd8\xff"

Document = dict[str, Any]


class VneidClient:
    """``identify`` may be called from several threads at once."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        minimum_level: int,
        session: requests.Session | None = None,
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._minimum_level = minimum_level
        self._session = session or new_session()
        self._configuration: Document | None = None
        self._keys: dict[str, jwt.PyJWK] = {}

    def identify(self, payload: str) -> Identity:
        """Raises KioskError: IDENTITY_UNREADABLE (no code of the provider), IDENTITY_EXPIRED (too
        old, or used already), IDENTITY_LEVEL, IDENTITY_REFUSED, LINK_OFFLINE."""
        code = payload.strip()
        if not _PAYLOAD.fullmatch(code):
            raise KioskError(Fault.IDENTITY_UNREADABLE)
        tokens = self._exchange(code)
        subject = self._verified_subject(tokens.get("id_token"))
        profile = self._profile(tokens.get("access_token"))
        if profile.get("sub") != subject:
            raise _refused("profile of another subject")
        identity = _identity(profile)
        if identity.level < self._minimum_level:
            raise KioskError(Fault.IDENTITY_LEVEL, f"level {identity.level}")
        return identity

    def _exchange(self, code: str) -> Document:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self._client_id,
            "redirect_uri": REDIRECT_URI,
        }
        status, answer = self._request("POST", self._discovered("token_endpoint"), data=form)
        if status == 200:
            return answer
        error = answer.get("error")
        if error == "invalid_grant":
            raise KioskError(Fault.IDENTITY_EXPIRED)
        raise _refused(f"token endpoint: {status}")

    def _verified_subject(self, id_token: object) -> str:
        try:
            claims = jwt.decode(
                str(id_token),
                self._key(jwt.get_unverified_header(str(id_token)).get("kid")),
                algorithms=["ES256"],
                audience=self._client_id,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"], "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise _refused(f"id_token: {type(error).__name__}") from None
        return str(claims["sub"])

    def _profile(self, access_token: object) -> Document:
        status, answer = self._request(
            "GET",
            self._discovered("userinfo_endpoint"),
            headers={"Authorization": f"Bearer {access_token}"},
        )
        if status != 200:
            raise _refused(f"userinfo endpoint: {status}")
        return answer

    def _key(self, key_id: str | None) -> jwt.PyJWK:
        """A key that is not known yet may be a new one: the provider's keys are read again."""
        if key_id not in self._keys:
            _, answer = self._request("GET", self._discovered("jwks_uri"))
            keys = jwt.PyJWKSet.from_dict(answer).keys
            self._keys = {str(key.key_id): key for key in keys if key.key_id}
        if key_id is None or key_id not in self._keys:
            raise _refused("id_token: unknown key")
        return self._keys[key_id]

    def _discovered(self, name: str) -> str:
        """An address from the provider's configuration (OpenID Connect Discovery 1.0, 4)."""
        if self._configuration is None:
            address = f"{self._issuer}/.well-known/openid-configuration"
            status, answer = self._request("GET", address)
            if status != 200 or str(answer.get("issuer", "")).rstrip("/") != self._issuer:
                raise _offline("the configuration is not this provider's")
            self._configuration = answer
        found = self._configuration.get(name)
        if not isinstance(found, str):
            raise _offline(f"the configuration has no {name}")
        return found

    def _request(self, method: str, address: str, **arguments: Any) -> tuple[int, Document]:
        """Status and JSON. Whatever is no answer of the provider raises LINK_OFFLINE."""
        try:
            with self._session.request(
                method, address, timeout=TIMEOUTS, allow_redirects=False, stream=True, **arguments
            ) as answer:
                body = answer.raw.read(MAX_ANSWER, decode_content=True)
                status = answer.status_code
            document = json.loads(body)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _offline(type(error).__name__) from None
        except (ValueError, RecursionError, OSError):
            raise _offline("not an answer of the provider") from None
        if status >= 500 or not isinstance(document, dict):
            raise _offline(f"HTTP {status}")
        return status, document


def _identity(profile: Mapping[str, Any]) -> Identity:
    try:
        return Identity(
            full_name=_name(_claim(profile, "HoVaTen", "fullName")),
            citizen_number=_number(_claim(profile, "SoDinhDanh", "citizenPid")),
            birth_date=_date(_claim(profile, "NgayThangNamSinh")),
            level=int(_claim(profile, "accountLevel")),
            photo=_photo(profile.get("photo")),
        )
    except ValueError as error:
        raise _refused(f"profile: {error}") from None


def _claim(profile: Mapping[str, Any], *spellings: str) -> str:
    for spelling in spellings:
        if profile.get(spelling) not in (None, ""):
            return str(profile[spelling])
    raise ValueError(f"no {spellings[0]}")


def _name(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError("SoDinhDanh has not 12 digits")
    return text


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day, not an instant
    except ValueError:
        raise ValueError("NgayThangNamSinh is not yyyymmdd") from None


def _photo(text: object) -> bytes | None:
    """None for anything that is no JPEG: without a photo the staff compares."""
    if not isinstance(text, str) or len(text) > MAX_PHOTO * 4 // 3 + 4:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:  # no base64, or not even ASCII
        return None
    return data if data.startswith(_JPEG) else None


def _refused(detail: str) -> KioskError:
    return KioskError(Fault.IDENTITY_REFUSED, detail)


def _offline(detail: str) -> KioskError:
    return KioskError(Fault.LINK_OFFLINE, detail, retryable=True)
