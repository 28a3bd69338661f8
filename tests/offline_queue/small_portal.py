"""A small portal on loopback that speaks the intake contract, and misbehaves when told to."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from offline_queue import signatures
from offline_queue.intake import (
    EnrolAnswer,
    EnrolRequest,
    IntakeState,
    Lease,
    LeaseRequest,
    Problem,
    Receipt,
    ReceiptStatement,
    SignedManifest,
    request_statement,
    stream_statement,
)
from offline_queue.manifest import Manifest, canonical

STATUS = {Problem.NOT_FOUND: 404, Problem.CONFLICT: 409, Problem.NOT_ENROLLED: 401}
CODE = "one-time-code"


class RefusalError(Exception):
    def __init__(self, code: Problem) -> None:
        self.code = code


class HangUpError(Exception):
    """Close the connection without an answer."""


class Told(NamedTuple):
    status: int
    kind: str = ""
    data: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


@dataclass
class Held:
    manifest: str
    parts: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    receipt: Receipt | None = None
    processing: int = 1
    number: str | None = None
    note: str | None = None
    copy: bytes | None = None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A kiosk that was killed is none of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class SmallPortal:
    """``faults``: what happens to the next requests whose "METHOD path" contains the key:
    "500", "captive", "redirect", "nonsense", "lost" (done, the answer is not sent), a Problem.
    """

    def __init__(self) -> None:
        self.envelope_key = X25519PrivateKey.generate()
        self.receipt_key = ec.generate_private_key(ec.SECP256R1())
        self.receipt_signer = self.receipt_key
        self.devices: dict[str, str] = {}
        self.held: dict[UUID, Held] = {}
        self.faults: dict[str, deque[str]] = {}
        self.calls: list[str] = []
        self.staff_calls: list[str] = []
        self.files: dict[str, bytes] = {}
        self.next_number = 1
        self.lease_days = 7.0
        self.more_headers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._server = Server(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, request: str, *kinds: str) -> None:
        self.faults.setdefault(request, deque()).extend(kinds)

    @property
    def accepted(self) -> list[UUID]:
        return [dossier for dossier, held in self.held.items() if held.receipt]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Told:
        with self._lock:
            if self._closed:
                raise HangUpError  # a connection that was kept alive
            self.calls.append(f"{method} {path}")
            fault = self._next_fault(f"{method} {path}")
            if fault in list(Problem):
                return _problem(Problem(fault))
            if fault in _BROKEN:
                return _BROKEN[fault]
            try:
                if (method, path) not in (("POST", "/v1/devices"), ("GET", "/v1/health")):
                    self._check(method, path, headers, body)
                answer = self._route(method, path.removeprefix("/v1/").split("/"), headers, body)
            except RefusalError as refusal:
                answer = _problem(refusal.code)
            if fault == "lost":
                raise HangUpError
            if "/parts/" in path:
                return answer._replace(headers={**answer.headers, "Tus-Resumable": "1.0.0"})
            return answer._replace(headers={**answer.headers, **self.more_headers})

    def _next_fault(self, request: str) -> str | None:
        for key, kinds in self.faults.items():
            if key in request and kinds:
                return kinds.popleft()
        return None

    def _check(self, method: str, path: str, headers: Any, body: bytes) -> None:
        pem = self.devices.get(headers["Kiosk-Id"])
        if pem is None:
            raise RefusalError(Problem.NOT_ENROLLED)
        statement = request_statement(method, path, headers["Kiosk-Date"], body)
        if "/parts/" in path and method != "HEAD":
            offset = int(headers.get("Upload-Offset", 0))
            statement = stream_statement(method, path, headers["Kiosk-Date"], offset)
        signature = base64.b64decode(headers["Kiosk-Signature"])
        if not signatures.verify(
            signatures.load_public(pem), signatures.REQUEST, statement, signature
        ):
            raise RefusalError(Problem.BAD_SIGNATURE)

    def _route(self, method: str, path: list[str], headers: Any, body: bytes) -> Told:
        match method, path:
            case "GET", ["health"]:
                return Told(200, "application/json", b'{"status": "ok"}')
            case "POST", ["devices"]:
                return _json(self._enrol(EnrolRequest.model_validate_json(body)))
            case "POST", ["leases"]:
                return _json(self._lease(LeaseRequest.model_validate_json(body)))
            case "POST", ["staff-calls"]:
                self.staff_calls.append(json.loads(body)["reason"])
                return Told(204)
            case "GET", ["trust-bundle" | "policy" as name] if name in self.files:
                return Told(200, "application/cose", self.files[name])
            case _, ["dossiers", id, "parts", name] if UUID(id) in self.held:
                return self._part(method, self.held[UUID(id)], name, headers, body)
            case _, ["dossiers", id, *rest]:
                return self._dossier(method, UUID(id), rest, body)
        raise RefusalError(Problem.NOT_FOUND)

    def _part(self, method: str, held: Held, name: str, headers: Any, body: bytes) -> Told:
        offset = int(headers.get("Upload-Offset", 0))
        if method == "POST":
            held.parts.setdefault(name, body)
        elif name not in held.parts:
            raise RefusalError(Problem.NOT_FOUND)
        elif method == "PATCH":
            if offset != len(held.parts[name]):
                raise RefusalError(Problem.CONFLICT)
            held.parts[name] += body
        stands = {"Upload-Offset": str(len(held.parts[name]))}
        status = {"POST": 201, "HEAD": 200, "PATCH": 204}[method]
        return Told(status, headers=stands)

    def _dossier(self, method: str, id: UUID, path: list[str], body: bytes) -> Told:
        if method == "PUT" and not path:
            self._open(id, SignedManifest.model_validate_json(body))
        if id not in self.held:
            raise RefusalError(Problem.NOT_FOUND)
        held = self.held[id]
        match method, path:
            case "POST", ["commit"]:
                return _json(self._commit(id, held))
            case "GET", ["copy"] if held.copy is not None:
                return Told(200, "application/pdf", held.copy)
            case _, []:
                return _json(self._state(id, held))
        raise RefusalError(Problem.NOT_FOUND)

    def _enrol(self, request: EnrolRequest) -> EnrolAnswer:
        if request.one_time_code != CODE:
            raise RefusalError(Problem.NOT_ENROLLED)
        self.devices[request.kiosk_id] = request.public_key
        return EnrolAnswer(
            envelope_key_id="portal-1",
            envelope_key=base64.b64encode(
                self.envelope_key.public_key().public_bytes_raw()
            ).decode(),
            receipt_key_id="receipt-1",
            receipt_key=signatures.public_pem(self.receipt_key.public_key()),
        )

    def _lease(self, request: LeaseRequest) -> Lease:
        first, self.next_number = self.next_number, self.next_number + request.count
        return Lease(
            id=uuid4(),
            kind=request.kind,
            year=request.year,
            first=first,
            last=first + request.count - 1,
            book="01/2026",
            expires=datetime.now(UTC) + timedelta(days=self.lease_days),
        )

    def _open(self, id: UUID, signed: SignedManifest) -> None:
        manifest = Manifest.decode(signed.manifest.encode())
        key = signatures.load_public(self.devices[manifest.kiosk_id])
        signature = base64.b64decode(signed.signature)
        if not signatures.verify(key, signatures.MANIFEST, signed.manifest.encode(), signature):
            raise RefusalError(Problem.BAD_SIGNATURE)
        held = self.held.setdefault(id, Held(signed.manifest))
        if held.manifest != signed.manifest:
            raise RefusalError(Problem.CONFLICT)

    def _missing(self, held: Held) -> tuple[str, ...]:
        parts = Manifest.decode(held.manifest.encode()).parts
        return tuple(
            part.name
            for part in parts
            if hashlib.sha256(held.parts.get(part.name, b"")).hexdigest() != part.sha256
        )

    def _commit(self, id: UUID, held: Held) -> Receipt:
        if self._missing(held):
            raise RefusalError(Problem.INCOMPLETE)
        if held.receipt is None:
            held.commits += 1
            held.receipt = self.receipt_for(id, held)
        return held.receipt

    def receipt_for(self, id: UUID, held: Held) -> Receipt:
        statement = ReceiptStatement(
            id=id,
            code=Manifest.decode(held.manifest.encode()).code,
            manifest_sha256=hashlib.sha256(held.manifest.encode()).hexdigest(),
            accepted_at=datetime.now(UTC),
        )
        text = canonical(statement.model_dump(mode="json"))
        signature = signatures.sign(self.receipt_signer, signatures.RECEIPT, text)
        return Receipt(
            statement=text.decode(),
            signature=base64.b64encode(signature).decode(),
            key_id="receipt-1",
        )

    def _state(self, id: UUID, held: Held) -> IntakeState:
        return IntakeState(
            id=id,
            state="accepted" if held.receipt else "receiving",
            missing=() if held.receipt else self._missing(held),
            processing=held.processing if held.receipt else None,
            number=held.number,
            note=held.note,
        )


_BROKEN = {
    "500": Told(500, "text/plain", b"oh"),
    "502": Told(502, "application/problem+json", b'{"code": "intake.conflict"}'),
    "captive": Told(200, "text/html", b"<html>Accept the terms of this network</html>"),
    "forbidden": Told(403, "text/html", b"<html>blocked</html>"),
    "redirect": Told(302, "text/html", b"", {"Location": "http://127.0.0.1:9/login"}),
    "nonsense": Told(200, "application/json", b'{"cheese": 1}'),
    "busy": Told(429, "text/plain", b"slow down", {"Retry-After": "77"}),
    "strange": Told(400, "application/problem+json", b'{"code": "other.code"}'),
}


def _json(model: Any) -> Told:
    return Told(200, "application/json", model.model_dump_json().encode())


def _problem(code: Problem) -> Told:
    body = json.dumps({"status": STATUS.get(code, 422), "code": code}).encode()
    return Told(STATUS.get(code, 422), "application/problem+json", body)


def _handler(portal: SmallPortal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave in one segment: no 40 ms of delayed acknowledgement

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, kind, data, headers = portal.answer(
                    self.command, self.path, self.headers, body
                )
            except HangUpError:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if kind:
                self.send_header("Content-Type", kind)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_HEAD = do_PATCH = _serve  # noqa: N815

    return Handler
