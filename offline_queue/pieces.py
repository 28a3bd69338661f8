"""Requests with a piece of an upload in them: watched while they run, and left when they hang."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from offline_queue.backoff import retry_after

UNSENT = 8 * 1024
"""So little of a piece waits in the kernel: when it does not shrink, the line stands still."""
LONGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Body:
    """A piece, as a file that ends early when it is not wanted any more."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.taken = 0
        self.unwanted = False

    def __len__(self) -> int:
        return len(self._data)

    def read(self, size: int = -1) -> bytes:
        if self.unwanted:
            raise requests.ConnectionError("abandoned")
        end = len(self._data) if size < 0 else self.taken + size
        block = bytes(self._data[self.taken : end])
        self.taken += len(block)
        return block


class Call:
    """A request in a thread of its own, which the caller may leave to its time-outs."""

    def __init__(self, request: Callable[[], Answer], body: Body) -> None:
        self.done = threading.Event()
        self.body = body
        self._request = request
        self._answer: Answer | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="tus-piece", daemon=True).start()

    def answer(self) -> Answer:
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer

    def abandon(self) -> None:
        self.body.unwanted = True

    def _run(self) -> None:
        try:
            self._answer = self._request()
        except BaseException as error:  # carried to whoever waits
            self._error = error
        finally:
            self.done.set()


class PromptAdapter(HTTPAdapter):
    """Connections that take a piece only as fast as the network does (TCP_NOTSENT_LOWAT, tcp(7)).
    How much may be on its way unacknowledged is not limited by that."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        prompt = (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        options["socket_options"] = [*HTTPConnection.default_socket_options, prompt]
        super().init_poolmanager(*args, blocksize=UNSENT, **options)


def asked_to_wait(headers: Mapping[str, str], wall: Callable[[], datetime]) -> float | None:
    """Seconds of its ``Retry-After``, by the server's own clock where it shows one."""
    return retry_after(headers.get("Retry-After"), shown_date(headers) or wall())


def shown_date(headers: Mapping[str, str]) -> datetime | None:
    """``Date`` (RFC 9110), None where there is none, or one of no calendar or no zone."""
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else None


def json_field(data: bytes, name: str) -> object:
    """Of an object; None where there is no such field, or no JSON."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # the latter for what is nested without end
        return None
    return document.get(name) if isinstance(document, dict) else None


def short_body(answer: requests.Response) -> bytes:
    body: bytes = answer.raw.read(LONGEST_BODY + 1, decode_content=True)
    if len(body) > LONGEST_BODY:
        raise requests.ConnectionError("an answer without end")
    return body
