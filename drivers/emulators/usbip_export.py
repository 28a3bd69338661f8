"""A USB device of our own, exported over USB/IP to one host at a time.

It answers control requests of USB 2.0 chapter 9 that a host makes of any device; what the device is
and does is behind :class:`UsbDevice`.
"""

from __future__ import annotations

import errno
import socket
import socketserver
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Protocol

from drivers.emulators import usbip_protocol as protocol
from drivers.emulators.usbip_protocol import Answer, Submit, Unlink

_BUS_ID = b"1-1"
_FULL_SPEED = 2
_GET_DESCRIPTOR, _GET_CONFIGURATION = 6, 8
_OF_DEVICE, _OF_INTERFACE = 0x80, 0x81
_PORT_RESET = bytes([0x23, 3, 4, 0])

Say = Callable[[bytes], None]


class UsbDevice(Protocol):
    """``interfaces``: class, subclass and protocol of each. ``inward``: the endpoint, without its
    direction bit, on which the device speaks."""

    vendor: int
    product: int

    @property
    def interfaces(self) -> tuple[tuple[int, int, int], ...]: ...

    @property
    def inward(self) -> int: ...

    @property
    def plugged(self) -> bool: ...

    def descriptor(self, kind: int, index: int, interface: int) -> bytes | None:
        """USB 2.0, chapter 9.6: device (1), configuration (2), string (3) or of the class."""
        ...

    def attach(self, say: Say) -> None:
        """A host listens from now on."""
        ...

    def take(self, received: bytearray, say: Say) -> None:
        """What a host sent; what is understood is taken off."""
        ...


def device_descriptor(vendor: int, product: int) -> bytes:
    """Full speed, one configuration, strings 1 to 3 for maker, product and serial number."""
    head = (18, 1, 0x0200, 0, 0, 0, 64, vendor, product, 0x0100, 1, 2, 3, 1)
    return struct.pack("<BBHBBBBHHHBBBB", *head)


def configuration_descriptor(interfaces: int, body: bytes) -> bytes:
    """``body``: the descriptors of the interfaces and of what belongs to them."""
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), interfaces, 1, 0, 0xC0, 1) + body


def string_descriptor(text: str) -> bytes | None:
    """None for a string that there is not."""
    body = text.encode("utf-16-le")
    return bytes([2 + len(body), 3]) + body if body else None


LANGUAGES = b"\x04\x03\x09\x04"
"""The string descriptor 0: American English."""


class Export:
    """Serves ``device`` at ``address`` from construction until ``close``."""

    def __init__(self, device: UsbDevice, port: int = 0) -> None:
        self._device = device
        self._server = _Server(self, port)
        self._imported = threading.Lock()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._server.server_address[1]

    def close(self) -> None:
        self._server.close()

    def drop(self) -> None:
        """Pull the cable of whoever has imported the device."""
        self._server.drop()

    def operate(self, connection: socket.socket) -> None:
        """Raises OSError, ValueError."""
        head = protocol.receive(connection, protocol.OPERATION.size)
        _, code, _ = protocol.OPERATION.unpack(head)
        if code == protocol.REQ_DEVLIST:
            self._list(connection)
        elif code == protocol.REQ_IMPORT:
            self._import(connection)

    def _record(self) -> bytes:
        """The device as OP_REP_DEVLIST and OP_REP_IMPORT tell of it."""
        device = self._device
        return protocol.DEVICE.pack(
            b"/sys/devices/emulated/1-1", _BUS_ID, 1, 1, _FULL_SPEED,
            device.vendor, device.product, 0x0100, 0, 0, 0, 1, 1, len(device.interfaces),
        )  # fmt: skip

    def _list(self, connection: socket.socket) -> None:
        plugged = self._device.plugged
        faces = b"".join(protocol.INTERFACE.pack(*face) for face in self._device.interfaces)
        head = protocol.OPERATION.pack(protocol.VERSION, protocol.REP_DEVLIST, 0)
        listed = self._record() + faces if plugged else b""
        connection.sendall(head + struct.pack(">I", int(plugged)) + listed)

    def _import(self, connection: socket.socket) -> None:
        wanted = protocol.receive(connection, 32).rstrip(b"\0")
        # A device is exported to one host at a time; the last one may still be hanging up.
        free = wanted == _BUS_ID and self._device.plugged and self._imported.acquire(timeout=1)
        head = protocol.OPERATION.pack(protocol.VERSION, protocol.REP_IMPORT, int(not free))
        if not free:
            connection.sendall(head)
            return
        try:
            connection.sendall(head + self._record())
            _Cable(self._device, connection).serve()
        finally:
            self._imported.release()


