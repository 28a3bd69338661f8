"""A stand-in for the identity provider VNeID: OpenID Connect, with people who do not exist.

The kiosk reads a QR code from the phone and exchanges it at ``/token`` (OpenID Connect Core 3.1.3,
RFC 6749 4.1.3, form-encoded), then asks ``/userinfo`` for claims named as in deployments of VNeID:
``SoDinhDanh``, ``HoVaTen``, ``NgayThangNamSinh`` (yyyymmdd), ``accountLevel``, ``loginIdp``.

The other way round the kiosk begins at ``/device`` (RFC 8628) and shows ``/activate?user_code=``,
which the app scans. Where a deployment introspects (RFC 7662), the phone's code goes to
``/introspect`` instead.

Worked from outside by JSON over POST:

    /sandbox/people  {"citizen_number", "full_name", "birth_date": "yyyymmdd", "level", "photo"}
    /sandbox/codes   {"citizen_number", "expired", "level"} -> {"payload": what the QR code says}
    /sandbox/scan    {"code": what the kiosk shows, "citizen_number", "agree"}: the app scans it
    /sandbox/set     {"down", "slow", "proof", "skew", "audience"}, see :class:`Faults`
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from email.message import Message
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.sandbox.stand_in import StandIn, say

REDIRECT_URI = "urn:kiosk"
CODE_SECONDS = 120
TOKEN_SECONDS = 300
POLL_SECONDS = 1
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628, 6.1: no vowels, so no words


@dataclass(frozen=True, slots=True)
class Person:
    """``birth_date`` as yyyymmdd; ``photo`` base64 of a JPEG, or None; ``level`` 1 or 2."""

    citizen_number: str
    full_name: str
    birth_date: str
    level: int = 2
    photo: str | None = None

    def __post_init__(self) -> None:
        if not (len(self.citizen_number) == 12 and self.citizen_number.isdecimal()):
            raise ValueError("citizen_number: 12 digits")
        datetime.strptime(self.birth_date, "%Y%m%d")  # noqa: DTZ007 - a date without a place


@dataclass(slots=True)
class Faults:
    """``down``: 503 to everything; ``slow``: seconds before an answer; ``proof``: the id_token is
    absent, as in some deployments, signed by a stranger's key, or repeats another nonce; ``skew``:
    seconds by which the provider's clock is ahead; ``audience``: for whom tokens are made out,
    empty for who asks."""

    down: bool = False
    slow: float = 0.0
    proof: Literal["good", "absent", "forged", "other-nonce"] = "good"
    skew: float = 0.0
    audience: str = ""


@dataclass(frozen=True, slots=True)
class _Grant:
    person: Person
    expires: float  # seconds since 1970


@dataclass(slots=True)
class _DeviceGrant:
    """``answer``: the person who agreed, "denied", or None as long as nobody scanned the code."""

    user_code: str
    challenge: str
    nonce: str
    expires: float
    answer: Person | Literal["denied"] | None = None


class OAuthError(Exception):
    """RFC 6749 5.2; ``status`` is 401 for a client or token that is not known."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class Provider:
    """The provider's memory and answers; all methods may be called from several threads."""

    def __init__(self, client_id: str = "kiosk") -> None:
        self.faults = Faults()
        self.issuer = ""
        self._client_id = client_id
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._key_id = secrets.token_hex(8)  # a restarted provider has another key: clients see it
        self._lock = threading.Lock()
        self._people: dict[str, Person] = {}
        self._codes: dict[str, _Grant] = {}
        self._tokens: dict[str, _Grant] = {}
        self._devices: dict[str, _DeviceGrant] = {}

    def add_person(self, **values: Any) -> dict[str, Any]:
        """Raises TypeError or ValueError for a malformed person."""
        person = Person(**values)
        with self._lock:
            self._people[person.citizen_number] = person
        return {}

    def make_code(
        self, citizen_number: str, expired: bool = False, level: int | None = None
    ) -> dict[str, Any]:
        """What the phone of that person shows. Raises ValueError for an unknown person."""
        payload = f"vneid:{secrets.token_urlsafe(24)}"
        with self._lock:
            person = self._people.get(citizen_number)
            if person is None:
                raise ValueError("citizen_number: nobody")
            if level is not None:
                person = replace(person, level=level)
            life = -1 if expired else CODE_SECONDS
            self._codes[payload] = _Grant(person, time.time() + life)
        return {"payload": payload}

    def scan(self, code: str, citizen_number: str, agree: bool = True) -> dict[str, Any]:
        """The app of that person scans what the kiosk shows. Raises ValueError for a code or person
        that does not exist."""
        user_code = parse_qs(urlsplit(code).query).get("user_code", [""])[0]
        with self._lock:
            person = self._people.get(citizen_number)
            grant = next((g for g in self._devices.values() if g.user_code == user_code), None)
            if person is None or grant is None:
                raise ValueError("no such person or code")
            grant.answer = person if agree else "denied"
        return {}

    def set(self, **changes: Any) -> dict[str, Any]:
        """Raises ValueError for an unknown fault."""
        if unknown := set(changes) - {field.name for field in fields(Faults)}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self.faults = replace(self.faults, **changes)
        return {}

    def configuration(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3."""
        return {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "device_authorization_endpoint": f"{self.issuer}/device",
            "introspection_endpoint": f"{self.issuer}/introspect",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", DEVICE_GRANT],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["openid"],
        }

    def jwks(self) -> dict[str, Any]:
        key = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": "ES256"}]}

    def device(self, form: Mapping[str, str]) -> dict[str, Any]:
        """RFC 8628, 3.2, with the challenge of RFC 7636 and a nonce."""
        self._check_client(form)
        device_code, user_code = secrets.token_urlsafe(24), _user_code()
        grant = _DeviceGrant(
            user_code,
            form.get("code_challenge", ""),
            form.get("nonce", ""),
            time.time() + CODE_SECONDS,
        )
        with self._lock:
            self._devices[device_code] = grant
        address = f"{self.issuer}/activate"
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={user_code}",
            "expires_in": CODE_SECONDS,
            "interval": POLL_SECONDS,
        }

    def introspect(self, form: Mapping[str, str]) -> dict[str, Any]:
        """RFC 7662, 2.2; the phone's code is the token, and lives as long as it lives."""
        self._check_client(form)
        with self._lock:
            grant = self._codes.get(form.get("token", ""))
        if grant is None or grant.expires < time.time():
            return {"active": False}
        return {"active": True, "aud": self._audience, **self._claims(grant.person)}

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        self._check_client(form)
        if form.get("grant_type") == DEVICE_GRANT:
            return self._device_token(form)
        if form.get("grant_type") != "authorization_code":
            raise OAuthError("unsupported_grant_type")
        with self._lock:
            grant = self._codes.pop(form.get("code", ""), None)
        wrong_target = form.get("redirect_uri") != REDIRECT_URI
        if grant is None or grant.expires < time.time() or wrong_target:
            raise OAuthError("invalid_grant")
        return self._tokens_for(grant.person, "")

    def _device_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """RFC 8628, 3.4 and 3.5."""
        with self._lock:
            grant = self._devices.get(form.get("device_code", ""))
            if grant is None or grant.expires < time.time():
                raise OAuthError("expired_token")
            if grant.answer is None:
                raise OAuthError("authorization_pending")
            del self._devices[form["device_code"]]
        if grant.challenge and _challenge(form.get("code_verifier", "")) != grant.challenge:
            raise OAuthError("invalid_grant")
        if grant.answer == "denied":
            raise OAuthError("access_denied")
        return self._tokens_for(grant.answer, grant.nonce)

    def _check_client(self, form: Mapping[str, str]) -> None:
        if form.get("client_id") != self._client_id:
            raise OAuthError("invalid_client", 401)

    def _tokens_for(self, person: Person, nonce: str) -> dict[str, Any]:
        access_token = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens[access_token] = _Grant(person, time.time() + TOKEN_SECONDS)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": "openid",
        }
        if self.faults.proof != "absent":
            answer["id_token"] = self._id_token(person, nonce)
        return answer

    def userinfo(self, authorization: str) -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            grant = self._tokens.get(token)
        if scheme.lower() != "bearer" or grant is None or grant.expires < time.time():
            raise OAuthError("invalid_token", 401)
        return {"sub": self._subject(grant.person), **self._claims(grant.person)}

    def _claims(self, person: Person) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "SoDinhDanh": person.citizen_number,
            "HoVaTen": person.full_name,
            "NgayThangNamSinh": person.birth_date,
            "accountLevel": person.level,
            "loginIdp": "BCA",
        }
        return claims if person.photo is None else {**claims, "photo": person.photo}

    @property
    def _audience(self) -> str:
        return self.faults.audience or self._client_id

    def _id_token(self, person: Person, nonce: str) -> str:
        stranger = ec.generate_private_key(ec.SECP256R1())
        key = stranger if self.faults.proof == "forged" else self._key
        now = int(time.time() + self.faults.skew)
        claims = {
            "iss": self.issuer,
            "sub": self._subject(person),
            "aud": self._audience,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        if nonce:
            claims["nonce"] = "another" if self.faults.proof == "other-nonce" else nonce
        return jwt.encode(claims, key, "ES256", headers={"kid": self._key_id})

    def _subject(self, person: Person) -> str:
        """One name per person and client, which is not the citizen number."""
        name = f"{self._client_id}:{person.citizen_number}".encode()
        return hashlib.sha256(name).hexdigest()[:32]


class VneidSandbox(StandIn):
    """The provider on loopback: use as a context manager, or :meth:`close`."""

    def __init__(self, port: int = 0, client_id: str = "kiosk") -> None:
        self.provider = Provider(client_id)
        self._closing = threading.Event()
        super().__init__(port)
        self.provider.issuer = self.address

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> tuple[int, Any]:
        try:
            if target.startswith("/sandbox/"):
                return 200, self._control(target, json.loads(body))
            if self.provider.faults.slow:
                self._closing.wait(self.provider.faults.slow)
            if self.provider.faults.down:
                return 503, {"error": "temporarily_unavailable"}
            return 200, self._protocol(f"{method} {target}", headers, body)
        except OAuthError as error:
            return error.status, {"error": error.error}
        except (TypeError, ValueError) as error:
            return 400, {"error": str(error)}
        except KeyError:
            return 404, {"error": "not_found"}

    def _protocol(self, request: str, headers: Message, body: bytes) -> dict[str, Any]:
        routes: dict[str, Callable[[], dict[str, Any]]] = {
            "GET /.well-known/openid-configuration": self.provider.configuration,
            "GET /jwks": self.provider.jwks,
            "GET /userinfo": lambda: self.provider.userinfo(headers.get("Authorization", "")),
            "POST /token": lambda: self.provider.token(_form(headers.get_content_type(), body)),
            "POST /device": lambda: self.provider.device(_form(headers.get_content_type(), body)),
            "POST /introspect": lambda: self.provider.introspect(
                _form(headers.get_content_type(), body)
            ),
        }
        return routes[request]()

    def _control(self, path: str, values: dict[str, Any]) -> dict[str, Any]:
        actions: dict[str, Callable[..., dict[str, Any]]] = {
            "/sandbox/people": self.provider.add_person,
            "/sandbox/codes": self.provider.make_code,
            "/sandbox/scan": self.provider.scan,
            "/sandbox/set": self.provider.set,
        }
        return actions[path](**values)

    def close(self) -> None:
        self._closing.set()
        super().close()


def run(*, port: int = 0) -> None:
    """Serve until the process is ended."""
    with VneidSandbox(port) as sandbox:
        say({"address": sandbox.address})
        sandbox.wait()


def _user_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """Each field once (RFC 6749, 3.2). Raises OAuthError."""
    pairs = parse_qs(body.decode("utf-8", "replace"))
    if content_type != "application/x-www-form-urlencoded" or any(
        len(values) > 1 for values in pairs.values()
    ):
        raise OAuthError("invalid_request")
    return {name: values[0] for name, values in pairs.items()}
