"""What nobody expected: the client gets a plain answer, the log type and place.

Starlette's own handler of last resort raises the error on, and uvicorn would print it whole, with
whatever a citizen's data it quotes (pydantic's messages do).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kiosk.defects import log_defect

_log = logging.getLogger(__name__)


class LastResort:
    """ASGI middleware. An answer that has begun is left unfinished, which ends the connection."""

    def __init__(self, app: ASGIApp, answer: Callable[[], Response]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watching(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watching)
        except Exception as error:
            if scope["type"] != "http":  # the start or the end of the program: not to be hidden
                raise
            route = getattr(scope.get("route"), "path", "-")
            log_defect(_log, f"{scope['method']} {route}", error)
            if not begun:
                await self._answer()(scope, receive, send)
