"""What hands do to hardware, done to the kernel: make a device, use it, pull it out."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path
from typing import Self

from tests.drivers.nodes import PRODUCT, VENDOR, events
from tests.drivers.typist import Key

_USB = 3  # BUS_USB of linux/input.h


def load(*module: str) -> None:
    """A kernel module and its options."""
    subprocess.run(["modprobe", *module], check=True)


def users(node: Path) -> list[str]:
    """Process ids that have this device file open, be it there still or unplugged meanwhile."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link).removesuffix(" (deleted)") == str(node):
                found.append(link.parts[2])
        except OSError:
            pass  # closed in between
    return found


class Keyboard:
    """A USB keyboard through /dev/uinput. Source: linux/uinput.h."""

    _SET_EVBIT, _SET_KEYBIT, _SETUP = 0x4004_5564, 0x4004_5565, 0x405C_5503
    _CREATE, _SYNCHRONISE, _KEY = 0x5501, 0, 1

    def __init__(self) -> None:
        load("evdev")
        load("uinput")
        self.plug()

    def plug(self) -> None:
        self._handle = os.open("/dev/uinput", os.O_WRONLY)
        for kind in (self._SYNCHRONISE, self._KEY):
            fcntl.ioctl(self._handle, self._SET_EVBIT, kind)
        for code in range(1, 128):
            fcntl.ioctl(self._handle, self._SET_KEYBIT, code)
        who = struct.pack("<4H80sI", _USB, VENDOR, PRODUCT, 1, b"Example Barcode Scanner", 0)
        fcntl.ioctl(self._handle, self._SETUP, who)
        fcntl.ioctl(self._handle, self._CREATE)

    def press(self, *keys: Key) -> None:
        os.write(self._handle, events(*keys))

    def unplug(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()


class HidDevice:
    """A HID device through /dev/uhid. Source: linux/uhid.h."""

    _CREATE2, _INPUT2 = 11, 12

    def __init__(self, descriptor: bytes, serial: str) -> None:
        load("hid-generic")
        load("uhid")
        self._descriptor, self._serial = descriptor, serial
        self.plug()

    def plug(self) -> None:
        self._handle = os.open("/dev/uhid", os.O_RDWR)
        names = (b"Example Code reader", b"", self._serial.encode())
        numbers = (len(self._descriptor), _USB, VENDOR, PRODUCT, 1, 0)
        request = struct.pack("<I128s64s64sHHIIII", self._CREATE2, *names, *numbers)
        os.write(self._handle, request + self._descriptor.ljust(4096, b"\0"))

    def say(self, *reports: bytes) -> None:
        for report in reports:
            os.write(self._handle, struct.pack("<IH", self._INPUT2, len(report)) + report)

    def unplug(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
