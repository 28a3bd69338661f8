"""Speaking with the identity provider: its addresses, its keys, its answers, its people.

OpenID Connect Discovery 1.0 and Core 1.0. Claims come in two spellings, by deployment. Nothing
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
from kiosk.identity import providers
from kiosk.identity.providers import ProviderProfile
from kiosk.link.messages import Identity
from kiosk.settings import IdentitySettings
from offline_queue.transport import new_session

TIMEOUTS = (3.05, 5.0)
LEEWAY_SECONDS = 60
MAX_ANSWER = 8 * 1024 * 1024
MAX_PHOTO = 2 * 1024 * 1024

_NUMBER = re.compile(r"[0-9]{12}")
_JPEG = b"\xff\xd8\xff"
_CLOCK = (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError)

Document = dict[str, Any]


class Provider:
    """May be used from several threads at once."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        minimum_level: int,
        profile: ProviderProfile,
        *,
        secret: str = "",
        session: requests.Session | None = None,
    ) -> None:
        """``secret``: of a confidential client, for HTTP Basic (RFC 6749, 2.3.1)."""
        self.client_id = client_id
        self.profile = profile
        self._issuer = issuer.rstrip("/")
        self._minimum_level = minimum_level
        self._login = (client_id, secret) if secret else None
        self._session = session or new_session()
        self._configuration: Document | None = None
        self._keys: dict[str, jwt.PyJWK] = {}

    def post(self, endpoint: str, form: Mapping[str, str]) -> tuple[int, Document]:
        """To the endpoint of that name, form-encoded; status and JSON. Raises LINK_OFFLINE."""
        values = {**form, "client_id": self.client_id}
        return self._request("POST", self._discovered(endpoint), data=values, auth=self._login)

    def person(self, tokens: Document, nonce: str = "") -> Identity:
        """The person whom the tokens stand for.

        Raises KioskError: IDENTITY_CLOCK, IDENTITY_AUDIENCE, IDENTITY_LEVEL, IDENTITY_REFUSED,
        LINK_OFFLINE.
        """
        subject = self._verified_subject(tokens.get("id_token"), nonce)
        status, claims = self._request(
            "GET",
            self._discovered("userinfo_endpoint"),
            headers={"Authorization": f"Bearer {tokens.get('access_token')}"},
        )
        if status != 200:
            raise refused(f"userinfo endpoint: {status}")
        if subject is not None and claims.get("sub") != subject:
            raise refused("profile of another subject")
        return self.identity(claims)

    def identity(self, claims: Mapping[str, Any]) -> Identity:
        """Raises KioskError: IDENTITY_REFUSED, IDENTITY_LEVEL."""
        wanted = self.profile.login_idp
        if wanted and claims.get("loginIdp") != wanted:
            raise refused("another login")
        identity = _identity(claims)
        if identity.level < self._minimum_level:
            raise KioskError(Fault.IDENTITY_LEVEL, f"level {identity.level}")
        return identity

    def is_for_us(self, claims: Mapping[str, Any]) -> bool:
        """Whether the audience names this client, alone or among others."""
        audience = claims.get("aud", claims.get("client_id"))
        return audience == self.client_id or (
            isinstance(audience, list) and self.client_id in audience
        )

    def _verified_subject(self, id_token: object, nonce: str) -> str | None:
        """None where a deployment sends no id_token and its profile says so."""
        if id_token is None and not self.profile.demands_id_token:
            return None
        try:
            claims = jwt.decode(
                str(id_token),
                self._key(jwt.get_unverified_header(str(id_token)).get("kid")),
                algorithms=["ES256"],
                audience=self.client_id,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except _CLOCK as error:
            # It was signed a moment ago, so it is our clock or theirs that is wrong.
            raise KioskError(Fault.IDENTITY_CLOCK, type(error).__name__) from None
        except jwt.InvalidAudienceError:
            raise KioskError(Fault.IDENTITY_AUDIENCE) from None
        except jwt.PyJWTError as error:
            raise refused(f"id_token: {type(error).__name__}") from None
        if nonce and claims.get("nonce") != nonce:
            raise refused("id_token: nonce")
        return str(claims["sub"])

    def _key(self, key_id: str | None) -> jwt.PyJWK:
        """A key that is not known yet may be a new one: the provider's keys are read again."""
        if key_id not in self._keys:
            _, answer = self._request("GET", self._discovered("jwks_uri"))
            keys = jwt.PyJWKSet.from_dict(answer).keys
            self._keys = {str(key.key_id): key for key in keys if key.key_id}
        if key_id is None or key_id not in self._keys:
            raise refused("id_token: unknown key")
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


def of_settings(settings: IdentitySettings) -> Provider:
    """Raises KioskError (SETTINGS_INVALID)."""
    file = settings.client_secret_file
    try:
        secret = file.read_text("ascii").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise KioskError(
            Fault.SETTINGS_INVALID, f"identity.client_secret_file: {type(error).__name__}"
        ) from None
    return Provider(
        settings.issuer,
        settings.client_id,
        settings.minimum_level,
        providers.profile(settings.profile),
        secret=secret,
    )


def refused(detail: str) -> KioskError:
    return KioskError(Fault.IDENTITY_REFUSED, detail)


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
        raise refused(f"profile: {error}") from None


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


def _offline(detail: str) -> KioskError:
    return KioskError(Fault.LINK_OFFLINE, detail, retryable=True)
