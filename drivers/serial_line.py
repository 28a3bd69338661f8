"""A code reader on a serial line (USB CDC-ACM or RS-232), by pyserial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.reader_pieces import LineFramer, Piece

if TYPE_CHECKING:
    from serial import Serial


@dataclass(frozen=True, slots=True)
class SerialWire:
    """``baud`` means nothing to USB CDC. ``terminator`` ends each payload."""

    port: str
    baud: int = 115200
    terminator: bytes = b"\r"

    def open(self) -> SerialLine:
        """Raises OSError, ValueError."""
        import serial

        port = serial.Serial(self.port, self.baud, timeout=0, exclusive=True)
        return SerialLine(port, LineFramer(self.terminator))


class SerialLine:
    def __init__(self, port: Serial, framer: LineFramer) -> None:
        self._port, self._framer = port, framer

    def fileno(self) -> int:
        number: int = self._port.fileno()
        return number

    def take(self) -> list[Piece]:
        pieces: list[Piece] = []
        while chunk := self._port.read(4096):
            pieces += self._framer.feed(chunk)
        return pieces

    def close(self) -> None:
        self._port.close()
