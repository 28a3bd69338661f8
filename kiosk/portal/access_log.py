"""One line a request on standard error: method, route, status, milliseconds.

The route is the pattern of the program (``/desk/{case_id}``), never what was asked for: paths name
dossiers and seals. There is no address, no name, no agent.
"""

from __future__ import annotations

import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("portal.access")


class AccessLog:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def watching(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watching)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            took = round((time.monotonic() - began) * 1000)
            line = {"method": scope["method"], "route": route, "status": status, "ms": took}
            _log.info("%s", json.dumps(line))


def write_to_standard_error() -> None:
    if not _log.handlers:
        _log.addHandler(logging.StreamHandler())
    _log.setLevel(logging.INFO)
    _log.propagate = False