class _Cable:
    """One imported connection: transfers in, answers out."""

    def __init__(self, device: UsbDevice, connection: socket.socket) -> None:
        self._device, self._connection = device, connection
        self._lock = threading.Lock()
        # IN transfers that wait for data, by endpoint; what was said and nobody asked for yet
        self._asked: defaultdict[int, deque[Submit]] = defaultdict(deque)
        self._said: deque[bytes] = deque()
        self._received = bytearray()

    def serve(self) -> None:
        self._device.attach(self._say)
        while True:
            command = protocol.parse_command(
                protocol.receive(self._connection, protocol.HEADER_BYTES)
            )
            if isinstance(command, Unlink):
                self._unlink(command)
            elif command.endpoint == 0:
                self._control(command)
            elif command.inward:
                with self._lock:
                    self._asked[command.endpoint].append(command)
                    self._settle()
            else:
                self._take(command)

    def _take(self, submit: Submit) -> None:
        self._received += protocol.receive(self._connection, submit.length)
        with self._lock:
            self._answer(submit, 0, length=submit.length)
        self._device.take(self._received, self._say)

    def _say(self, data: bytes) -> None:
        with self._lock:
            self._said.append(data)
            self._settle()

    def _settle(self) -> None:
        """A transfer gets one message, or as much of it as it asked for."""
        asked = self._asked[self._device.inward]
        while asked and self._said:
            submit, said = asked.popleft(), self._said.popleft()
            if rest := said[submit.length :]:
                self._said.appendleft(rest)
            self._answer(submit, 0, said[: submit.length])

    def _unlink(self, unlink: Unlink) -> None:
        with self._lock:
            status = 0
            for asked in self._asked.values():
                if given_up := [ask for ask in asked if ask.sequence == unlink.victim]:
                    asked.remove(given_up[0])
                    status = -errno.ECONNRESET
            answer = Answer(protocol.RET_UNLINK, unlink.sequence, status)
            self._connection.sendall(answer.pack())

    def _control(self, submit: Submit) -> None:
        kind, request, value, index, length = struct.unpack("<BBHHH", submit.setup)
        if not submit.inward and submit.length:
            protocol.receive(self._connection, submit.length)
        data: bytes | None = b""
        if submit.setup[:4] == _PORT_RESET:
            self._received.clear()
        elif kind in (_OF_DEVICE, _OF_INTERFACE) and request == _GET_DESCRIPTOR:
            data = self._device.descriptor(value >> 8, value & 0xFF, index)
        elif kind == _OF_DEVICE and request == _GET_CONFIGURATION:
            data = b"\x01"
        with self._lock:
            if data is None:
                self._answer(submit, -errno.EPIPE)
            else:
                self._answer(submit, 0, data[:length])

    def _answer(self, submit: Submit, status: int, data: bytes = b"", length: int = 0) -> None:
        answer = Answer(protocol.RET_SUBMIT, submit.sequence, status, length or len(data))
        self._connection.sendall(answer.pack() + data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, export: Export, port: int) -> None:
        connections: set[socket.socket] = set()
        self._connections = connections

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connections.add(self.request)
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    export.operate(self.request)
                except (OSError, ValueError):
                    pass  # the cable was pulled, or the other end does not speak USB/IP
                finally:
                    connections.discard(self.request)

        super().__init__(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def drop(self) -> None:
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its peer was quicker

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.drop()
        self._thread.join()
