"""The messages of USB/IP that both ends here speak. Big-endian throughout.

Source: the Linux kernel's Documentation/usb/usbip_protocol.rst, version 1.1.1.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

VERSION = 0x0111
REQ_DEVLIST, REP_DEVLIST = 0x8005, 0x0005
REQ_IMPORT, REP_IMPORT = 0x8003, 0x0003
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
DIRECTION_IN = 1

OPERATION = struct.Struct(">HHI")  # version, code, status
DEVICE = struct.Struct(">256s32sIIIHHHBBBBBB")
INTERFACE = struct.Struct(">BBBx")
HEADER_BYTES = 48
_BASIC = struct.Struct(">IIIII")  # command, seqnum, devid, direction, endpoint
_SUBMIT = struct.Struct(">IIIII")  # flags, length, start frame, packets, interval; then set-up
_RETURN = struct.Struct(">iIIII8x")  # status, length, start frame, packets, errors


def receive(connection: socket.socket, size: int) -> bytes:
    """Exactly ``size`` bytes. Raises OSError (ConnectionResetError at the end of the stream)."""
    data = bytearray()
    while len(data) < size:
        if not (more := connection.recv(size - len(data))):
            raise ConnectionResetError("the other end of USB/IP closed the connection")
        data += more
    return bytes(data)


@dataclass(frozen=True, slots=True)
class Submit:
    """A transfer asked for. ``endpoint`` is the number without the direction bit."""

    sequence: int
    endpoint: int
    inward: bool
    length: int
    setup: bytes = bytes(8)

    def pack(self, device: int) -> bytes:
        basic = _BASIC.pack(CMD_SUBMIT, self.sequence, device, int(self.inward), self.endpoint)
        return basic + _SUBMIT.pack(0, self.length, 0, 0xFFFFFFFF, 0) + self.setup


@dataclass(frozen=True, slots=True)
class Unlink:
    """Give up the transfer ``victim``."""

    sequence: int
    victim: int

    def pack(self, device: int) -> bytes:
        return _BASIC.pack(CMD_UNLINK, self.sequence, device, 0, 0) + struct.pack(
            ">I24x", self.victim
        )


def parse_command(header: bytes) -> Submit | Unlink:
    """Raises ValueError for what is neither."""
    command, sequence, _, direction, endpoint = _BASIC.unpack_from(header)
    if command == CMD_UNLINK:
        return Unlink(sequence, struct.unpack_from(">I", header, _BASIC.size)[0])
    if command != CMD_SUBMIT:
        raise ValueError(f"USB/IP command {command}")
    _, length, _, _, _ = _SUBMIT.unpack_from(header, _BASIC.size)
    return Submit(sequence, endpoint, direction == DIRECTION_IN, length, header[40:48])


@dataclass(frozen=True, slots=True)
class Answer:
    """``status``: 0 or a negative errno; ``length``: bytes moved."""

    command: int
    sequence: int
    status: int
    length: int = 0

    def pack(self) -> bytes:
        basic = _BASIC.pack(self.command, self.sequence, 0, 0, 0)
        return basic + _RETURN.pack(self.status, self.length, 0, 0xFFFFFFFF, 0)


def parse_answer(header: bytes) -> Answer:
    command, sequence, _, _, _ = _BASIC.unpack_from(header)
    status, length, _, _, _ = _RETURN.unpack_from(header, _BASIC.size)
    return Answer(command, sequence, status, length if command == RET_SUBMIT else 0)
