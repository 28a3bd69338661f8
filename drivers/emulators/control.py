"""The handle by which a test, a demo or a person works an emulated device: HTTP on loopback.

``GET /`` answers the state as JSON; ``POST /set`` with ``{"field": value}`` changes fields of the
state; ``POST /<action>`` with a JSON object calls that action with the object as keywords.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol


class Emulator(Protocol):
    """A stand-in that serves from construction until ``close``."""

    @property
    def address(self) -> str:
        """What the settings of the real device would hold."""
        ...

    @property
    def control_url(self) -> str: ...

    def close(self) -> None: ...


class Control:
    """Serves ``state`` (a dataclass instance) and ``actions`` on an ephemeral port."""

    def __init__(
        self, state: Any, actions: Mapping[str, Callable[..., Any]] | None = None, port: int = 0
    ) -> None:
        self.state = state
        self.actions: dict[str, Callable[..., Any]] = {"set": self.set, **(actions or {})}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def set(self, **changes: Any) -> None:
        """Raises ValueError for a field the device does not have."""
        known = {field.name for field in fields(self.state)}
        if unknown := set(changes) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {sorted(known)}")
        for name, value in changes.items():
            setattr(self.state, name, value)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(control: Control) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(200, asdict(control.state))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"
            action = control.actions.get(self.path.strip("/"))
            if action is None:
                self._answer(404, {"error": f"actions: {', '.join(control.actions)}"})
                return
            try:
                action(**json.loads(body))
            except (TypeError, ValueError, OSError) as error:
                self._answer(400, {"error": str(error)})
                return
            self._answer(200, asdict(control.state))

        def _answer(self, status: int, value: Any) -> None:
            data = json.dumps(value, ensure_ascii=False, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
