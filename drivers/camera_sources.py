"""Where a camera is: what its address means, and whether something is there.

``usb:vvvv:pppp`` or ``usb:vvvv:pppp:serial`` (vendor and product, hex, as ``lsusb`` prints them)
is the camera itself, whichever ``/dev/videoN`` it became this time; a link of ``/dev/v4l/by-id``
does as well. ``http://``: an MJPEG stream. A folder or a pattern (``f%03d.png``): pictures in the
order of their names. Anything else is a film.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drivers.contract import DeviceError, Fault
from drivers.hid_nodes import Identity

_DEV = Path("/dev")
_SYS = Path("/sys/class/video4linux")
_CONNECT_SECONDS = 2.0
_PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


def is_node(source: str) -> bool:
    return source.startswith(("/dev/", "usb:"))


def check_source(source: str) -> None:
    """Raises ValueError for an address that no camera can have."""
    if source.startswith("usb:"):
        Identity.parse(source.removeprefix("usb:"))


def is_stream(source: str) -> bool:
    return "://" in source


def is_live(source: str) -> bool:
    """Not a recording: what it shows never repeats to the last bit, and it may come back."""
    return is_node(source) or is_stream(source)


def node_of(source: str, dev: Path = _DEV, sys: Path = _SYS) -> str:
    """The device file. Raises DeviceError (CAMERA_ABSENT) when there is none."""
    found = source
    if source.startswith("usb:"):
        wanted = Identity.parse(source.removeprefix("usb:"))
        nodes = (node.name for node in sorted(sys.glob("video*")) if _is(node, wanted))
        found = next((str(dev / name) for name in nodes), "")
    if not os.path.exists(found):
        raise DeviceError(Fault.CAMERA_ABSENT, f"{source} is not there")
    return found


def _is(node: Path, wanted: Identity) -> bool:
    """The first node of a camera gives pictures, the others say things about them."""
    if _line(node / "index") not in ("", "0"):
        return False
    usb = (node / "device").resolve().parent
    kind = f"{_line(usb / 'idVendor')}:{_line(usb / 'idProduct')}"
    try:
        return wanted.fits(replace(Identity.parse(kind), serial=_line(usb / "serial")))
    except ValueError:
        return False  # no USB device


def _line(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def look_for(source: str) -> None:
    """Is something there? The camera is not opened, so its light stays off.

    Raises DeviceError (CAMERA_ABSENT).
    """
    if is_node(source):
        node_of(source)
    elif is_stream(source):
        _connect(source)
    elif not os.path.exists(source) and "%" not in source:
        raise DeviceError(Fault.CAMERA_ABSENT, source)


def _connect(source: str) -> None:
    try:
        address = urlsplit(source)
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise DeviceError(Fault.CAMERA_ABSENT, str(error)) from None


class Folder:
    """The pictures of a folder, as OpenCV's VideoCapture gives the frames of a film."""

    def __init__(self, cv2: Any, folder: Path) -> None:
        self._cv2 = cv2
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in _PICTURES)
        self._left = [str(file) for file in reversed(files)]

    def isOpened(self) -> bool:
        return bool(self._left)

    def get(self, prop: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Any]:
        """(False, None) after the last one, and at one that is no picture."""
        frame = self._cv2.imread(self._left.pop()) if self._left else None
        return frame is not None, frame

    def release(self) -> None:
        self._left.clear()
