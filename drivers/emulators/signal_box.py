"""A box of eight inputs and outputs that speaks Modbus over TCP, with a tamper switch on input 1.

A pty can stand in for its serial line: :meth:`SignalBoxEmulator.answer` takes and gives the part
that both wires have in common.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from drivers.emulators.control import Control
from drivers.emulators.loopback import cut

_LINES = 8
_NO_SUCH_FUNCTION, _NO_SUCH_LINE, _NO_SUCH_VALUE = 1, 2, 3


@dataclass
class SignalState:
    """``shut``: the housing, and so the loop on input 1. ``outputs``: as they are; ``switched``:
    how often one was switched on. ``silent``: it does not answer; ``unplugged``: nobody is there.
    """

    shut: bool = True
    silent: bool = False
    unplugged: bool = False
    outputs: list[bool] = field(default_factory=lambda: [False] * _LINES)
    switched: int = 0


class SignalBoxEmulator:
    """Serves from construction until ``close``. Control: the state; no further actions."""

    def __init__(self, port: int = 0, *, control_port: int = 0) -> None:
        self.state = SignalState()
        self._server = _Server(self, port)
        self._control = Control(self.state, {"set": self.set}, control_port)

    @property
    def address(self) -> str:
        return f"modbus://127.0.0.1:{self._server.server_address[1]}"

    @property
    def control_url(self) -> str:
        return self._control.url

    def close(self) -> None:
        self._control.close()
        self._server.close()

    def set(self, **changes: Any) -> None:
        self._control.set(**changes)
        if self.state.unplugged:
            self._server.drop()

    def answer(self, request: bytes) -> bytes:
        """To a request without its frame: function, line and value or count."""
        function, line, value = struct.unpack(">BHH", request[:5])
        known: dict[int, Callable[[int, int], bytes]] = {
            1: lambda line, count: self._bits(self.state.outputs, line, count),
            2: lambda line, count: self._bits(self._inputs(), line, count),
            5: lambda line, value: self._switch(line, value, request),
        }
        if function not in known:
            return bytes([function | 0x80, _NO_SUCH_FUNCTION])
        try:
            return known[function](line, value)
        except IndexError:
            return bytes([function | 0x80, _NO_SUCH_LINE])
        except ValueError:
            return bytes([function | 0x80, _NO_SUCH_VALUE])

    def _inputs(self) -> list[bool]:
        return [self.state.shut] + [False] * (_LINES - 1)

    def _bits(self, lines: list[bool], first: int, count: int) -> bytes:
        if count < 1 or first + count > _LINES:
            raise IndexError
        function = 1 if lines is self.state.outputs else 2
        bits = sum(on << at for at, on in enumerate(lines[first : first + count]))
        return bytes([function, 1, bits])

    def _switch(self, line: int, value: int, request: bytes) -> bytes:
        if value not in (0, 0xFF00):
            raise ValueError
        on = value == 0xFF00
        self.state.switched += on and not self.state.outputs[line]
        self.state.outputs[line] = on
        return request[:5]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, box: SignalBoxEmulator, port: int) -> None:
        connections: set[socket.socket] = set()
        self._connections = connections

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if box.state.unplugged:
                    return
                connections.add(self.request)
                try:
                    while len(head := self.rfile.read(7)) == 7:
                        length, unit = struct.unpack(">HB", head[4:])
                        answer = box.answer(self.rfile.read(length - 1))
                        if not box.state.silent:
                            size = struct.pack(">HB", len(answer) + 1, unit)
                            self.wfile.write(head[:4] + size + answer)
                except OSError:
                    pass  # the cable was pulled
                finally:
                    connections.discard(self.request)

        super().__init__(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def drop(self) -> None:
        for connection in list(self._connections):
            cut(connection)

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.drop()
        self._thread.join()
