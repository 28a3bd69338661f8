"""Device files and sysfs of HID devices in a folder: named pipes stand for the nodes."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from pathlib import Path

from drivers.wedge import EVENT

VENDOR, PRODUCT = 0x1209, 0x0001


class Pipe:
    """A node that is plugged in as long as it is not closed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
        self.path = path
        self._end = os.open(path, os.O_RDWR)  # with both ends, so that nobody has to wait

    def write(self, data: bytes) -> None:
        """Events stay whole: a pipe takes so much at once, or nothing."""
        most = select.PIPE_BUF // EVENT.size * EVENT.size
        for start in range(0, len(data), most):
            os.write(self._end, data[start : start + most])

    def pull(self) -> None:
        self.path.unlink()
        os.close(self._end)


@dataclass(frozen=True)
class Machine:
    """``folder`` holds dev and sys."""

    folder: Path

    @property
    def dev(self) -> Path:
        return self.folder / "dev"

    @property
    def sys(self) -> Path:
        return self.folder / "sys"

    def hidraw(self, name: str, descriptor: bytes, serial: str = "CR-0001") -> Pipe:
        about = self.sys / "hidraw" / name / "device"
        about.mkdir(parents=True, exist_ok=True)
        (about / "report_descriptor").write_bytes(descriptor)
        (about / "uevent").write_text(
            f"DRIVER=hid-generic\nHID_ID=0003:{VENDOR:08X}:{PRODUCT:08X}\n"
            f"HID_NAME=Example Code reader\nHID_UNIQ={serial}\n"
        )
        return Pipe(self.dev / name)

    def keyboard(
        self, name: str, serial: str = "CR-0001", keys: str = "febeffdfffefffff fffffffffffffffe"
    ) -> Pipe:
        """``keys``: the bits of the keys it has, as sysfs writes them."""
        about = self.sys / "input" / name / "device"
        (about / "id").mkdir(parents=True, exist_ok=True)
        (about / "capabilities").mkdir(exist_ok=True)
        (about / "id" / "vendor").write_text(f"{VENDOR:04x}\n")
        (about / "id" / "product").write_text(f"{PRODUCT:04x}\n")
        (about / "uniq").write_text(f"{serial}\n")
        (about / "name").write_text("Example Barcode Scanner\n")
        (about / "capabilities" / "key").write_text(f"{keys}\n")
        return Pipe(self.dev / "input" / name)


def events(*keys: tuple[int, int], at: float = 1000.0) -> bytes:
    """Key code and value (1 down, 0 up) each, followed by its SYN_REPORT."""
    seconds, micro = int(at), round(at % 1 * 1e6)
    return b"".join(
        EVENT.pack(seconds, micro, 1, code, value) + EVENT.pack(seconds, micro, 0, 0, 0)
        for code, value in keys
    )
