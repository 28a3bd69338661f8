"""How pyusb is told which device is meant: vendor, product and, where it has one, serial number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.hid_nodes import Identity


def wanted(identity: Identity) -> dict[str, Any]:
    """Arguments of ``usb.core.find``."""

    def has_serial(device: Any) -> bool:
        import usb.util

        try:
            found = bool(device.serial_number == identity.serial)
        except (OSError, ValueError):  # ValueError: it has no strings, or may not be asked
            found = False
        if not found:
            usb.util.dispose_resources(device)
        return found

    ids: dict[str, Any] = {"idVendor": identity.vendor, "idProduct": identity.product}
    # pyusb asks custom_match first of every device on the bus: only ours may be opened.
    return {**ids, "custom_match": _both(ids, has_serial)} if identity.serial else ids


def _both(ids: dict[str, Any], match: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda device: (
        all(getattr(device, name) == value for name, value in ids.items()) and match(device)
    )
