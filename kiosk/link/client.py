"""The other end of the link socket, for ``kiosk run``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kiosk.failures import Fault, KioskError
from kiosk.link import frames
from kiosk.link.verbs import VERSION, Answer, Request, Verb


class LinkClient:
    """Calls are independent: each has a connection of its own and may be made from any loop."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    async def call(self, verb: Verb[Request, Answer], request: Request) -> Answer:
        """Raises KioskError: LINK_ABSENT (link is not running), LINK_TIMEOUT (not within the
        verb's deadline), or whatever code link answers with."""
        try:
            async with asyncio.timeout(verb.deadline):
                answer = await self._exchange(verb.name, request.model_dump())
        except TimeoutError:
            raise KioskError(Fault.LINK_TIMEOUT, verb.name, retryable=True) from None
        except (OSError, EOFError, ValueError) as error:
            raise KioskError(Fault.LINK_ABSENT, type(error).__name__, retryable=True) from None
        if "error" in answer:
            raise KioskError(**answer["error"])
        try:
            return verb.answer.model_validate(answer.get("ok"))
        except ValidationError:
            raise KioskError(Fault.LINK_ABSENT, f"{verb.name} answered nonsense") from None

    async def _exchange(self, verb: str, request: dict[str, Any]) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        try:
            writer.write(frames.encode({"v": VERSION, "verb": verb, "request": request}))
            await writer.drain()
            return await frames.read(reader)
        finally:
            writer.close()
