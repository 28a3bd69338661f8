"""A line between link and a server, which the test may cut, silence, or spoil."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal, Self
from urllib.parse import urlsplit

Mode = Literal["good", "cut", "silent", "garbage", "captive", "broken", "busy"]
_SAID = {
    "garbage": b"\x16\x03\x01 what is this\r\n\r\n" * 20,
    "captive": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nlogin",
    "broken": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    "busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
}


class Relay:
    """``set`` also ends the connections of now, so that nothing kept alive goes on as before."""

    def __init__(self, to: str) -> None:
        self.lead_to(to)
        self._mode: Mode = "good"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"{urlsplit(to).scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def lead_to(self, address: str) -> None:
        parts = urlsplit(address)
        self._to = (parts.hostname or "", parts.port or 0)

    def set(self, mode: Mode) -> None:
        self._mode = mode
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.set("cut")
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, self._kept(near), contextlib.suppress(OSError):
            mode = self._mode
            if mode == "good":
                self._pass(near)
            elif mode == "silent":
                while near.recv(65536):
                    pass
            elif mode in _SAID:
                near.recv(65536)
                near.sendall(_SAID[mode])

    def _pass(self, near: socket.socket) -> None:
        with socket.create_connection(self._to) as far, self._kept(far):
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()

    @contextlib.contextmanager
    def _kept(self, sock: socket.socket):  # type: ignore[no-untyped-def]
        with self._lock:
            self._open.add(sock)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(sock)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
