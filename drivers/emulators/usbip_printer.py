"""A USB receipt printer exported over USB/IP: descriptors, two bulk endpoints, the paper behind.

It answers control requests of USB 2.0 chapter 9 that a host makes of any device. The printer
itself is the ESC/POS emulator, with its control; ``unplugged`` there pulls the USB cable too.
"""

from __future__ import annotations

import errno
import socket
import socketserver
import struct
import threading
from collections import deque

from drivers.emulators import usbip_protocol as protocol
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.usbip_protocol import Answer, Submit, Unlink

_BUS_ID = b"1-1"
_FULL_SPEED = 2
_GET_DESCRIPTOR, _GET_CONFIGURATION = 6, 8
_STRINGS = {1: "Example", 2: "Receipt printer"}
_PORT_RESET = bytes([0x23, 3, 4, 0])


class UsbipPrinter:
    """Exported at ``server`` (host, port); ``address`` is what the driver's settings would hold."""

    def __init__(
        self,
        port: int = 0,
        *,
        vendor: int = 0x04B8,
        product: int = 0x0202,
        serial: str = "RP-0001",
        width_dots: int = 576,
    ) -> None:
        self.printer = EscposEmulator(width_dots=width_dots)
        self.vendor, self.product, self.serial = vendor, product, serial
        self._server = _Server(self, port)
        self.printer.cables.append(self._server.drop)
        self.imported = threading.Lock()

    @property
    def address(self) -> str:
        return f"usb:{self.vendor:04x}:{self.product:04x}:{self.serial}"

    @property
    def server(self) -> tuple[str, int]:
        return "127.0.0.1", self._server.server_address[1]

    @property
    def control_url(self) -> str:
        return self.printer.control_url

    @property
    def plugged(self) -> bool:
        return not self.printer.state.unplugged

    def close(self) -> None:
        self._server.close()
        self.printer.close()

    def record(self) -> bytes:
        """The device as OP_REP_DEVLIST and OP_REP_IMPORT tell of it."""
        return protocol.DEVICE.pack(
            b"/sys/devices/emulated/1-1", _BUS_ID, 1, 1, _FULL_SPEED,
            self.vendor, self.product, 0x0100, 0, 0, 0, 1, 1, 1,
        )  # fmt: skip

    def descriptor(self, kind: int, index: int) -> bytes | None:
        """USB 2.0, chapter 9.6: device (1), configuration (2) or string (3)."""
        if kind == 1:
            head = (18, 1, 0x0200, 0, 0, 0, 64, self.vendor, self.product, 0x0100, 1, 2, 3, 1)
            return struct.pack("<BBHBBBBHHHBBBB", *head)
        if kind == 2 and index == 0:
            interface = struct.pack("<9B", 9, 4, 0, 0, 2, 7, 1, 2, 0)
            ends = b"".join(struct.pack("<BBBBHB", 7, 5, end, 2, 64, 0) for end in (0x03, 0x84))
            return struct.pack("<BBHBBBBB", 9, 2, 32, 1, 1, 0, 0xC0, 1) + interface + ends
        if kind == 3:
            text = {**_STRINGS, 3: self.serial}.get(index, "").encode("utf-16-le")
            body = b"\x09\x04" if index == 0 else text
            return bytes([2 + len(body), 3]) + body if body else None
        return None


class _Cable:
    """One imported connection: transfers in, answers out."""

    def __init__(self, device: UsbipPrinter, connection: socket.socket) -> None:
        self._device, self._connection = device, connection
        self._lock = threading.Lock()
        self._asked: deque[Submit] = deque()  # bulk IN transfers that wait for data
        self._said = bytearray()
        self._received = bytearray()

    def serve(self) -> None:
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
                    self._asked.append(command)
                    self._settle()
            else:
                self._take(command)

    def _take(self, submit: Submit) -> None:
        self._received += protocol.receive(self._connection, submit.length)
        with self._lock:
            self._answer(submit, 0, length=submit.length)
        self._device.printer.take(self._received, self._say)

    def _say(self, data: bytes) -> None:
        with self._lock:
            self._said += data
            self._settle()

    def _settle(self) -> None:
        while self._asked and self._said:
            submit = self._asked.popleft()
            data = bytes(self._said[: submit.length])
            del self._said[: submit.length]
            self._answer(submit, 0, data)

    def _unlink(self, unlink: Unlink) -> None:
        with self._lock:
            before = len(self._asked)
            self._asked = deque(ask for ask in self._asked if ask.sequence != unlink.victim)
            status = -errno.ECONNRESET if len(self._asked) < before else 0
            answer = Answer(protocol.RET_UNLINK, unlink.sequence, status)
            self._connection.sendall(answer.pack())

    def _control(self, submit: Submit) -> None:
        kind, request, value, _, length = struct.unpack("<BBHHH", submit.setup)
        if not submit.inward and submit.length:
            protocol.receive(self._connection, submit.length)
        data: bytes | None = b""
        if submit.setup[:4] == _PORT_RESET:
            self._received.clear()
        elif kind == 0x80 and request == _GET_DESCRIPTOR:
            data = self._device.descriptor(value >> 8, value & 0xFF)
        elif kind == 0x80 and request == _GET_CONFIGURATION:
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

    def __init__(self, device: UsbipPrinter, port: int) -> None:
        connections: set[socket.socket] = set()
        self._connections = connections

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connections.add(self.request)
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    _operate(device, self.request)
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


def _operate(device: UsbipPrinter, connection: socket.socket) -> None:
    _, code, _ = protocol.OPERATION.unpack(protocol.receive(connection, protocol.OPERATION.size))
    if code == protocol.REQ_DEVLIST:
        listed = device.record() + protocol.INTERFACE.pack(7, 1, 2) if device.plugged else b""
        head = protocol.OPERATION.pack(protocol.VERSION, protocol.REP_DEVLIST, 0)
        connection.sendall(head + struct.pack(">I", int(device.plugged)) + listed)
    elif code == protocol.REQ_IMPORT:
        _import(device, connection)


def _import(device: UsbipPrinter, connection: socket.socket) -> None:
    wanted = protocol.receive(connection, 32).rstrip(b"\0")
    # A device is exported to one host at a time; the last one may still be hanging up.
    free = wanted == _BUS_ID and device.plugged and device.imported.acquire(timeout=1)
    head = protocol.OPERATION.pack(protocol.VERSION, protocol.REP_IMPORT, int(not free))
    if not free:
        connection.sendall(head)
        return
    try:
        connection.sendall(head + device.record())
        _Cable(device, connection).serve()
    finally:
        device.imported.release()
