"""What is attached to this machine that could be one of the kiosk's devices."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from drivers.contract import DeviceError
from drivers.hid_nodes import SYS, Identity, hidraw_nodes, keyboards
from drivers.hid_report import HidError, layout
from drivers.supervisor import Child, ChildSpec
from kiosk.found import Found
from kiosk.network_finder import network_devices

_SEARCH_SECONDS = 20.0
_PRINTER_CLASS, _IPP_OVER_USB = 7, 4
_SANE_ESCL = ("airscan:", "escl:")
_NUMBERS = re.compile(r" [0-9A-Fa-f]{2} [0-9A-Fa-f]{2}$")
_READER_WORDS = re.compile(r"bar ?code|scanner|scan engine|imager|code reader|qr", re.IGNORECASE)


async def everything(
    escl: str = "", ipp: str = "", *, pcsc: str = "", dev: Path = Path("/dev")
) -> list[Found]:
    """Look at all wires, at most 20 seconds long.

    ``escl``, ``ipp``: addresses of a scanner and a printer to ask beside those that announce
    themselves. ``pcsc``: socket of pcscd, empty for the system's own.
    """
    network, sane, cards, others = await asyncio.gather(
        network_devices(escl, ipp),
        sane_scanners(),
        card_readers(pcsc),
        asyncio.to_thread(
            lambda: [*serial_ports(dev), *hid_readers(dev), *cameras(dev), *usb_printers()]
        ),
    )
    return [*_each_once(network, sane), *cards, *others]


def _each_once(network: list[Found], sane: list[Found]) -> list[Found]:
    """A scanner that speaks eSCL is SANE's as well; by its address it also says why it stops."""
    if any(found.section == "scanner" for found in network):
        sane = [found for found in sane if not found.value.startswith(_SANE_ESCL)]
    return [*network, *sane]


async def card_readers(socket: str = "") -> list[Found]:
    """What pcscd sees, without the numbers at the end of a name, which change with the order in
    which readers were plugged in."""
    environment = {"PCSCLITE_CSOCK_NAME": socket} if socket else {}
    worker = "drivers.card_reader_child:Worker"
    names = await _asked(
        ChildSpec("finder", worker, {"pattern": "*"}, environment=environment), "check"
    )
    lasting = dict.fromkeys(_NUMBERS.sub(" ?? ??", name) for name in names)
    return [Found("card_reader", "reader", name, "", "card reader") for name in lasting]


async def sane_scanners() -> list[Found]:
    """What SANE's backends see, network scanners that announce themselves included."""
    seen = await _asked(ChildSpec("finder", f"{__name__}:SaneFinder"), "devices")
    return [found for name, vendor, model in seen if (found := _scanner(name, vendor, model))]


async def _asked(spec: ChildSpec, method: str) -> list[Any]:
    """What the child says; nothing, when its library hangs, crashes or sees no device."""
    child = Child(spec)
    try:
        found: list[Any] = await child.call(method, deadline=_SEARCH_SECONDS)
    except DeviceError:
        return []
    finally:
        await child.close()
    return found


def _scanner(name: str, vendor: str, model: str) -> Found | None:
    if name.startswith(("test:", "v4l:")):
        return None  # SANE's own stand-in, and cameras
    profile = "fujitsu-fi" if name.startswith("fujitsu:") else "generic-sane"
    return Found("scanner", "device", name, profile, f"{vendor} {model}".strip())


class SaneFinder:
    """The child's side."""

    def devices(self) -> list[tuple[str, str, str]]:
        """(name, vendor, model) of each scanner."""
        import sane

        sane.init()
        try:
            return [tuple(found[:3]) for found in sane.get_devices()]
        finally:
            sane.exit()


def serial_ports(dev: Path) -> list[Found]:
    """USB serial ports by the name that stays the same, which udev makes of maker and serial."""
    from serial.tools.list_ports import comports

    found = []
    for port in sorted(comports(), key=lambda port: str(port.device)):
        if port.vid is None:
            continue  # a board's own port: nothing says what hangs on it
        name = _lasting_name(dev / "serial" / "by-id", port.device)
        what = f"{port.manufacturer or ''} {port.product or ''}".strip() or port.device
        found.append(Found("code_reader", "address", f"serial:{name}", "generic-serial", what))
    return found


def hid_readers(dev: Path, sys: Path = SYS) -> list[Found]:
    """Readers in HID-POS mode, and keyboards that call themselves readers: nothing else tells a
    wedge from a keyboard, and a technician's keyboard must not be taken for one."""
    found: dict[Identity, Found] = {}
    for node in hidraw_nodes(dev, sys):
        try:
            layout(node.descriptor)
        except (HidError, OSError):
            continue
        address = f"hid-pos:{node.identity}"
        found[node.identity] = Found(
            "code_reader", "address", address, "generic-hid-pos", node.name
        )
    for node in keyboards(dev, sys):
        if node.identity not in found and _READER_WORDS.search(node.name):
            address = f"wedge:{node.identity}"
            found[node.identity] = Found(
                "code_reader", "address", address, "generic-wedge", node.name
            )
    return list(found.values())


def _lasting_name(folder: Path, device: str) -> str:
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((str(link) for link in links if link.resolve() == Path(device).resolve()), device)


def cameras(dev: Path, sys: Path = Path("/sys/class/video4linux")) -> list[Found]:
    """Capture nodes: of the nodes of one camera the first gives pictures, the rest metadata."""
    found = []
    for node in sorted(dev.glob("video*")):
        about = sys / node.name
        index = about / "index"
        if index.exists() and index.read_text().strip() != "0":
            continue
        name = about / "name"
        what = name.read_text().strip() if name.exists() else node.name
        lasting = _lasting_name(dev / "v4l" / "by-id", str(node))
        found.append(Found("camera", "source", lasting, "generic-v4l2", what))
    return found


def usb_printers(attached: Iterable[Any] | None = None) -> list[Found]:
    """USB devices with an interface of the printer class, but for those that speak IPP: they print
    pages, and ``ipp-usb`` makes network printers of them."""
    found = []
    for device in _usb_devices() if attached is None else attached:
        faces = [face for config in device for face in config]
        wires = {f.bInterfaceProtocol for f in faces if f.bInterfaceClass == _PRINTER_CLASS}
        if wires and _IPP_OVER_USB not in wires:
            address = f"usb:{device.idVendor:04x}:{device.idProduct:04x}"
            what = "USB printer"
            found.append(Found("receipt_printer", "address", address, "generic-escpos", what))
    return found


def _usb_devices() -> list[Any]:
    import usb.core

    try:
        return list(usb.core.find(find_all=True))
    except (usb.core.NoBackendError, usb.core.USBError):
        return []
