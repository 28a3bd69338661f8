"""What devices this kiosk has and how each is: one table for ``kiosk devices`` and ``doctor``.

A new kind of device is a row of ``KINDS``. While ``kiosk run`` runs it holds the devices and says
in a file of its state folder how they are; otherwise they are asked.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from drivers.contract import (
    WARNINGS,
    Camera,
    CardReader,
    CodeReader,
    Device,
    DeviceError,
    DocumentPrinter,
    Fault,
    Health,
    PowerSupply,
    ReceiptPrinter,
    Scanner,
    Signals,
)
from kiosk import devices
from kiosk.failures import Fault as KioskFault
from kiosk.failures import KioskError, table
from kiosk.settings import Section, Settings

log = logging.getLogger(__name__)

FILE = "devices.json"
_DEADLINE = 25.0
_NONE = "none in the settings"
_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 60.0
_OLD_SECONDS = 3 * _AGAIN_SECONDS


@dataclass(frozen=True, slots=True)
class Kind:
    """``key``: the section of the settings. ``address``: the settings that say where it is, the
    first that is set counts. ``ask`` raises DeviceError or says what it found; ``silence`` is the
    code of one that does neither. ``needed``: without it nobody can be served. ``optional``: a
    kiosk may well have none. ``watched``: ``kiosk run`` asks it again and again
    (``drivers/presence.py``); signals have an asker of their own."""

    name: str
    key: str
    address: tuple[str, ...]
    make: Callable[[Settings], Device]
    ask: Callable[[Any], Awaitable[str]]
    silence: Fault
    needed: bool = False
    optional: bool = False
    watched: bool = True

    def section(self, settings: Settings) -> Section:
        section: Section = getattr(settings.devices, self.key)
        return section

    def where(self, settings: Settings) -> str:
        section = self.section(settings)
        return next((value for key in self.address if (value := getattr(section, key))), "")

    async def look(self, settings: Settings, device: Device) -> str:
        """Ask the device, unless it is one that this kiosk may well do without and has not."""
        if self.optional and not self.where(settings):
            return _NONE
        return await self.ask(device)

    def profile(self, settings: Settings) -> str:
        """Empty for a kind whose models do not differ."""
        return str(getattr(self.section(settings), "profile", ""))


@dataclass(frozen=True, slots=True)
class State:
    """``since``: epoch seconds of the last change, 0 when it was asked just now."""

    device: str
    profile: str
    address: str
    state: str
    code: str = ""
    detail: str = ""
    since: int = 0

    @property
    def warned(self) -> bool:
        """It works, but somebody should come."""
        return self.fine and self.state == Health.READY and self.code in WARNINGS

    @property
    def fine(self) -> bool:
        """Silence is not: STALE is a device that is not heard of any more."""
        return not self.address or self.state in (Health.OPENING, Health.READY, Health.BUSY)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


async def _ask_scanner(scanner: Scanner) -> str:
    await scanner.check()
    return "ready"


async def _ask_reader(reader: CodeReader) -> str:
    await reader.check()
    return "it is open"


async def _ask_camera(camera: Camera) -> str:
    async with aclosing(camera.frames()) as frames:
        frame = await anext(frames)
    try:
        return f"{frame.width} x {frame.height} pixels"
    finally:
        frame.pixels.close()


async def _ask_power(power: PowerSupply) -> str:
    await power.check()
    return "on mains"


async def _ask_printer(printer: ReceiptPrinter) -> str:
    await printer.check()
    code, left = printer.status().code, printer.paper_left()
    if code == Fault.RECEIPT_NOT_TAKEN:
        return "a slip is in the exit"
    if code == Fault.RECEIPT_PAPER_LOW:
        about = "" if left is None else f", about {left / 1000:.1f} m left"
        return f"the roll is near its end{about}"
    return "paper and cover in order"


async def _ask_document_printer(printer: DocumentPrinter) -> str:
    await printer.check()
    levels = [f"{s.name} {s.percent} %" for s in printer.supplies() if s.percent is not None]
    return ", ".join(levels) or "ready"


async def _ask_card_reader(cards: CardReader) -> str:
    await cards.check()
    return "ready"


async def _ask_signals(signals: Signals) -> str:
    await signals.check()
    return "answers"


KINDS: tuple[Kind, ...] = (
    Kind(
        "scanner",
        "scanner",
        ("url", "device"),
        lambda settings: devices.scanner(settings.devices.scanner, settings.site.state / "sane"),
        _ask_scanner,
        Fault.SCANNER_IO,
        needed=True,
    ),
    Kind(
        "code reader",
        "code_reader",
        ("address",),
        lambda settings: devices.code_reader(settings.devices.code_reader),
        _ask_reader,
        Fault.READER_ABSENT,
    ),
    Kind(
        "camera",
        "camera",
        ("source",),
        lambda settings: devices.camera(settings.devices.camera),
        _ask_camera,
        Fault.CAMERA_STOPPED,
    ),
    Kind(
        "receipt printer",
        "receipt_printer",
        ("address",),
        lambda settings: devices.receipt_printer(
            settings.devices.receipt_printer, settings.site.state / devices.ROLL_FILE
        ),
        _ask_printer,
        Fault.RECEIPT_SILENT,
    ),
    Kind(
        "document printer",
        "document_printer",
        ("uri",),
        lambda settings: devices.document_printer(settings.devices.document_printer),
        _ask_document_printer,
        Fault.PRINTER_SILENT,
        optional=True,
    ),
    Kind(
        "card reader",
        "card_reader",
        ("reader",),
        lambda settings: devices.card_reader(settings.devices.card_reader),
        _ask_card_reader,
        Fault.CARD_READER_SERVICE,
        optional=True,
    ),
    Kind(
        "power",
        "power",
        ("address",),
        lambda settings: devices.power(settings.devices.power),
        _ask_power,
        Fault.POWER_ABSENT,
        optional=True,
    ),
    Kind(
        "signals",
        "signals",
        ("address",),
        lambda settings: devices.signals(
            settings.devices.signals, settings.site.state / devices.TAMPER_FILE
        ),
        _ask_signals,
        Fault.SIGNALS_ABSENT,
        optional=True,
        watched=False,  # kiosk/tamper.py
    ),
)


async def probe(
    settings: Settings, kinds: Iterable[Kind] = KINDS, *, quietly: bool = False
) -> list[State]:
    """Ask every configured device once, all at the same time. ``quietly``: only as the running
    kiosk asks again and again, which opens no camera.

    Raises KioskError: KIOSK_RUNNING when a kiosk holds them, SETTINGS_INVALID.
    """
    if _is_running(settings.site.state):
        raise KioskError(KioskFault.KIOSK_RUNNING, "it has the devices")
    return list(await asyncio.gather(*(_probe(settings, kind, quietly) for kind in kinds)))


async def _probe(settings: Settings, kind: Kind, quietly: bool) -> State:
    if not kind.where(settings):
        return _state(settings, kind, Health.ABSENT, detail=_NONE)
    try:
        async with _made(kind, settings) as device:
            asked = device.check() if quietly else kind.ask(device)
            said = await asyncio.wait_for(asked, _DEADLINE)
            return _state(settings, kind, Health.READY, device.status().code or "", said or "")
    except DeviceError as error:
        absent = error.code.endswith(".absent")
        health = Health.ABSENT if absent else Health.FAULT
        return _state(settings, kind, health, error.code, error.detail)
    except TimeoutError:
        late = f"no answer in {_DEADLINE:.0f} s"
        return _state(settings, kind, Health.FAULT, kind.silence, late)
    except OSError as error:  # a folder that is not ours: one device must not end the list
        return _state(settings, kind, Health.FAULT, KioskFault.UNEXPECTED, type(error).__name__)


@asynccontextmanager
async def _made(kind: Kind, settings: Settings) -> AsyncIterator[Device]:
    device = kind.make(settings)
    try:
        yield device
    finally:
        await device.close()


def _state(
    settings: Settings, kind: Kind, health: Health, code: str = "", detail: str = "", since: int = 0
) -> State:
    return State(
        kind.name, kind.profile(settings), kind.where(settings), str(health), code, detail, since
    )


def known(settings: Settings) -> list[State] | None:
    """What the running ``kiosk run`` says of its devices; None when none is running.

    Raises KioskError (KIOSK_RUNNING) when it has not said anything yet, or nobody may know.
    """
    if not _is_running(settings.site.state):
        return None
    file = settings.site.state / FILE
    try:
        states = [State(**entry) for entry in json.loads(file.read_text("utf-8"))]
        age = time.time() - file.stat().st_mtime
    except OSError as error:
        detail = f"how its devices are, it does not say: {error.strerror}"
        raise KioskError(KioskFault.KIOSK_RUNNING, detail) from None
    return states if age < _OLD_SECONDS else [_outdated(state, age) for state in states]


def _outdated(state: State, age: float) -> State:
    """What it once said must not pass for how things are."""
    if not state.address:
        return state
    return replace(state, state=str(Health.STALE), detail=f"as of {age / 60:.0f} minutes ago")


def _is_running(state: Path) -> bool:
    """Raises KioskError (KIOSK_RUNNING) when this user may not know: then its devices may be in
    use."""
    try:
        with (state / "run.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except PermissionError:
        detail = f"{state} may be looked into by its own user only"
        raise KioskError(KioskFault.KIOSK_RUNNING, detail) from None
    except OSError:
        return False
    return False


async def publish(settings: Settings, held: dict[str, Device]) -> None:
    """Write the states of the devices of this process, by name, whenever one changes, and once in a
    while all the same: the time of the file says as of when they are."""
    said: list[State] = []
    written = 0.0
    while True:
        states = _states(settings, held)
        if states != said or time.monotonic() - written >= _AGAIN_SECONDS:
            said, written = states, time.monotonic()
            _write(settings.site.state / FILE, states)
        await asyncio.sleep(_LOOK_SECONDS)


def _states(settings: Settings, held: dict[str, Device]) -> list[State]:
    found = []
    for kind in KINDS:
        status = held[kind.name].status()
        since = round(time.time() - time.monotonic() + status.since)
        health = status.health if kind.where(settings) else Health.ABSENT
        found.append(_state(settings, kind, health, status.code or "", since=since))
    return found


def _write(file: Path, states: list[State]) -> None:
    """A reader sees the old states or the new ones, never half of them."""
    half = file.with_suffix(".part")
    try:
        half.write_text(json.dumps([state.to_dict() for state in states]), "utf-8")
        os.replace(half, file)
    except OSError as error:  # a full disk must not end the service
        log.error("device states are not written: %s", error.strerror)


def exit_code(states: Iterable[State]) -> int:
    """0 all well; otherwise that of the first failure."""
    for state in states:
        if not state.fine:
            return table()[state.code].exit_code if state.code else 3
    return 0
