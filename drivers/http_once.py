"""One HTTP request to a device, whose answer is whole in time or is none.

The time-outs of HTTP libraries hold for each read, so a device that drips a byte now and then is
never given up. Here the whole answer has one limit, from the status line on.
"""

from __future__ import annotations

import hashlib
import io
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PIECE = 64 * 1024


class NoConnectionError(OSError):
    """Nobody took the call: nothing reached the device."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Of ``https``: an own authority, or the SHA-256 ``fingerprint`` of the one certificate that is
    taken, whoever signed it (hex, may hold colons). Neither: the system's authorities."""

    ca_file: Path | None = None
    fingerprint: str = ""


_SYSTEM = Trust()


@dataclass(frozen=True, slots=True)
class Request:
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(
    request: Request, seconds: float, *, most: int, trust: Trust = _SYSTEM
) -> tuple[int, bytes]:
    """Status and body. ``seconds`` each: to connect, to take a piece of the request, and for the
    whole answer. Redirects are not followed, no proxy is asked.

    Raises NoConnectionError, ssl.SSLCertVerificationError, OSError (TimeoutError when it is late),
    HTTPException for what is no HTTP, or a body longer than ``most`` bytes.
    """
    parts = urlsplit(request.url)
    secure = parts.scheme == "https"
    host = str(parts.hostname)
    try:
        line = socket.create_connection((host, parts.port or (443 if secure else 80)), seconds)
    except OSError as error:
        raise NoConnectionError(str(error)) from None
    with closing(_secured(line, host, trust) if secure else line) as line:
        for start in range(0, len(head := _head(request, parts.netloc.rpartition("@")[2])), _PIECE):
            line.sendall(head[start : start + _PIECE])
        return _answer(line, request.method, seconds, most)


def _secured(line: socket.socket, host: str, trust: Trust) -> socket.socket:
    """The handshake has one limit as it is: Python keeps it over all reads of it."""
    context = ssl.create_default_context(cafile=trust.ca_file)
    if trust.fingerprint and not trust.ca_file:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        secured = context.wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise
    if trust.fingerprint and not _is(trust.fingerprint, secured.getpeercert(binary_form=True)):
        secured.close()
        raise ssl.SSLCertVerificationError("another fingerprint")
    return secured


def _is(fingerprint: str, certificate: bytes | None) -> bool:
    return hashlib.sha256(certificate or b"").hexdigest() == fingerprint.replace(":", "").lower()


def _head(request: Request, host: str) -> bytes:
    headers = {"Host": host, "Accept-Encoding": "identity", "Connection": "close"}
    if request.body:
        headers["Content-Length"] = str(len(request.body))
    path = urlsplit(request.url)._replace(scheme="", netloc="").geturl() or "/"
    lines = [f"{request.method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {**headers, **request.headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + request.body


def _answer(line: socket.socket, method: str, seconds: float, most: int) -> tuple[int, bytes]:
    timed: Any = _Timed(line, time.monotonic() + seconds)
    response = HTTPResponse(timed, method=method)
    with closing(response):
        response.begin()
        try:
            body = response.read(most + 1)
        except ConnectionError as error:
            raise HTTPException("broken off") from error
        if len(body) > most:
            raise HTTPException("an answer without end")
        # A limited read takes a body that breaks off for a whole one.
        if response.length:
            raise HTTPException(f"{response.length} bytes are missing")
        return response.status, body


class _Timed(io.RawIOBase):
    """What a socket gives until ``end`` (monotonic), however many reads that takes."""

    def __init__(self, line: socket.socket, end: float) -> None:
        self._line, self._end = line, end

    def makefile(self, mode: str) -> io.BufferedReader:
        """All that HTTPResponse wants of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is late")
        self._line.settimeout(left)
        return self._line.recv_into(buffer)
