"""The wire to a remote signing service: Cloud Signature Consortium API, 1.0.4 ("v1") and 2 ("v2").

The two differ in names: ``hash``, ``hashAlgo``, ``PIN`` and ``OTP`` became ``hashes``,
``hashAlgorithmOID`` and ``authData``. Only what explicit and implicit authorisation need is here.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import requests
from asn1crypto import x509

from certify.errors import CertifyError, Fault
from certify.secret import Secret

Version = Literal["v1", "v2"]
T = TypeVar("T")

SHA256 = "2.16.840.1.101.3.4.2.1"
_DEFAULT_LIFE = 3600  # seconds of an activation whose life the service does not tell
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at the service at ``url`` (what stands before ``/csc/``).

    ``token``: a bearer token; else one is fetched at ``token_url`` with ``client_id`` and
    ``client_secret`` (client credentials, RFC 6749 4.4). ``seconds``: how long a call may take, a
    person's confirmation on a phone included; ``poll``: between two questions for it. ``ca``: PEM
    of the only authority to believe.
    """

    url: str
    version: Version = "v1"
    token: Secret | None = None
    token_url: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    seconds: float = 120.0
    poll: float = 1.0
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """``certificates``: the signer's first. ``algorithms``: OIDs. ``multisign``: most signatures of
    one authorisation. ``bound``: an activation is for named digests only (SCAL 2). ``otp_by_wire``:
    the service sends the code when asked."""

    id: str
    certificates: tuple[x509.Certificate, ...]
    algorithms: tuple[str, ...]
    needs_pin: bool
    needs_otp: bool
    otp_by_wire: bool
    multisign: int
    bound: bool


@dataclass(frozen=True, slots=True)
class Activation:
    """Signature activation data: the right to ``left`` signatures until ``expires``."""

    sad: Secret
    expires: datetime
    left: int


class ActivationGoneError(Exception):
    """The service no longer takes the activation; a new one has to be asked for."""


class WrongCodeError(Exception):
    """The one-time code was wrong; the PIN was not."""


class CscClient:
    """Raises CertifyError: SIGNER_UNREACHABLE (down, slow; retryable), SIGNER_REFUSED (token, PIN,
    code or request), SIGNER_LOCKED."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy or login of the environment
        if account.ca:
            self._http.verify = str(account.ca)
        self._token = account.token
        self._newer = account.version == "v2"

    def close(self) -> None:
        self._http.close()

    def credentials(self) -> list[str]:
        """Ids of what this account may sign with."""
        return _read(lambda: list(map(str, self._call("credentials/list", {})["credentialIDs"])))

    def info(self, credential: str) -> Credential:
        question = {"credentialID": credential, "certificates": "chain", "authInfo": True}
        answer = self._call("credentials/info", question)
        found = _read(lambda: (_newer_info if self._newer else _older_info)(credential, answer))
        _refuse_unusable(answer)
        return found

    def send_code(self, credential: str) -> None:
        """Let the service send a one-time code to the holder."""
        self._call("credentials/sendOTP", {"credentialID": credential})

    def authorise(
        self,
        credential: Credential,
        digests: Sequence[bytes],
        count: int,
        pin: Secret | None,
        code: Secret | None,
    ) -> Activation:
        """Raises WrongCodeError too."""
        question: dict[str, Any] = {"credentialID": credential.id, "numSignatures": count}
        question |= self._digests(digests) if credential.bound else {}
        given = {"PIN": pin, "OTP": code}
        values = {name: value.reveal() for name, value in given.items() if value}
        if self._newer:
            question["authData"] = [{"id": key, "value": value} for key, value in values.items()]
        else:
            question |= values
        answer = self._call("credentials/authorize", question)
        deadline = time.monotonic() + self._account.seconds
        while "handle" in answer and "SAD" not in answer:  # waits for a person (v2, 11.7)
            if time.monotonic() > deadline:
                raise CertifyError(Fault.SIGNER_UNCONFIRMED, "not confirmed in time")
            time.sleep(self._account.poll)
            answer = self._call("credentials/authorizeCheck", {"handle": answer["handle"]})
        return _activation(answer, count)

    def extend(self, credential: Credential, held: Activation, digest: bytes) -> Activation:
        """The right to sign ``digest`` too. Raises ActivationGoneError."""
        question = {"credentialID": credential.id, "SAD": held.sad.reveal()}
        answer = self._call("credentials/extendTransaction", question | self._digests([digest]))
        return _activation(answer, held.left)

    def sign(
        self, credential: Credential, held: Activation, digest: bytes, algorithm: str
    ) -> bytes:
        """As the algorithm has it: PKCS#1 v1.5, or DER of r and s. Raises ActivationGoneError."""
        question = {
            "credentialID": credential.id,
            "SAD": held.sad.reveal(),
            "signAlgo": algorithm,
            **({} if self._newer else {"hashAlgo": SHA256}),
            **self._digests([digest]),
        }
        answer = self._call("signatures/signHash", question)

        def only() -> bytes:
            (signature,) = answer["signatures"]
            return base64.b64decode(signature, validate=True)

        return _read(only)

    def _digests(self, digests: Sequence[bytes]) -> dict[str, Any]:
        texts = [base64.b64encode(digest).decode() for digest in digests]
        if self._newer:
            return {"hashes": texts, "hashAlgorithmOID": SHA256}
        return {"hash": texts}

    def _call(self, method: str, question: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._account.url.rstrip('/')}/csc/{self._account.version}/{method}"
        answer = self._post(url, json=question, headers=self._bearer())
        if answer.status_code == 401 and self._account.token is None:
            self._token = None  # it ran out; a given one cannot be renewed here
            answer = self._post(url, json=question, headers=self._bearer())
        return _accepted(answer)

    def _bearer(self) -> dict[str, str]:
        if self._token is None and self._account.token_url:
            secret = self._account.client_secret
            form = {"grant_type": "client_credentials", "scope": "service"}
            login = (self._account.client_id, secret.reveal() if secret else "")
            answer = _accepted(self._post(self._account.token_url, data=form, auth=login))
            self._token = Secret(_read(lambda: str(answer["access_token"])))
        return {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}

    def _post(self, url: str, **content: Any) -> requests.Response:
        limits = (_CONNECT_SECONDS, self._account.seconds)
        try:
            # A redirect would carry PIN and token to another host.
            return self._http.post(url, timeout=limits, allow_redirects=False, **content)
        except requests.RequestException as error:
            detail = type(error).__name__
            raise CertifyError(Fault.SIGNER_UNREACHABLE, detail, retryable=True) from None


