"""A USB receipt printer exported over USB/IP: descriptors, two bulk endpoints, the paper behind.

The printer itself is the ESC/POS emulator, with its control; ``unplugged`` there pulls the USB
cable too.
"""

from __future__ import annotations

import struct

from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.usbip_export import (
    LANGUAGES,
    Export,
    Say,
    configuration_descriptor,
    device_descriptor,
    string_descriptor,
)

_STRINGS = {1: "Example", 2: "Receipt printer"}


class UsbipPrinter:
    """Exported at ``server`` (host, port); ``address`` is what the driver's settings would hold."""

    interfaces = ((7, 1, 2),)
    inward = 4

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
        self._export = Export(self, port)
        self.printer.cables.append(self._export.drop)

    @property
    def address(self) -> str:
        return f"usb:{self.vendor:04x}:{self.product:04x}:{self.serial}"

    @property
    def server(self) -> tuple[str, int]:
        return self._export.address

    @property
    def control_url(self) -> str:
        return self.printer.control_url

    @property
    def plugged(self) -> bool:
        return not self.printer.state.unplugged

    def close(self) -> None:
        self._export.close()
        self.printer.close()

    def descriptor(self, kind: int, index: int, interface: int) -> bytes | None:
        if kind == 1:
            return device_descriptor(self.vendor, self.product)
        if kind == 2 and index == 0:
            face = struct.pack("<9B", 9, 4, 0, 0, 2, *self.interfaces[0], 0)
            ends = b"".join(struct.pack("<BBBBHB", 7, 5, end, 2, 64, 0) for end in (0x03, 0x84))
            return configuration_descriptor(1, face + ends)
        if kind == 3:
            text = {**_STRINGS, 3: self.serial}.get(index, "")
            return LANGUAGES if index == 0 else string_descriptor(text)
        return None

    def attach(self, say: Say) -> None:
        """A printer says nothing of itself."""

    def take(self, received: bytearray, say: Say) -> None:
        self.printer.take(received, say)
