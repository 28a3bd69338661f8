"""The Unix socket of link: who may call, frames in, frames out, one deadline for each verb."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from certify.errors import CertifyError
from kiosk.defects import log_defect
from kiosk.failures import Fault, KioskError
from kiosk.link import frames
from kiosk.link.messages import Message
from kiosk.link.verbs import VERBS, VERSION
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError

log = logging.getLogger(__name__)

Handler = Callable[[Any], Awaitable[Message]]

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred, unix(7)
_NO_NETWORK = {QueueFault.UNREACHABLE, QueueFault.UNKNOWN}


def bind(path: Path) -> socket.socket:
    """A listening socket (0660) at ``path``, in place of one that a dead process left behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o117)  # the mode must be right from the first instant
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    return sock


def allowed_users(names: Iterable[str]) -> frozenset[int]:
    """Own user, root and those configured. Raises KioskError (SETTINGS_INVALID)."""
    try:
        return frozenset({os.getuid(), 0, *(pwd.getpwnam(name).pw_uid for name in names)})
    except KeyError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"link.peers: no user {error}") from None


class VerbServer:
    def __init__(self, handlers: Mapping[str, Handler], users: frozenset[int]) -> None:
        self._handlers = handlers
        self._users = users

    async def serve(self, sock: socket.socket) -> asyncio.Server:
        return await asyncio.start_unix_server(self._connected, sock=sock)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._may_call(writer):
                answer = await self._answer(await frames.read(reader))
                writer.write(frames.encode(answer))
                await writer.drain()
        except (EOFError, ConnectionError, ValueError) as error:
            log.info("a caller was lost: %s", type(error).__name__)
        finally:
            writer.close()

    def _may_call(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        _, uid, _ = _CREDENTIALS.unpack(peer)
        if uid not in self._users:
            log.warning("user %d may not call link", uid)
        return uid in self._users

    async def _answer(self, call: Mapping[str, Any]) -> dict[str, Any]:
        verb = VERBS.get(str(call.get("verb")))
        if verb is None or call.get("v") != VERSION:
            return _error(Fault.UNEXPECTED, "unknown verb or version")
        try:
            request = verb.request.model_validate(call.get("request"))
            async with asyncio.timeout(verb.deadline):
                answer = await self._handlers[verb.name](request)
            return {"ok": answer.model_dump()}
        except ValidationError:
            return _error(Fault.UNEXPECTED, f"{verb.name}: malformed")
        except TimeoutError:
            return _error(Fault.LINK_TIMEOUT, verb.name, retryable=True)
        except (KioskError, CertifyError) as error:
            return _error(error.code, error.detail, retryable=error.retryable)
        except QueueError as error:
            code = Fault.LINK_OFFLINE if error.code in _NO_NETWORK else error.code
            return _error(code, error.detail, retryable=error.retryable)
        except Exception as error:
            log_defect(log, verb.name, error)
            return _error(Fault.UNEXPECTED, f"{verb.name}: {type(error).__name__}")


def _error(code: str, detail: str, *, retryable: bool = False) -> dict[str, Any]:
    return {"error": {"code": str(code), "detail": detail, "retryable": retryable}}
