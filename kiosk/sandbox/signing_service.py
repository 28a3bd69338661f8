"""A remote signing service of nobody: the Cloud Signature Consortium's API, versions 1.0.4 and 2.

Real keys, real signatures, real HTTP at ``/csc/v1/...`` and ``/csc/v2/...``. Tokens come from
``/oauth2/token`` (client credentials). Worked from outside by JSON over POST:

    /sandbox/set    {"down", "slow", "sad_seconds", "deny"}, see :class:`Faults`
    /sandbox/code   {"credential"} -> {"code"}: what stands on the holder's phone
    /sandbox/unlock {"credential"}
    /sandbox/confirm {}: the holder says yes to all that waits
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from email.message import Message
from typing import Any, Literal
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kiosk.sandbox.pki import SandboxPki
from kiosk.sandbox.stand_in import StandIn, say

SHA256 = "2.16.840.1.101.3.4.2.1"
SHA256_RSA, SHA256_ECDSA = "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"
CLIENT, CLIENT_SECRET = "desk", "sandbox-desk-secret"  # of a service of nobody
_TRIES = 3


@dataclass(slots=True)
class Holder:
    """A credential. ``chain``: DER, the signer's certificate first. ``otp``: none, one from a
    device, or one that ``sendOTP`` sends. ``bound``: SCAL 2. ``confirms``: says yes on a phone."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    chain: Sequence[bytes]
    pin: str = "13572468"
    otp: Literal["", "offline", "online"] = ""
    bound: bool = False
    confirms: bool = False
    multisign: int = 5
    wrong: int = 0
    code: str = field(default_factory=lambda: f"{secrets.randbelow(10**6):06}")

    @property
    def algorithm(self) -> str:
        return SHA256_RSA if isinstance(self.key, rsa.RSAPrivateKey) else SHA256_ECDSA

    @property
    def locked(self) -> bool:
        return self.wrong >= _TRIES

    def sign(self, digest: bytes) -> bytes:
        done = Prehashed(hashes.SHA256())
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(digest, padding.PKCS1v15(), done)
        return self.key.sign(digest, ec.ECDSA(done))


@dataclass(slots=True)
class Faults:
    """``down``: 503 to everything; ``slow``: seconds before an answer; ``sad_seconds``: life of an
    activation; ``told_seconds``: the life that is told; ``deny``: no token is taken any more."""

    down: bool = False
    slow: float = 0.0
    sad_seconds: float = 300.0
    told_seconds: int = 300
    deny: bool = False


@dataclass(slots=True)
class _Activation:
    credential: str
    left: int
    ends: float  # monotonic
    digests: set[str]
    confirmed: bool = True


