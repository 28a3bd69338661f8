"""A mail server that delivers nowhere: it speaks SMTP and keeps what it was given.

For the demo and tests; :class:`MailCatcher` listens on loopback in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailCatcher:
    """``answers``: SMTP replies to give first instead of taking a message, as ``"451 later"``."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[str] = []
        self._caught: list[EmailMessage] = []
        self._arrived = threading.Condition()
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def port(self) -> int:
        return self._port

    @property
    def messages(self) -> list[EmailMessage]:
        with self._arrived:
            return list(self._caught)

    def wait(self, count: int, seconds: float = 10.0) -> list[EmailMessage]:
        """The messages, once there are ``count``. Raises TimeoutError."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._caught) >= count, seconds):
                raise TimeoutError(f"{len(self._caught)} of {count} messages")
            return list(self._caught)

    def clear(self) -> None:
        with self._arrived:
            self._caught.clear()
            self.answers = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each message."""
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        with self._arrived:
            self._caught.append(message)
            self._arrived.notify_all()
        return "250 kept"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            lambda: SMTP(self, hostname="mail.sandbox", loop=self._loop), "127.0.0.1", self._port
        )

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:  # connections that a client has not closed
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
