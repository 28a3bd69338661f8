"""The exit of a kiosk printer that holds a cut slip until somebody takes it (a presenter).

Source: GS e, as the manuals of Custom (KPM210, TPTCM) and of Pyramid (Reliance) have it: 2 pulls
the slip back, 3 m pushes it out by m steps, 6 asks for the ejector's byte, bit 3 of which is set
while a slip is in the exit. The length of a step differs (0.6 to 22 mm), so it is in the profile.
Epson's own counter printers have no presenter and no such command.
"""

from __future__ import annotations

import time

from drivers.contract import DeviceError, Fault
from drivers.receipt_wires import Wire

_RETRACT = b"\x1de\x02"
_ASK = b"\x1de\x06"
_AT_EXIT = 0x08
_MOVES = 0x20 | 0x10  # ejector or feed motor
_LONGEST_PULL = 5.0  # seconds


def present(steps: int) -> bytes:
    return b"\x1de\x03" + bytes([steps])


def holds_slip(wire: Wire, seconds: float) -> bool:
    """Raises DeviceError (RECEIPT_SILENT) when the printer does not say."""
    return bool(_ejector(wire, seconds) & _AT_EXIT)


def pull_back(wire: Wire, seconds: float) -> bool:
    """Whether the exit is free; False: this printer does not pull slips back, or was told not to.

    Raises DeviceError (RECEIPT_SILENT).
    """
    wire.write(_RETRACT)
    deadline = time.monotonic() + _LONGEST_PULL
    while (state := _ejector(wire, seconds)) & _MOVES and time.monotonic() < deadline:
        pass  # each answer takes its time
    return not state & _AT_EXIT


def _ejector(wire: Wire, seconds: float) -> int:
    wire.write(_ASK)
    deadline = time.monotonic() + seconds
    received = b""
    while not received and (left := deadline - time.monotonic()) > 0:
        received = wire.read(left)
    if not received:
        raise DeviceError(Fault.RECEIPT_SILENT, "the presenter says nothing")
    return received[-1]
