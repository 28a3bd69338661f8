"""Modbus over TCP or a serial line: one input read, or one output written, a call.

Source: MODBUS Application Protocol 1.1b3 (functions 2 and 5, exceptions), MODBUS over Serial Line
1.02 (RTU frames and their CRC) and MODBUS Messaging on TCP/IP 1.0b. Two functions of it need no
library. Everything here blocks, with a time limit, and belongs in a thread.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

PORT = 502
_BAUD = 9600
_READ_INPUT, _WRITE_OUTPUT = 2, 5
_EXCEPTION = 0x80
_ON = 0xFF00


class ModbusError(Exception):
    """The box answered, and said no: an input or output that it has not, as a rule."""


def check_address(address: str) -> None:
    """Raises ValueError unless ``address`` is one that :class:`Box` understands."""
    parts = urlsplit(address)
    tcp = parts.scheme == "modbus" and parts.hostname
    if not tcp and not re.fullmatch(r"modbus-rtu:/[^?]+(\?baud=\d+)?", address):
        raise ValueError(
            f"signal box address {address!r}: expected modbus://host:502 or "
            "modbus-rtu:/dev/ttyUSB0 (or modbus-rtu:/dev/ttyUSB0?baud=19200)"
        )


class Box:
    """``unit``: the number of the box on its line. ``timeout``: seconds for one answer. Inputs and
    outputs are counted from 1, as on their labels."""

    def __init__(self, address: str, unit: int, timeout: float) -> None:
        check_address(address)
        self._unit, self._timeout = unit, timeout
        self._exchange = _over_tcp if address.startswith("modbus:") else _over_serial_line
        self._address = address

    def read_input(self, number: int) -> bool:
        """Raises OSError without an answer, ModbusError when the box refuses."""
        answer = self._ask(struct.pack(">BHH", _READ_INPUT, number - 1, 1))
        if len(answer) != 3 or answer[1] != 1:
            raise OSError("half an answer")
        return bool(answer[2] & 1)

    def write_output(self, number: int, on: bool) -> None:
        """Raises as ``read_input``."""
        request = struct.pack(">BHH", _WRITE_OUTPUT, number - 1, _ON * on)
        if self._ask(request) != request:
            raise OSError("another answer than the command")

    def _ask(self, request: bytes) -> bytes:
        answer = self._exchange(self._address, self._unit, request, self._timeout)
        if answer[0] == request[0] | _EXCEPTION:
            raise ModbusError(f"exception {answer[1]}")
        if answer[0] != request[0]:
            raise OSError("an answer to another question")
        return answer


def _over_tcp(address: str, unit: int, request: bytes, seconds: float) -> bytes:
    parts = urlsplit(address)
    where = (str(parts.hostname), parts.port or PORT)
    with socket.create_connection(where, timeout=seconds) as line, line.makefile("rb") as answers:
        line.sendall(struct.pack(">HHHB", 1, 0, len(request) + 1, unit) + request)
        head = answers.read(7)
        if len(head) < 7:
            raise ConnectionResetError("hung up")
        transaction, protocol, length, answering = struct.unpack(">HHHB", head)
        if (transaction, protocol, answering) != (1, 0, unit) or not 3 <= length <= 254:
            raise OSError("no Modbus answer")
        answer = answers.read(length - 1)
    if len(answer) < length - 1:
        raise ConnectionResetError("hung up")
    return answer


def _over_serial_line(address: str, unit: int, request: bytes, seconds: float) -> bytes:
    import serial

    parts = urlsplit(address)
    baud = int(parse_qs(parts.query).get("baud", [_BAUD])[0])
    line = serial.Serial(parts.path, baud, timeout=seconds, write_timeout=seconds, exclusive=True)
    try:
        line.reset_input_buffer()
        line.write(framed(unit, request))
        return _frame(line.read, unit, request[0])
    finally:
        line.close()


def _frame(read: Callable[[int], bytes], unit: int, function: int) -> bytes:
    """The answer in a frame, whose length follows from its function."""
    data = read(3)
    if len(data) == 3:
        data += read({_READ_INPUT: 3, _WRITE_OUTPUT: 5}[function] if data[1] == function else 2)
    if len(data) < 5:
        raise TimeoutError("no answer")
    if data[0] != unit or crc(data[:-2]) != data[-2:]:
        raise OSError("a spoilt frame")
    return data[1:-2]


def framed(unit: int, pdu: bytes) -> bytes:
    """As it goes over a serial line."""
    body = bytes([unit]) + pdu
    return body + crc(body)


def crc(data: bytes) -> bytes:
    """CRC-16 of Modbus, low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2, "little")
