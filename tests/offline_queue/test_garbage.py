"""Whatever stands in an answer, it becomes no answer: never an error that nobody expects."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from offline_queue import signatures
from offline_queue.backoff import retry_after
from offline_queue.errors import Fault, QueueError
from offline_queue.transport import IntakeClient
from offline_queue.tus import Limits
from tests.offline_queue.invented import new_id

DOSSIER = new_id()
AGES_AWAY = b"Date: Mon, 01 Jan 99999999999 00:00:00 GMT\r\n"
_JSON = b"Content-Type: application/json\r\n"
_PROBLEM = b"Content-Type: application/problem+json\r\nTus-Resumable: 1.0.0\r\n"
_OFFSET = b"Tus-Resumable: 1.0.0\r\nLocation: /v1/x\r\nUpload-Offset: " + b"7" * 5000 + b"\r\n"


def answer(status: bytes, headers: bytes, body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\n" + headers + length + b"Connection: close\r\n\r\n" + body


GARBAGE = {
    "a date of no calendar": answer(b"503 Busy", AGES_AWAY + b"Retry-After: 1\r\n"),
    "such a date to wait for": answer(b"503 Busy", AGES_AWAY.replace(b"Date", b"Retry-After")),
    "nested without end": answer(b"422 No", _PROBLEM, b"[" * 60_000),
    "nested objects": answer(b"200 OK", _JSON, b'{"a":' * 10_000),
    "an offset of 5,000 digits": answer(b"201 Created", _OFFSET),
    "a number of 5,000 digits": answer(b"422 No", _PROBLEM, b'{"code": ' + b"7" * 5000 + b"}"),
    "an address that is no text": answer(b"302 Found", b"Location: http://\xff\xfe\r\n"),
    "half an address": answer(b"302 Found", b"Location: http://[\r\n"),
    "no packing": answer(b"200 OK", _JSON + b"Content-Encoding: gzip\r\n", b"{}"),
}
CALLS: dict[str, Callable[[IntakeClient], Any]] = {
    "health": lambda client: client.health(),
    "policy": lambda client: client.policy(),
    "state": lambda client: client.state(DOSSIER),
    "a new part": lambda client: client.send_part(new_id(), "page-1.jpg", b"x"),
    "a part again": lambda client: client.send_part(new_id(), "page-1.jpg", b"x", resume=True),
}


@contextmanager
def saying(data: bytes) -> Iterator[str]:
    """A server that answers everything with ``data``."""

    def serve() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            with near, contextlib.suppress(OSError):
                near.settimeout(1)
                near.recv(65536)
                near.sendall(data)
                near.shutdown(socket.SHUT_WR)
                while near.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def client_of(address: str) -> Iterator[IntakeClient]:
    key = ec.generate_private_key(ec.SECP256R1())
    limits = Limits(give_up=0.0)
    with closing(IntakeClient(address, "kiosk-01", key, read_seconds=2, limits=limits)) as client:
        yield client


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_no_answer(garbage: str, call: str) -> None:
    with (
        saying(GARBAGE[garbage]) as address,
        client_of(address) as client,
        pytest.raises(QueueError) as caught,
    ):
        CALLS[call](client)
    assert caught.value.code == Fault.UNREACHABLE
    assert str(DOSSIER) not in str(caught.value)  # it may end in a log


@pytest.mark.parametrize("date", [AGES_AWAY, b"Date: Tue, 24 Nov 2026 08:00:00 -0000\r\n"])
def test_a_clock_that_shows_nonsense_shows_nothing(date: bytes) -> None:
    data = answer(b"200 OK", date + _JSON, b'{"status": "ok"}')
    with saying(data) as address, client_of(address) as client:
        assert client.health() is None


def test_a_wait_until_no_day_is_none() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert retry_after("Mon, 01 Jan 99999999999 00:00:00 GMT", now) is None


def test_a_key_of_an_unknown_kind_is_no_key() -> None:
    """An algorithm with an identifier that nobody has given away."""
    pem = "-----BEGIN PUBLIC KEY-----\nMBUwDQYJKwYBBAGDmn0BBQADBAAAAAA=\n-----END PUBLIC KEY-----\n"
    with pytest.raises(ValueError, match="P-256"):
        signatures.load_public(pem)
