"""Devices that break and come back, again and again, in one process: how soon, and what leaks."""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from drivers.camera import OpenCvCamera
from drivers.card_reader import PcscCardReader
from drivers.code_reader import WiredCodeReader
from drivers.contract import Device, DeviceError, Health, ScanSettings, Slip, SlipText
from drivers.document_printer import IppPrinter
from drivers.emulators.card_reader import CardReaderEmulator
from drivers.emulators.escl import EsclScanner
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.hid_reader import HidReaderEmulator
from drivers.emulators.ipp import IppEmulator
from drivers.emulators.mjpeg import MjpegCamera
from drivers.emulators.serial_reader import SerialReaderEmulator
from drivers.emulators.usbip_backend import UsbipBackend
from drivers.hid_nodes import Identity
from drivers.hid_pos import HidPosWire
from drivers.presence import watching
from drivers.reader_wires import wire
from drivers.receipt_printer import EscposPrinter
from drivers.scanner import SaneScanner

PATIENCE = 20.0
_QUICK = ScanSettings(dpi=75, colour=False)
_SLIP = Slip((SlipText("Phiếu thử"),))


@dataclass
class Tally:
    """``seconds``: from the mend until the device worked again, by fault. ``memory``: resident
    KiB after each event; ``handles`` and ``children``: before the first event and after the last.
    ``unmended``: faults from which a device did not come back; ``unseen``: those nobody noticed.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: list[int] = field(default_factory=list)
    handles: tuple[int, int] = (0, 0)
    children: tuple[int, int] = (0, 0)
    unmended: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def memory_slope(self) -> float:
        """KiB an event, by least squares over the second half: caches fill in the first."""
        half = self.memory[len(self.memory) // 2 :]
        middle, mean = (len(half) - 1) / 2, sum(half) / len(half)
        spread = sum((n - middle) ** 2 for n in range(len(half)))
        return sum((n - middle) * (m - mean) for n, m in enumerate(half)) / spread


@dataclass(frozen=True)
class Event:
    """``use`` fails between ``breaks`` and ``mends``, and works again after it; ``notice`` is the
    device whose status must become ready by itself before it is used."""

    name: str
    breaks: Callable[[], object]
    mends: Callable[[], object]
    use: Callable[[], Awaitable[object]]
    notice: Device | None = None


def break_often(folder: Path, count: int, seed: int, sheet: bytes, frame: bytes) -> Tally:
    """``count`` faults, drawn with ``seed``, over scanner, readers, camera and printers."""
    return asyncio.run(_break_often(folder, count, seed, sheet, frame))


async def _break_often(folder: Path, count: int, seed: int, sheet: bytes, frame: bytes) -> Tally:
    tally, draw = Tally(), random.Random(seed)
    async with AsyncExitStack() as stack:
        events = await _plug_in(stack, folder, sheet, frame)
        for event in events:  # everything is loaded and every path was walked once
            await _happen(event, Tally())
        handles, children = _handles(), _children()
        for _ in range(count):
            await _happen(draw.choice(events), tally)
            tally.memory.append(_resident())
        gc.collect()
        tally.handles, tally.children = (handles, _handles()), (children, _children())
    return tally


async def _happen(event: Event, tally: Tally) -> None:
    event.breaks()
    try:
        await asyncio.wait_for(event.use(), PATIENCE)
        tally.unseen.append(event.name)
    except DeviceError:
        pass
    event.mends()
    mended = time.monotonic()
    try:
        await asyncio.wait_for(_works_again(event), PATIENCE)
    except TimeoutError:
        tally.unmended.append(event.name)
    tally.seconds[event.name].append(time.monotonic() - mended)


async def _works_again(event: Event) -> None:
    while event.notice and event.notice.status().health is not Health.READY:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    while True:
        try:
            await event.use()
            return
        except DeviceError:
            await asyncio.sleep(0.05)


async def _plug_in(stack: AsyncExitStack, folder: Path, sheet: bytes, frame: bytes) -> list[Event]:
    escl = stack.enter_context(EsclScanner())
    mjpeg = stack.enter_context(MjpegCamera([frame]))
    paper, line = EscposEmulator(), SerialReaderEmulator(folder / "reader")
    usb = HidReaderEmulator()
    pages, slot = IppEmulator(), CardReaderEmulator()
    for emulator in (paper, line, usb, pages, slot):
        stack.callback(emulator.close)
    scanner = SaneScanner(url=escl.url, work_dir=folder, deadline=10.0)
    camera = OpenCvCamera(source=mjpeg.address, deadline=1.0)
    printer = EscposPrinter(address=paper.address, timeout=0.5)
    reader = WiredCodeReader(wire(line.address), reopen_seconds=0.2)
    identity = Identity(usb.vendor, usb.product)
    hid_pos = HidPosWire(identity, UsbipBackend(usb.server), folder, folder)
    hid = WiredCodeReader(hid_pos, reopen_seconds=0.2)
    documents = IppPrinter(uri=pages.address, timeout=1.0, patience=1.0, grace=0.2, poll=0.05)
    cards = PcscCardReader(socket=slot.address)
    for device in (scanner, camera, printer, reader, hid, documents, cards):
        stack.push_async_callback(device.close)
    await stack.enter_async_context(watching((scanner, printer, reader, hid, documents, cards)))
    return [
        *_scanner_events(escl, scanner, sheet),
        *_printer_events(paper, printer),
        *_document_events(pages, documents, sheet),
        Event("card reader: its service dies", slot.die, slot.restart, cards.check, cards),
        _camera_event(mjpeg, camera),
        _reader_event("reader: unplugged", line, reader),
        _reader_event("HID reader: unplugged", usb, hid),
    ]


def _scanner_events(escl: EsclScanner, scanner: SaneScanner, sheet: bytes) -> list[Event]:
    async def scan() -> None:
        escl.load([sheet])
        async with aclosing(scanner.scan(_QUICK)) as sheets:
            async for page in sheets:
                page.pixels.close()

    def kill_child() -> None:
        escl.set(http_status=500)  # the use in between fails even when a new child is quick
        if pid := scanner._child.pid:
            os.kill(pid, signal.SIGKILL)

    faults: dict[str, dict[str, object]] = {
        "jam": {"adf": "jam"},
        "jam on the page": {"fault": "jam", "fault_on_page": 1},
        "door open": {"adf": "door-open"},
        "two sheets": {"adf": "multifeed"},
        "HTTP 500": {"http_status": 500},
        "garbage": {"garbage": True},
        "half answers": {"half": True},
        "truncated image": {"truncate": 3000},
    }
    events = [
        Event(f"scanner: {name}", lambda s=state: escl.set(**s), escl.repair, scan, scanner)  # type: ignore[misc]
        for name, state in faults.items()
    ]
    events.append(Event("scanner: unplugged", escl.die, escl.repair, scan, scanner))
    events.append(Event("scanner: child killed", kill_child, escl.repair, scan))
    return events


def _printer_events(paper: EscposEmulator, printer: EscposPrinter) -> list[Event]:
    faults: dict[str, tuple[dict[str, object], dict[str, object]]] = {
        "paper out": ({"paper": "out"}, {"paper": "ok"}),
        "cover open": ({"cover_open": True}, {"cover_open": False}),
        "silent": ({"silent": True}, {"silent": False}),
    }

    def change(state: dict[str, object]) -> Callable[[], object]:
        return lambda: vars(paper.state).update(state)

    async def print_slip() -> None:
        paper.receipts.clear()  # the emulator keeps all paper: that is no leak of the driver
        paper.scraps.clear()
        await printer.print_slip(_SLIP)

    return [
        Event(
            f"receipt: {name}",
            change(bad),
            change(good),
            print_slip,
            printer,
        )
        for name, (bad, good) in faults.items()
    ]


def _document_events(pages: IppEmulator, printer: IppPrinter, sheet: bytes) -> list[Event]:
    with Image.open(io.BytesIO(sheet)) as page:
        written = io.BytesIO()
        page.convert("RGB").save(written, "PDF")
    names = itertools.count()

    async def print_page() -> None:
        await printer.print_document(written.getvalue(), f"page-{next(names)}")
        pages.forget_jobs()  # the emulator keeps all paper: that is no leak of the driver
        pages.documents.clear()
        pages.state.printed.clear()

    def no_paper() -> None:
        pages.refill(0)

    return [
        Event("document: paper out", no_paper, pages.repair, print_page, printer),
        Event("document: unplugged", pages.unplug, pages.plug, print_page, printer),
    ]


def _camera_event(mjpeg: MjpegCamera, camera: OpenCvCamera) -> Event:
    async def look() -> None:
        async with aclosing(camera.frames()) as frames:
            (await anext(frames)).pixels.close()

    def stopped(value: bool) -> Callable[[], object]:
        return lambda: setattr(mjpeg.state, "stopped", value)

    return Event("camera: stopped", stopped(True), stopped(False), look)


def _reader_event(
    name: str, line: SerialReaderEmulator | HidReaderEmulator, reader: WiredCodeReader
) -> Event:
    async def read() -> None:
        waiting = asyncio.create_task(reader.read())
        await asyncio.wait([waiting], timeout=0.1)
        if not waiting.done() and reader.status().health is Health.READY:
            with suppress(OSError):  # nobody has noticed yet that it is unplugged
                line.show("vneid:thu")
        await waiting

    return Event(name, line.unplug, line.plug, read)


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def _children() -> int:
    tasks = Path("/proc/self/task").iterdir()
    return sum(len((task / "children").read_text().split()) for task in tasks)


def _resident() -> int:
    """KiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024
