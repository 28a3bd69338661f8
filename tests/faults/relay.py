"""A TCP relay between a driver and an emulated device, which strikes in the middle of a job.

Emulated printers print in an instant; the relay counts what goes by, so that a fault can come at a
given byte, as when somebody opens the cover of a printer that prints.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Self


class Relay:
    """Listens at ``port`` and passes everything on to ``target``.

    ``strike_at``: once that many bytes went to the device, or the bytes ``after`` did, ``deed`` is
    done before the next ones follow. ``unplug`` cuts the line and refuses new ones until ``plug``.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.sent = 0
        self.plugged = True
        self._lock = threading.Lock()
        self._deed: Callable[[], None] | None = None
        self._count, self._after = 0, b""
        self._open: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.unplug()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def strike_at(self, count: int, deed: Callable[[], None] | None, *, after: bytes = b"") -> None:
        with self._lock:
            self.sent, self._count, self._after, self._deed = 0, count, after, deed

    def unplug(self) -> None:
        self.plugged = False
        for line in list(self._open):
            _cut(line)

    def plug(self) -> None:
        self.plugged = True

    def pass_on(self, line: socket.socket) -> None:
        """Serve one connection until either end hangs up."""
        if not self.plugged:
            return
        with socket.create_connection(self.target, timeout=5) as device:
            device.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {line, device}
            back = threading.Thread(target=_pump, args=(device, line), daemon=True)
            back.start()
            try:
                while data := line.recv(1024):
                    for piece in _split_behind(self._after, data):
                        device.sendall(piece)
                        self._watch(piece)
            except OSError:
                pass  # the cable was pulled
            finally:
                _cut(device)
                back.join()
                self._open -= {line, device}

    def _watch(self, data: bytes) -> None:
        with self._lock:
            self.sent += len(data)
            due = self._after in data if self._after else self.sent >= self._count
            deed = self._deed if due else None
            if deed:
                self._deed = None
        if deed:
            deed()


def _split_behind(mark: bytes, data: bytes) -> list[bytes]:
    if not mark or mark not in data:
        return [data]
    end = data.index(mark) + len(mark)
    return [data[:end], data[end:]]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


def _handler(relay: Relay) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            relay.pass_on(self.request)

    return Handler


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(1024):
            sink.sendall(data)
    except OSError:
        pass  # the cable was pulled
    _cut(sink)


def _cut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # its peer was quicker
