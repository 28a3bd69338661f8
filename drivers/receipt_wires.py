"""The three wires to a receipt printer, by python-escpos: TCP, serial and USB.

All reads and writes return within a given time.
"""

from __future__ import annotations

import socket
import termios
import time
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from drivers.contract import DeviceError, Fault
from drivers.hid_nodes import Identity
from drivers.usb_find import wanted

_SERIAL_BAUD = 115200
_PRINTER_CLASS = 7
_BULK = 2

GONE = (OSError, termios.error)
"""What pyserial raises on a line whose other end is gone: the latter is no OSError."""


class Wire(Protocol):
    """Raises OSError (TimeoutError when the printer takes no data)."""

    def write(self, data: bytes) -> None: ...

    def read(self, seconds: float) -> bytes:
        """What arrives within ``seconds``; empty when nothing does."""
        ...

    def close(self) -> None: ...


def check_address(address: str) -> None:
    """Raises ValueError unless ``address`` is one that :func:`connect` understands."""
    parts = urlsplit(address)
    if parts.scheme == "usb":
        Identity.parse(address.removeprefix("usb:"))
        return
    tcp = parts.scheme == "tcp" and parts.hostname and parts.port
    if not (tcp or (parts.scheme == "serial" and parts.path)):
        raise ValueError(
            f"receipt printer address {address!r}: expected tcp://host:port, "
            "serial:/dev/ttyUSB0 (or serial:/dev/ttyUSB0?baud=38400) or usb:vvvv:pppp "
            "(or usb:vvvv:pppp:SERIAL)"
        )


def connect(address: str, timeout: float, usb_backend: Any = None) -> Wire:
    """Open the wire; ``usb_backend`` is pyusb's, None for libusb.

    Raises DeviceError (RECEIPT_ABSENT).
    """
    from escpos.exceptions import DeviceNotFoundError

    parts = urlsplit(address)
    try:
        if parts.scheme == "tcp":
            return _Tcp(str(parts.hostname), int(parts.port or 9100), timeout)
        if parts.scheme == "serial":
            baud = int(parse_qs(parts.query).get("baud", [_SERIAL_BAUD])[0])
            return _Serial(parts.path, baud, timeout)
        # Not from ``parts``: a serial number may hold "?" or "#".
        which = wanted(Identity.parse(address.removeprefix("usb:")))
        return _Usb({**which, "backend": usb_backend}, timeout)
    except (DeviceNotFoundError, *GONE) as error:
        raise DeviceError(Fault.RECEIPT_ABSENT, str(error).replace("\n", " ")) from None


class _Tcp:
    def __init__(self, host: str, port: int, timeout: float) -> None:
        from escpos.printer import Network

        self._printer = Network(host, port, timeout=timeout)
        self._printer.open()
        # Short questions must not wait for the acknowledgement of the picture before them.
        self._printer.device.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout = timeout

    def write(self, data: bytes) -> None:
        self._printer.device.settimeout(self._timeout)
        self._printer.device.sendall(data)

    def read(self, seconds: float) -> bytes:
        self._printer.device.settimeout(max(seconds, 0.001))
        try:
            data: bytes = self._printer.device.recv(64)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionResetError("the printer closed the connection")
        return data

    def close(self) -> None:
        self._printer.close()


class _Serial:
    def __init__(self, device: str, baud: int, timeout: float) -> None:
        from escpos.printer import Serial

        self._printer = Serial(device, baudrate=baud, timeout=timeout)
        self._printer.open()
        self._printer.device.reset_input_buffer()
        self._timeout, self._baud = timeout, baud

    def write(self, data: bytes) -> None:
        import serial

        line = self._printer.device
        line.write_timeout = self._timeout + len(data) * 11 / self._baud
        try:
            line.write(data)
        except serial.SerialTimeoutException as error:
            raise TimeoutError(str(error)) from None

    def read(self, seconds: float) -> bytes:
        # One byte, then what came with it: pyserial would wait for all it is asked for.
        line = self._printer.device
        line.timeout = seconds
        first: bytes = line.read(1)
        return first + line.read(line.in_waiting) if first else b""

    def close(self) -> None:
        # The library's close() would wait without limit until the printer has taken everything.
        line = self._printer.device
        deadline = time.monotonic() + self._timeout
        try:
            while line.out_waiting and time.monotonic() < deadline:
                time.sleep(0.01)
            line.reset_output_buffer()
        finally:
            line.close()


class _Usb:
    def __init__(self, which: dict[str, Any], timeout: float) -> None:
        import usb.core
        import usb.util
        from escpos.printer import Usb

        try:
            device = usb.core.find(**which)
        except usb.core.NoBackendError as error:
            raise OSError(f"libusb: {error}") from None
        if device is None:
            raise OSError(f"no USB device {which['idVendor']:04x}:{which['idProduct']:04x}")
        try:
            self._in, out = bulk_endpoints(device)
        finally:
            usb.util.dispose_resources(device)  # the library opens it for itself
        milliseconds = round(timeout * 1000)
        self._printer = Usb(usb_args=which, timeout=milliseconds, in_ep=self._in, out_ep=out)
        self._printer.open()
        self._out, self._milliseconds = out, milliseconds

    def write(self, data: bytes) -> None:
        import usb.core

        try:
            self._printer.device.write(self._out, data, self._milliseconds)
        except usb.core.USBTimeoutError as error:
            raise TimeoutError(str(error)) from None

    def read(self, seconds: float) -> bytes:
        import usb.core

        # libusb takes 0 for "for ever". An empty packet is not an answer: ask until the time is up.
        deadline = time.monotonic() + seconds
        data = b""
        while not data and (left := deadline - time.monotonic()) > 0:
            try:
                data = bytes(self._printer.device.read(self._in, 64, max(1, round(left * 1000))))
            except usb.core.USBTimeoutError:
                return b""
        return data

    def close(self) -> None:
        self._printer.close()


def bulk_endpoints(device: Iterable[Iterable[Any]]) -> tuple[int, int]:
    """Addresses of the bulk IN and OUT endpoints of the printer interface (USB class 7).

    The library's defaults fit few printers. Vendor-specific interfaces serve when there is no
    interface of the printer class. Raises OSError without a pair.
    """
    interfaces = [interface for configuration in device for interface in configuration]
    interfaces.sort(key=lambda interface: interface.bInterfaceClass != _PRINTER_CLASS)
    for interface in interfaces:
        bulk = [end.bEndpointAddress for end in interface if end.bmAttributes & 3 == _BULK]
        inward = [end for end in bulk if end & 0x80]
        outward = [end for end in bulk if not end & 0x80]
        if inward and outward:
            return inward[0], outward[0]
    raise OSError("the USB device has no pair of bulk endpoints")
