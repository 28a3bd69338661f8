"""What the stand-ins for services have in common: JSON over HTTP, on loopback."""

from __future__ import annotations

import json
import sys
import threading
from abc import ABC, abstractmethod
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class StandIn(ABC):
    """Serves until :meth:`close`, or as a context manager; ``port`` 0 is any.

    It serves from the end of this constructor on, which a subclass therefore calls last.
    """

    def __init__(self, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @abstractmethod
    def answer(self, method: str, target: str, headers: Message, body: bytes) -> tuple[int, Any]:
        """Status and JSON for a request; called from several threads."""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def say(line: dict[str, str]) -> None:
    """One JSON line, for the program that started this one."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # HTTP/1.0, one request a connection: none outlives the stand-in that answered it.

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            status, value = stand_in.answer(self.command, self.path, self.headers, body)
            data = json.dumps(value, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(data)))
            try:
                self.end_headers()
                self.wfile.write(data)
            except ConnectionError:
                self.close_connection = True  # the client did not wait for a slow answer

    return Handler