def _accepted(answer: requests.Response) -> dict[str, Any]:
    if answer.status_code >= 500 or answer.status_code == 429:
        detail = f"status {answer.status_code}"
        raise CertifyError(Fault.SIGNER_UNREACHABLE, detail, retryable=True)
    try:
        body = answer.json() if answer.content else {}
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise CertifyError(Fault.SIGNER_REFUSED, "not an answer of this protocol")
    if not answer.ok or answer.is_redirect:
        raise _refusal(answer.status_code, body)
    return body


def _refusal(status: int, body: dict[str, Any]) -> Exception:
    """From the error tables of the two specifications; their sentences tell what the codes do not.
    No sentence of the service goes further than here: nobody knows what it quotes."""
    error, told = str(body.get("error", "")), str(body.get("error_description", "")).lower()
    if status == 401 or error in ("invalid_token", "invalid_client", "access_denied"):
        return CertifyError(Fault.SIGNER_REFUSED, "access token")
    if "locked" in told:
        return CertifyError(Fault.SIGNER_LOCKED, "by the signing service")
    if error == "invalid_otp" or "otp is invalid" in told:
        return WrongCodeError()
    if error in ("invalid_pin", "invalid_authentication_data") or "pin is invalid" in told:
        return CertifyError(Fault.SIGNER_REFUSED, "PIN")
    if "sad expired" in told or "parameter sad" in told:
        return ActivationGoneError()
    return CertifyError(Fault.SIGNER_REFUSED, f"status {status}")


def _activation(answer: dict[str, Any], left: int) -> Activation:
    def read() -> Activation:
        life = timedelta(seconds=int(answer.get("expiresIn") or _DEFAULT_LIFE))
        return Activation(Secret(str(answer["SAD"])), datetime.now(UTC) + life, left)

    return _read(read)


def _older_info(id: str, answer: dict[str, Any]) -> Credential:
    pin, otp = answer.get("PIN") or {}, answer.get("OTP") or {}
    return Credential(
        id=id,
        **_common(answer),
        needs_pin=str(pin.get("presence", "")).lower() == "true",
        needs_otp=str(otp.get("presence", "")).lower() == "true",
        otp_by_wire=otp.get("type") == "online",
    )


def _newer_info(id: str, answer: dict[str, Any]) -> Credential:
    asked = {str(each["id"]) for each in answer["auth"].get("objects", ())}
    return Credential(
        id=id,
        **_common(answer),
        needs_pin="PIN" in asked,
        needs_otp="OTP" in asked,
        otp_by_wire=False,  # version 2 knows no such call: the code comes by other ways
    )


def _common(answer: dict[str, Any]) -> dict[str, Any]:
    certificates = [base64.b64decode(each) for each in answer["cert"]["certificates"]]
    return {
        "certificates": tuple(map(x509.Certificate.load, certificates)),
        "algorithms": tuple(map(str, answer["key"]["algo"])),
        "multisign": max(1, int(answer["multisign"])),
        "bound": str(answer.get("SCAL", "1")) == "2",
    }


def _refuse_unusable(answer: dict[str, Any]) -> None:
    key, certificate = answer["key"], answer["cert"]
    if key.get("status", "enabled") != "enabled":
        raise CertifyError(Fault.SIGNER_LOCKED, "the key is disabled")
    if certificate.get("status", "valid") != "valid":
        raise CertifyError(Fault.SIGNER_REFUSED, "the certificate is no longer valid")


def _read(reading: Callable[[], T]) -> T:
    """What an answer says; nonsense is a refusal."""
    try:
        return reading()
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        detail = f"answer: {type(error).__name__}"
        raise CertifyError(Fault.SIGNER_REFUSED, detail) from None
