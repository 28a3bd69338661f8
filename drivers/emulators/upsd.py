"""NUT's ``upsd`` with one UPS, over TCP: enough of RFC 9271 for a client that reads variables."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass
from typing import ClassVar

from drivers.emulators.control import Control

UPS = "kiosk"


@dataclass
class UpsState:
    """``mains``: there is power; ``low``: the battery is nearly empty; ``shutdown``: the primary
    has told everybody to end (FSD); ``stale``: its driver has lost the UPS; ``silent``: it does
    not answer."""

    mains: bool = True
    low: bool = False
    shutdown: bool = False
    stale: bool = False
    silent: bool = False
    charge: int = 100

    @property
    def words(self) -> str:
        there = (("OL", self.mains), ("OB", not self.mains), ("LB", self.low))
        return " ".join(["FSD"] * self.shutdown + [word for word, holds in there if holds])


class UpsdEmulator:
    """Serves from construction until ``close``. Control: the state; no further actions."""

    def __init__(self, port: int = 0, *, control_port: int = 0) -> None:
        self.state = UpsState()
        handler = type("Handler", (_Handler,), {"ups": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        self._control = Control(self.state, port=control_port)

    @property
    def address(self) -> str:
        return f"nut://{UPS}@127.0.0.1:{self._server.server_address[1]}"

    @property
    def control_url(self) -> str:
        return self._control.url

    def close(self) -> None:
        self._control.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, words: list[str]) -> str:
        if words[:2] != ["GET", "VAR"] or len(words) != 4:
            return "ERR UNKNOWN-COMMAND"
        if words[2] != UPS:
            return "ERR UNKNOWN-UPS"
        if self.state.stale:
            return "ERR DATA-STALE"
        known = {"ups.status": self.state.words, "battery.charge": str(self.state.charge)}
        if words[3] not in known:
            return "ERR VAR-NOT-SUPPORTED"
        return f'VAR {UPS} {words[3]} "{known[words[3]]}"'


class _Handler(socketserver.StreamRequestHandler):
    ups: ClassVar[UpsdEmulator]

    def handle(self) -> None:
        while line := self.rfile.readline(1024):
            if not self.ups.state.silent:
                self.wfile.write(self.ups.answer(line.decode().split()).encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
