"""A HID-POS code reader (USB HID, usage page 0x8C), by hidraw, or by pyusb where there is none.

hidraw gives one report for each read, and so does a socket pair that a thread fills from the
interrupt endpoint: behind either the code is the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.hid_nodes import DEV, SYS, Identity, Node, hidraw_nodes
from drivers.hid_report import HidError, Layout, layout
from drivers.hid_usb import open_endpoint
from drivers.reader_pieces import Piece


@dataclass(frozen=True, slots=True)
class HidPosWire:
    """``where``: who the reader is, or its hidraw node (a link of udev's is followed).

    ``usb_backend`` is pyusb's, None for libusb.
    """

    where: Identity | Path
    usb_backend: Any = None
    dev: Path = DEV
    sys: Path = SYS

    def open(self) -> HidPosLine:
        """Raises OSError: not there, not ours to open, or not in HID-POS mode."""
        nodes = [node for node in hidraw_nodes(self.dev, self.sys) if self._means(node)]
        for node in nodes:
            try:
                found = layout(node.descriptor)
            except HidError:
                continue  # another interface of the reader, as a keyboard
            return HidPosLine(os.open(node.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), found)
        if nodes:
            raise OSError(f"{self.where} is not in HID-POS mode")
        if isinstance(self.where, Path):
            raise OSError(f"no HID device at {self.where}")
        report_descriptor, end = open_endpoint(self.where, self.usb_backend)
        return HidPosLine(end.detach(), layout(report_descriptor))

    def _means(self, node: Node) -> bool:
        if isinstance(self.where, Path):
            return self.where.exists() and self.where.resolve() == node.path.resolve()
        return self.where.fits(node.identity)


class HidPosLine:
    """``handle`` gives one report for each read."""

    def __init__(self, handle: int, found: Layout) -> None:
        self._handle, self._layout = handle, found

    def fileno(self) -> int:
        return self._handle

    def take(self) -> list[Piece]:
        pieces: list[Piece] = []
        while True:
            try:
                report = os.read(self._handle, self._layout.largest)
            except BlockingIOError:
                return pieces
            if not report:
                raise OSError("the reader was pulled out")
            if piece := self._layout.read(report):
                pieces.append(piece)

    def close(self) -> None:
        os.close(self._handle)
