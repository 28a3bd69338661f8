"""A USB receipt printer plugged into the kernel's dummy controller: descriptors are the printer
gadget's, what comes over the bulk endpoints goes to the ESC/POS emulator.

Source: Documentation/usb/gadget_configfs.rst and gadget_printer.rst of the kernel.
"""

from __future__ import annotations

import errno
import os
import select
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from drivers.emulators.escpos import EscposEmulator
from tests.vm.hands import load

_CONFIG = Path("/sys/kernel/config")
_GADGETS = _CONFIG / "usb_gadget"
_NODE = Path("/dev/g_printer0")
_LOOK_MILLISECONDS = 100


class GadgetPrinter:
    """``address``: what the driver's settings would hold."""

    address = "usb:04b8:0202:RP-0001"

    def __init__(self) -> None:
        load("libcomposite")
        if not _GADGETS.exists():
            subprocess.run(["mount", "-t", "configfs", "config", str(_CONFIG)], check=True)
        _start_udev()
        load("dummy_hcd")
        load("usb_f_printer")
        load("usblp")  # which takes printers before we do
        self.printer = EscposEmulator()
        self._folder = _GADGETS / "receipt"
        self._build()
        self.plug()

    def plug(self) -> None:
        (self._folder / "UDC").write_text("dummy_udc.0\n")
        self._pulled = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def unplug(self) -> None:
        self._pulled.set()
        self._thread.join()
        (self._folder / "UDC").write_text("\n")

    def _build(self) -> None:
        files = {
            "idVendor": "0x04b8",
            "idProduct": "0x0202",
            "strings/0x409/manufacturer": "Example",
            "strings/0x409/product": "Receipt printer",
            "strings/0x409/serialnumber": "RP-0001",
        }
        for folder in ("", "strings/0x409", "configs/c.1", "functions/printer.bulk"):
            (self._folder / folder).mkdir(exist_ok=True)
        for name, text in files.items():
            (self._folder / name).write_text(text)
        (self._folder / "configs/c.1/bulk").symlink_to(self._folder / "functions/printer.bulk")

    def _carry(self) -> None:
        """Until it is pulled."""
        handle = self._opened()
        if handle is None:
            return
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        received = bytearray()
        while not self._pulled.is_set():
            if poll.poll(_LOOK_MILLISECONDS):
                received += _read(handle)
                self.printer.take(received, lambda answer: _say(handle, answer))
        os.close(handle)

    def _opened(self) -> int | None:
        """There is no such device until the host has chosen the configuration."""
        while not self._pulled.wait(_LOOK_MILLISECONDS / 1000):
            try:
                return os.open(_NODE, os.O_RDWR | os.O_NONBLOCK)
            except OSError as error:
                if error.errno not in (errno.ENODEV, errno.ENOENT):
                    raise
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        (self._folder / "configs/c.1/bulk").unlink()
        for folder in ("functions/printer.bulk", "configs/c.1", "strings/0x409", ""):
            (self._folder / folder).rmdir()
        self.printer.close()


def _start_udev() -> None:
    """Without it libusb never learns of what is plugged in after its first look."""
    if not Path("/run/udev/control").exists():
        subprocess.run(["/usr/lib/systemd/systemd-udevd", "--daemon"], check=True)


def _read(handle: int) -> bytes:
    with _undisturbed():
        return os.read(handle, 8192)
    return b""


def _say(handle: int, answer: bytes) -> None:
    """Lost, when the host has not fetched the answers before it."""
    with _undisturbed():
        os.write(handle, answer)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The host chooses the configuration anew whenever libusb opens the printer."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.EAGAIN):
            raise
