"""Code readers other than the sandbox's, to stand in the kiosk for a cell: HID-POS over USB/IP, and
one that types, on a pipe in place of its node. Each is worked like an emulator's control."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drivers.code_reader import WiredCodeReader
from drivers.emulators.hid_reader import HidReaderEmulator
from drivers.emulators.usbip_backend import UsbipBackend
from drivers.hid_nodes import Identity
from drivers.hid_pos import HidPosWire
from drivers.wedge import EVENT, WedgeWire
from tests.drivers.nodes import PRODUCT, VENDOR, Machine, Pipe, events
from tests.drivers.typist import keys

_LOST = EVENT.pack(1000, 0, 0, 3, 0)  # SYN_DROPPED
_HALF = 20


class HidReader(HidReaderEmulator):
    """What is shown while nobody has it open is lost, as with a real one."""

    def driver(self, nowhere: Path) -> WiredCodeReader:
        identity = Identity(self.vendor, self.product, self.serial)
        return WiredCodeReader(HidPosWire(identity, UsbipBackend(self.server), nowhere, nowhere))

    def send(self, *reports: bytes) -> None:
        with suppress(OSError):
            super().send(*reports)

    def begin_typing(self) -> None:
        """It was shown the code that makes a keyboard of it, and leaves the bus for a moment."""
        self._come_back(keyboard_only=True)

    def end_typing(self) -> None:
        self._come_back(keyboard_only=False)

    def _come_back(self, *, keyboard_only: bool) -> None:
        self.unplug()
        self.state.keyboard_only = keyboard_only
        self.plug()


@dataclass
class TypingState:
    plugged: bool = True


class TypingReader:
    """``folder`` holds its node and what sysfs says of it."""

    def __init__(self, folder: Path) -> None:
        self.state = TypingState()
        self._machine = Machine(folder)
        self._pipe: Pipe | None = self._machine.keyboard("event3")

    def driver(self) -> WiredCodeReader:
        where = Identity(VENDOR, PRODUCT)
        wire = WedgeWire(
            where, dev=self._machine.dev, sys=self._machine.sys, grab=lambda handle: None
        )
        return WiredCodeReader(wire)

    def show(self, payload: str) -> None:
        self._type(events(*keys(f"{payload}\r")))

    def lose_keys(self) -> None:
        """The kernel drops some in the middle of a code."""
        code = [*keys("a code of which some keys are lost\r")]
        self._type(events(*code[:_HALF]) + _LOST + events(*code[2 * _HALF :]))

    def unplug(self) -> None:
        self.state.plugged = False
        if self._pipe:
            self._pipe.pull()
        self._pipe = None

    def plug(self) -> None:
        if self._pipe is None:
            self._pipe = self._machine.keyboard("event3")
        self.state.plugged = True

    close = unplug

    def _type(self, data: bytes) -> None:
        if self._pipe:
            self._pipe.write(data)
