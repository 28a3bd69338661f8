"""The address of a code reader, and the wire that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drivers.hid_nodes import Identity
from drivers.hid_pos import HidPosWire
from drivers.reader_pieces import Wire
from drivers.serial_line import SerialWire
from drivers.wedge import WedgeWire


def wire(
    address: str, *, baud: int = 115200, terminator: bytes = b"\r", usb_backend: Any = None
) -> Wire:
    """``serial:/dev/...``, or ``hid-pos:`` or ``wedge:`` and either vendor, product and perhaps
    serial number (``vvvv:pppp[:SERIAL]``) or a device file.

    ``baud`` is for serial lines, ``terminator`` for them and wedges: HID-POS says itself where a
    payload ends. Raises ValueError.
    """
    scheme, _, rest = address.partition(":")
    if scheme == "serial" and rest.startswith("/"):
        return SerialWire(rest, baud, terminator)
    if scheme == "hid-pos" and rest:
        return HidPosWire(_where(rest), usb_backend)
    if scheme == "wedge" and rest:
        return WedgeWire(_where(rest), terminator)
    raise ValueError(
        f"code reader address {address!r}: expected serial:/dev/..., hid-pos:vvvv:pppp "
        "or wedge:vvvv:pppp (with :SERIAL, or a device file instead)"
    )


def _where(text: str) -> Identity | Path:
    return Path(text) if text.startswith("/") else Identity.parse(text)
