"""A small OpenID Connect provider on loopback, with one invented person."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

CODE = "vneid:phone+code/1=="


class SmallVneid:
    """``codes``: what may be exchanged, once each. ``claims`` go into the id_token, ``profile`` is
    the userinfo answer, ``broken`` maps a path to a fixed (status, body)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = "key-1"
        self.signer: Any = self.key
        self.algorithm = "ES256"
        self.codes = {CODE}
        self.error = "invalid_grant"
        self.claims: dict[str, Any] = {}
        self.profile: dict[str, Any] = {
            "sub": "subject-1",
            "SoDinhDanh": "001099000001",
            "HoVaTen": "NGUYỄN  THỊ BỊA",
            "NgayThangNamSinh": "19900203",
            "accountLevel": 2,
        }
        self.broken: dict[str, tuple[int, bytes]] = {}
        self.calls: list[str] = []
        self.form_type = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.issuer = self.address
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, headers: Any, body: str) -> tuple[int, bytes]:
        self.calls.append(path)
        if path in self.broken:
            return self.broken[path]
        status, document = self._route(path, headers, body)
        return status, json.dumps(document).encode()

    def _route(self, path: str, headers: Any, body: str) -> tuple[int, dict[str, Any]]:
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.issuer,
                    "token_endpoint": f"{self.address}/token",
                    "userinfo_endpoint": f"{self.address}/userinfo",
                    "jwks_uri": f"{self.address}/jwks",
                }
            case "/jwks":
                key = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
                return 200, {"keys": [{**key, "kid": self.key_id, "alg": "ES256"}]}
            case "/token":
                self.form_type = headers["Content-Type"]
                return self._token({name: value[0] for name, value in parse_qs(body).items()})
            case "/userinfo" if headers["Authorization"] == "Bearer access-1":
                return 200, self.profile
        return 401, {"error": "invalid_token"}

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        expected = {"grant_type": "authorization_code", "client_id": "kiosk"}
        if not expected.items() <= form.items() or form["redirect_uri"] != "urn:kiosk":
            return 400, {"error": "invalid_request"}
        if form["code"] not in self.codes:
            return 400, {"error": self.error}
        self.codes.remove(form["code"])
        claims = {
            "iss": self.issuer,
            "aud": "kiosk",
            "sub": "subject-1",
            "exp": int(time.time()) + 300,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, self.signer, self.algorithm, headers={"kid": self.key_id})
        return 200, {"access_token": "access-1", "token_type": "Bearer", "id_token": token}


def _handler(provider: SmallVneid) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, data = provider.answer(self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _serve  # noqa: N815

    return Handler
