"""An HTTP server on loopback whose connections can be cut, as when a cable is pulled."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """Serves at once on ``port`` (0: an ephemeral one); ``close`` cuts every open connection."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            cut(connection)
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news for an emulator."""


def cut(connection: socket.socket) -> None:
    """End a connection under both its ends."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # its peer was quicker


def trickle(answer: BufferedIOBase, data: bytes, pause: Callable[[], float]) -> None:
    """Write at once, or a byte each ``pause`` seconds for as long as that is more than nothing."""
    while data and (seconds := pause()) > 0:
        answer.write(data[:1])
        data = data[1:]
        time.sleep(seconds)
    answer.write(data)