class RefusedError(Exception):
    def __init__(self, description: str, error: str = "invalid_request", status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


class SigningService:
    """The service's memory and answers. ``calls``: the methods that were called, in order."""

    def __init__(self, holders: dict[str, Holder]) -> None:
        self.holders = holders
        self.faults = Faults()
        self.calls: list[str] = []
        self._tokens: set[str] = set()
        self._sads: dict[str, _Activation] = {}
        self._handles: dict[str, str] = {}
        self._lock = threading.Lock()

    def token(self, form: dict[str, str], login: str) -> dict[str, Any]:
        known = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        if login != f"Basic {known}" or form.get("grant_type") != "client_credentials":
            raise RefusedError("unknown client", "invalid_client", 401)
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def call(self, version: str, method: str, bearer: str, body: dict[str, Any]) -> Any:
        """Status and answer."""
        if self.faults.deny or bearer.removeprefix("Bearer ") not in self._tokens:
            raise RefusedError("The access token is not valid", "invalid_token", 401)
        if version == "v2":
            body = _as_older(body)
        methods: dict[str, Callable[[dict[str, Any], str], Any]] = {
            "credentials/list": lambda *_: {"credentialIDs": list(self.holders)},
            "credentials/info": self._info,
            "credentials/sendOTP": self._send_code,
            "credentials/authorize": self._authorise,
            "credentials/authorizeCheck": self._check,
            "credentials/extendTransaction": self._extend,
            "signatures/signHash": self._sign,
        }
        with self._lock:
            self.calls.append(method)
            return methods[method](body, version)

    @property
    def activations(self) -> list[_Activation]:
        return list(self._sads.values())

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def _info(self, body: dict[str, Any], version: str) -> dict[str, Any]:
        holder = self._holder(body)
        oids = [holder.algorithm]
        answer: dict[str, Any] = {
            "key": {"status": "enabled", "algo": oids, "len": holder.key.key_size},
            "cert": {
                "status": "valid",
                "certificates": [base64.b64encode(der).decode() for der in holder.chain],
            },
            "SCAL": "2" if holder.bound else "1",
            "multisign": holder.multisign,
        }
        if version == "v1":
            otp = {"presence": "true", "type": holder.otp} if holder.otp else {"presence": "false"}
            return answer | {"authMode": "explicit", "PIN": {"presence": "true"}, "OTP": otp}
        asked = [{"type": "Password", "id": "PIN"}]
        if holder.otp:
            asked.append({"type": "Password", "id": "OTP"})
        return answer | {"auth": {"mode": "explicit", "objects": asked}}

    def _send_code(self, body: dict[str, Any], version: str) -> dict[str, Any]:
        self._holder(body).code = f"{secrets.randbelow(10**6):06}"
        return {}

    def _authorise(self, body: dict[str, Any], version: str) -> Any:
        holder, count = self._holder(body), body.get("numSignatures")
        if holder.locked:
            raise RefusedError("Credential locked" if version == "v2" else "PIN locked")
        if not isinstance(count, int):
            raise RefusedError("Missing (or invalid type) integer parameter numSignatures")
        if count > holder.multisign:
            raise RefusedError("Numbers of signatures is too high")
        self._need_secrets(holder, body, version)
        digests = body.get("hash", [])
        if holder.bound and not digests:
            raise RefusedError("Missing (or invalid type) array parameter hash")
        sad = self._new(str(body["credentialID"]), count, digests, confirmed=not holder.confirms)
        if not holder.confirms:
            return self._told(sad)
        handle = secrets.token_hex(8)
        self._handles[handle] = sad
        return 202, {"handle": handle}

    def _need_secrets(self, holder: Holder, body: dict[str, Any], version: str) -> None:
        newer = "invalid_authentication_data" if version == "v2" else ""
        if body.get("PIN") != holder.pin:
            holder.wrong += 1
            raise RefusedError("The PIN is invalid", newer or "invalid_pin")
        if holder.otp and body.get("OTP") != holder.code:
            raise RefusedError("The OTP is invalid", newer or "invalid_otp")
        holder.wrong = 0
        holder.code = f"{secrets.randbelow(10**6):06}"  # each serves once

    def _check(self, body: dict[str, Any], version: str) -> Any:
        sad = self._handles.get(str(body.get("handle")))
        if sad is None:
            raise RefusedError("Invalid parameter handle")
        return self._told(sad) if self._sads[sad].confirmed else (202, {"handle": body["handle"]})

    def _extend(self, body: dict[str, Any], version: str) -> dict[str, Any]:
        held = self._held(body)
        self._sads.pop(str(body["SAD"]))
        return self._told(self._new(held.credential, held.left, body.get("hash", [])))

    def _sign(self, body: dict[str, Any], version: str) -> dict[str, Any]:
        holder, held, digests = self._holder(body), self._held(body), body.get("hash")
        if not isinstance(digests, list) or len(digests) > held.left:
            raise RefusedError("Missing (or invalid type) array parameter hash")
        if body.get("signAlgo") != holder.algorithm:
            raise RefusedError("Invalid parameter signAlgo")
        if holder.bound and not held.digests.issuperset(digests):
            raise RefusedError("Hash is not authorized by the SAD")
        raw = [_digest(each) for each in digests]
        held.left -= len(raw)
        return {"signatures": [base64.b64encode(holder.sign(each)).decode() for each in raw]}

    def _held(self, body: dict[str, Any]) -> _Activation:
        held = self._sads.get(str(body.get("SAD")))
        if held is None or held.credential != body.get("credentialID") or not held.confirmed:
            raise RefusedError("Invalid parameter SAD")
        if held.ends < time.monotonic() or not held.left:
            raise RefusedError("SAD expired")
        return held

    def _holder(self, body: dict[str, Any]) -> Holder:
        holder = self.holders.get(str(body.get("credentialID")))
        if holder is None:
            raise RefusedError("Invalid parameter credentialID")
        return holder

    def _new(
        self, credential: str, left: int, digests: Sequence[str], *, confirmed: bool = True
    ) -> str:
        sad, ends = secrets.token_urlsafe(24), time.monotonic() + self.faults.sad_seconds
        self._sads[sad] = _Activation(credential, left, ends, set(digests), confirmed)
        return sad

    def _told(self, sad: str) -> dict[str, Any]:
        return {"SAD": sad, "expiresIn": self.faults.told_seconds}

    def control(self, path: str, values: dict[str, Any]) -> dict[str, Any]:
        if path == "/sandbox/set":
            if unknown := set(values) - {each.name for each in fields(Faults)}:
                raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
            for name, value in values.items():
                setattr(self.faults, name, value)
            return {}
        if path == "/sandbox/confirm":
            for each in self._sads.values():
                each.confirmed = True
            return {}
        holder = self.holders[values["credential"]]
        if path == "/sandbox/unlock":
            holder.wrong = 0
            return {}
        return {"code": holder.code}


class SigningSandbox(StandIn):
    """The service at ``address``, from construction until ``close``."""

    def __init__(self, holders: dict[str, Holder], port: int = 0) -> None:
        self.service = SigningService(holders)
        self._closing = threading.Event()
        super().__init__(port)

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> tuple[int, Any]:
        if method != "POST":
            return 501, {"error": "invalid_request"}
        try:
            if target.startswith("/sandbox/"):
                return 200, self.service.control(target, json.loads(body))
            if self.service.faults.slow:
                self._closing.wait(self.service.faults.slow)
            if self.service.faults.down:
                return 503, {"error": "temporarily_unavailable"}
            login = headers.get("Authorization", "")
            if target == "/oauth2/token":
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                return 200, self.service.token(form, login)
            _, _, version, name = target.split("/", 3)
            answer = self.service.call(version, name, login, json.loads(body))
            return answer if isinstance(answer, tuple) else (200, answer)
        except RefusedError as refused:
            return refused.status, refused.body
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": "invalid_request", "error_description": type(error).__name__}

    def close(self) -> None:
        self._closing.set()
        super().close()


def _as_older(body: dict[str, Any]) -> dict[str, Any]:
    """A request of version 2 in the names of version 1."""
    given = {str(each["id"]): each["value"] for each in body.get("authData", ())}
    return {**body, **given, **({"hash": body["hashes"]} if "hashes" in body else {})}


def _digest(text: Any) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except (TypeError, binascii.Error):
        raise RefusedError("Invalid Base64 hash string parameter") from None
    if len(digest) != 32:
        raise RefusedError("Invalid digest value length")
    return digest


def of_officer(authority: SandboxPki) -> dict[str, Holder]:
    """The sandbox's officer as holder of a credential, under the sandbox's authority."""
    key = serialization.load_pem_private_key(authority.remote_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    chain = x509.load_pem_x509_certificates(
        authority.remote_certificate.read_bytes() + authority.chain.read_bytes()
    )
    return {
        "officer": Holder(
            key,
            [each.public_bytes(serialization.Encoding.DER) for each in chain],
            pin=authority.desk_pin.read_text().strip(),
        )
    }


def run(authority: SandboxPki, *, port: int = 0) -> None:
    """Serve until the process is ended; the first line says where, and as whom to come."""
    with SigningSandbox(of_officer(authority), port) as sandbox:
        line = {
            "address": sandbox.address,
            "credential": "officer",
            "pin_file": str(authority.desk_pin),
            "token_url": f"{sandbox.address}/oauth2/token",
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
        }
        say(line)
        sandbox.wait()
