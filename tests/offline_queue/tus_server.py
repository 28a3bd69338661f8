"""A tus server on loopback that keeps what arrives of a piece, and misbehaves when told to."""

from __future__ import annotations

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TUS = {"Tus-Resumable": "1.0.0"}
CAPTIVE = (200, {"Content-Type": "text/html"}, b"<html>Accept the terms</html>")


class TusServer:
    """``faults[method]``: what happens to its next requests.

    - a number: after so many bytes of the piece the connection is closed
    - "hang": after half of the piece nothing is read or answered any more, until :meth:`close`
    - "swallow": the same at once, so that nothing is kept
    - "slow": each quarter of the piece waits until a HEAD has been answered
    - "forget N": the upload has only N bytes after this request; "lost": done, but not answered
    - (status, headers, body): the answer, instead of doing anything
    """

    def __init__(self) -> None:
        self.uploads: dict[str, bytearray] = {}
        self.faults: dict[str, deque[Any]] = {}
        self.calls: list[tuple[str, int]] = []
        self.metadata: str | None = None
        self.asked = threading.Semaphore(0)
        self.hanging = threading.Event()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, method: str, *kinds: object) -> None:
        self.faults.setdefault(method, deque()).extend(kinds)

    def sent(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        method, length = request.command, int(request.headers.get("Content-Length", 0))
        self.calls.append((method, length))
        kinds = self.faults.get(method)
        fault = kinds.popleft() if kinds else None
        if isinstance(fault, tuple):
            request.rfile.read(length)
            return _answer(request, *fault)
        if method == "HEAD":
            self.asked.release()
        return self._do(request, method, length, fault)

    def _do(self, request: BaseHTTPRequestHandler, method: str, length: int, fault: Any) -> None:
        path = request.path
        if method == "POST":
            self.metadata = request.headers.get("Upload-Metadata")
            path = path if path.startswith("/known/") else f"/files/{len(self.uploads)}"
            self.uploads[path] = bytearray()
        upload = self.uploads.get(path)
        if upload is None:
            return _answer(request, 404, TUS)
        if method == "PATCH" and int(request.headers["Upload-Offset"]) != len(upload):
            request.rfile.read(length)
            return _answer(request, 409, TUS)
        if not self._receive(request, upload, length, fault):
            request.close_connection = True
            return None
        if isinstance(fault, str) and fault.startswith("forget"):
            del upload[int(fault.split()[1]) :]
        headers = {**TUS, "Upload-Offset": str(len(upload)), "Location": path}
        return _answer(request, {"POST": 201, "HEAD": 200, "PATCH": 204}[method], headers)

    def _receive(
        self, request: BaseHTTPRequestHandler, upload: bytearray, length: int, fault: Any
    ) -> bool:
        """False to close the connection without an answer."""
        if isinstance(fault, int):
            upload += request.rfile.read(min(fault, length))
            return False
        if fault == "swallow":
            self._over.wait(20)
            return False
        if fault == "hang":
            upload += request.rfile.read(length // 2)
            self.hanging.set()
            self._over.wait(20)
            return False
        if fault == "slow":
            while self.asked.acquire(blocking=False):
                pass
            for part in (length // 4, length // 4, length // 4):
                upload += request.rfile.read(part)
                self.asked.acquire(timeout=20)
            length -= 3 * (length // 4)
        upload += request.rfile.read(length)
        return bool(fault != "lost")


def _answer(
    request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes = b""
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def _handler(server: TusServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            try:
                server.serve(self)
            except ConnectionError:
                self.close_connection = True

        do_POST = do_HEAD = do_PATCH = _serve  # noqa: N815

    return Handler
