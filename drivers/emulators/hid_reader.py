"""A HID-POS code reader exported over USB/IP, with a keyboard interface beside, as many have."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from drivers.emulators.control import Control
from drivers.emulators.hid_descriptors import KEYBOARD, pos_descriptor, pos_reports
from drivers.emulators.usbip_export import (
    LANGUAGES,
    Export,
    Say,
    configuration_descriptor,
    device_descriptor,
    string_descriptor,
)

_STRINGS = {1: "Example", 2: "Code reader"}
_HID, _REPORT = 0x21, 0x22
_PACKET = 64


@dataclass
class HidReaderState:
    """``shown`` counts payloads; ``plugged`` follows the actions plug and unplug; ``attached``:
    somebody has it open; ``aim``: the symbology identifier that it says; ``keyboard_only``: it was
    switched to its other mode."""

    plugged: bool = True
    attached: bool = False
    shown: int = 0
    aim: str = "]Q1"
    keyboard_only: bool = False


class HidReaderEmulator:
    """Control: actions ``show`` ({"payload": ...}), ``garbage``, ``half``, ``cut``, ``unplug`` and
    ``plug``; ``set`` changes the state.

    ``half``: a report that ends in the middle. ``cut``: a payload whose last report never comes.
    """

    interfaces = ((3, 1, 1), (3, 0, 0))
    inward = 2

    def __init__(
        self,
        port: int = 0,
        *,
        vendor: int = 0x1209,
        product: int = 0x0001,
        serial: str = "CR-0001",
    ) -> None:
        self.vendor, self.product, self.serial = vendor, product, serial
        self.state = HidReaderState()
        self._say: Say | None = None
        self._export = Export(self, port)
        actions: dict[str, Callable[..., None]] = {
            "show": self.show,
            "garbage": self.garbage,
            "half": self.half,
            "cut": self.cut,
            "unplug": self.unplug,
            "plug": self.plug,
        }
        self._control = Control(self.state, actions)

    @property
    def address(self) -> str:
        return f"hid-pos:{self.vendor:04x}:{self.product:04x}:{self.serial}"

    @property
    def server(self) -> tuple[str, int]:
        return self._export.address

    @property
    def control_url(self) -> str:
        return self._control.url

    @property
    def plugged(self) -> bool:
        return self.state.plugged

    def close(self) -> None:
        self._control.close()
        self._export.close()

    def show(self, payload: str) -> None:
        self.send(*pos_reports(payload.encode(), self.state.aim))
        self.state.shown += 1

    def garbage(self) -> None:
        """A report that claims more than it can hold, full of noise."""
        self.send(bytes([2, 0xFF]) + bytes((n * 37 + 11) % 256 for n in range(_PACKET - 2)))

    def half(self) -> None:
        self.send(pos_reports(b"cut in the middle of a report")[0][:20])

    def cut(self) -> None:
        self.send(*pos_reports(b"x" * 100, self.state.aim)[:-1])

    def send(self, *reports: bytes) -> None:
        """Raises OSError when it is unplugged or nobody has opened it."""
        if not self.state.plugged or self._say is None:
            raise OSError("nobody listens to the reader")
        for report in reports:
            self._say(report)

    def unplug(self) -> None:
        self.state.plugged = self.state.attached = False
        self._say = None
        self._export.drop()

    def plug(self) -> None:
        self.state.plugged = True

    def attach(self, say: Say) -> None:
        self._say = say
        self.state.attached = True

    def take(self, received: bytearray, say: Say) -> None:
        """A reader is told nothing."""
        received.clear()

    def descriptor(self, kind: int, index: int, interface: int) -> bytes | None:
        if kind == 1:
            return device_descriptor(self.vendor, self.product)
        if kind == 2 and index == 0:
            body = b"".join(self._interface(number) for number in range(len(self.interfaces)))
            return configuration_descriptor(len(self.interfaces), body)
        if kind == 3:
            text = {**_STRINGS, 3: self.serial}.get(index, "")
            return LANGUAGES if index == 0 else string_descriptor(text)
        return self._reports(interface) if kind == _REPORT else None

    def _interface(self, number: int) -> bytes:
        """The interface, its HID descriptor (HID 1.11, 6.2.1) and its endpoint."""
        face = struct.pack("<9B", 9, 4, number, 0, 1, *self.interfaces[number], 0)
        length = len(self._reports(number))
        hid = struct.pack("<BBHBBBH", 9, _HID, 0x0111, 0, 1, _REPORT, length)
        return face + hid + struct.pack("<BBBBHB", 7, 5, 0x81 + number, 3, _PACKET, 1)

    def _reports(self, interface: int) -> bytes:
        scanner = interface == 1 and not self.state.keyboard_only
        return pos_descriptor() if scanner else KEYBOARD
