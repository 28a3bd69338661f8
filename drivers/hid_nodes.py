"""Device files of HID readers, found by what the kernel's sysfs says of them.

``/dev/hidraw0`` and ``/dev/input/event3`` are whoever was plugged in first; vendor, product and
serial number are the device's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEV, SYS = Path("/dev"), Path("/sys/class")
_KEY_A, _KEY_ENTER = 30, 28  # linux/input-event-codes.h


@dataclass(frozen=True, slots=True)
class Identity:
    """``serial``: empty for any device of this kind."""

    vendor: int
    product: int
    serial: str = ""

    @classmethod
    def parse(cls, text: str) -> Identity:
        """``vvvv:pppp`` or ``vvvv:pppp:SERIAL``, hexadecimal. Raises ValueError."""
        found = re.fullmatch(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::([!-~]+))?", text)
        if not found:
            raise ValueError(f"{text!r} is not vvvv:pppp or vvvv:pppp:SERIAL")
        return cls(int(found[1], 16), int(found[2], 16), found[3] or "")

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.product:04x}" + (f":{self.serial}" if self.serial else "")

    def fits(self, other: Identity) -> bool:
        """Whether a device that says it is ``other`` is meant."""
        kind = (self.vendor, self.product) == (other.vendor, other.product)
        return kind and self.serial in ("", other.serial)


@dataclass(frozen=True, slots=True)
class Node:
    """``path``: the device file; ``about``: its folder in sysfs."""

    path: Path
    about: Path
    identity: Identity
    name: str

    @property
    def descriptor(self) -> bytes:
        """The report descriptor of a hidraw node. Raises OSError."""
        return (self.about / "report_descriptor").read_bytes()


def hidraw_nodes(dev: Path = DEV, sys: Path = SYS) -> Iterator[Node]:
    for entry in _entries(sys / "hidraw"):
        about = entry / "device"
        said = dict(
            line.split("=", 1) for line in _read(about / "uevent").splitlines() if "=" in line
        )
        found = re.fullmatch(
            r"[0-9A-F]+:0000([0-9A-F]{4}):0000([0-9A-F]{4})", said.get("HID_ID", "")
        )
        if found:
            identity = Identity(int(found[1], 16), int(found[2], 16), said.get("HID_UNIQ", ""))
            yield Node(dev / entry.name, about, identity, said.get("HID_NAME", ""))


def keyboards(dev: Path = DEV, sys: Path = SYS) -> Iterator[Node]:
    """Input devices that have letters and an Enter key."""
    for entry in _entries(sys / "input"):
        about = entry / "device"
        vendor, product = _read(about / "id" / "vendor"), _read(about / "id" / "product")
        keys = (_read(about / "capabilities" / "key").split() or ["0"])[-1]
        lowest = int(keys, 16)  # of the words the last holds the lowest keys
        if not (vendor and product and lowest >> _KEY_A & 1 and lowest >> _KEY_ENTER & 1):
            continue
        identity = Identity(int(vendor, 16), int(product, 16), _read(about / "uniq"))
        yield Node(dev / "input" / entry.name, about, identity, _read(about / "name"))


def _entries(folder: Path) -> list[Path]:
    """Numbered entries of a class, as hidraw0 and event3; input1 and mice are none."""
    if not folder.is_dir():
        return []
    return sorted(
        entry for entry in folder.iterdir() if re.fullmatch(r"(hidraw|event)\d+", entry.name)
    )


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""  # it was pulled out in between
