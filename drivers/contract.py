"""What the core may ask of a device, and what a device may answer.

A driver knows its wire and its hardware; it never knows procedures, citizens or the portal.
Words and remedies for every failure code are in ``config/failures.toml``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drivers.wire import Blob

MAX_PAYLOAD = 4096
"""Characters of a code that a reader or a picture gave; what is longer is not taken."""

_SLIP_CODE = 512


class Fault(StrEnum):
    """Failure codes owned by this package."""

    SCANNER_ABSENT = "device.scanner.absent"
    SCANNER_BUSY = "device.scanner.busy"
    SCANNER_DENIED = "device.scanner.denied"
    SCANNER_DOOR_OPEN = "device.scanner.door-open"
    SCANNER_EMPTY = "device.scanner.empty"
    SCANNER_IO = "device.scanner.io"
    SCANNER_JAM = "device.scanner.jam"
    SCANNER_MULTIFEED = "device.scanner.multifeed"
    SCANNER_UNSUPPORTED = "device.scanner.unsupported"
    READER_ABSENT = "device.reader.absent"
    READER_GARBLED = "device.reader.garbled"
    CAMERA_ABSENT = "device.camera.absent"
    CAMERA_STOPPED = "device.camera.stopped"
    IMAGE_UNREADABLE = "image.unreadable"
    POWER_ABSENT = "device.power.absent"
    POWER_LOW = "device.power.low"
    POWER_OUT = "device.power.out"
    RECEIPT_ABSENT = "device.receipt.absent"
    RECEIPT_COVER_OPEN = "device.receipt.cover-open"
    RECEIPT_CUTTER = "device.receipt.cutter"
    RECEIPT_ERROR = "device.receipt.error"
    RECEIPT_NOT_TAKEN = "device.receipt.not-taken"
    RECEIPT_PAPER_LOW = "device.receipt.paper-low"
    RECEIPT_PAPER_OUT = "device.receipt.paper-out"
    RECEIPT_PAPER_SHORT = "device.receipt.paper-short"
    RECEIPT_SILENT = "device.receipt.silent"
    RECEIPT_UNCONFIRMED = "device.receipt.unconfirmed"
    PRINTER_ABSENT = "device.printer.absent"
    PRINTER_BUSY = "device.printer.busy"
    PRINTER_COVER_OPEN = "device.printer.cover-open"
    PRINTER_ERROR = "device.printer.error"
    PRINTER_JAM = "device.printer.jam"
    PRINTER_PAPER_OUT = "device.printer.paper-out"
    PRINTER_REFUSED = "device.printer.refused"
    PRINTER_SILENT = "device.printer.silent"
    PRINTER_TONER_EMPTY = "device.printer.toner-empty"
    PRINTER_UNCONFIRMED = "device.printer.unconfirmed"
    CARD_READER_ABSENT = "device.card-reader.absent"
    CARD_READER_BUSY = "device.card-reader.busy"
    CARD_READER_SERVICE = "device.card-reader.service"
    CARD_GARBLED = "card.garbled"
    CARD_MUTE = "card.mute"
    CARD_PROTOCOL = "card.protocol"
    CARD_REMOVED = "card.removed"
    CARD_SEVERAL = "card.several"
    SIGNALS_ABSENT = "device.signals.absent"
    SIGNALS_REFUSED = "device.signals.refused"
    TAMPER_OPEN = "device.tamper.open"
    CHILD_DEFECT = "child.defect"
    CHILD_DIED = "child.died"
    CHILD_TIMEOUT = "child.timeout"
    CHILD_CIRCUIT_OPEN = "child.circuit-open"


WARNINGS = frozenset({Fault.RECEIPT_PAPER_LOW, Fault.RECEIPT_NOT_TAKEN})
"""Codes of a device that works, but somebody should come."""


class DeviceError(Exception):
    """A typed device failure.

    ``retryable``: the same call may succeed once the cause is gone.
    ``paper_inside``: paper belonging to the citizen may still be in the device.
    """

    def __init__(
        self, code: str, detail: str = "", *, retryable: bool = True, paper_inside: bool = False
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = str(code)
        self.detail = detail
        self.retryable = retryable
        self.paper_inside = paper_inside


class Health(StrEnum):
    ABSENT = "absent"
    OPENING = "opening"
    READY = "ready"
    BUSY = "busy"
    FAULT = "fault"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot. ``since`` is ``time.monotonic()`` of the last change.

    FAULT has a ``code``; with READY a code is one of WARNINGS. OPENING: nobody has asked it yet.
    STALE: it was ready, and then no check has come back for too long (``drivers/standing.py``).
    ``paper_inside``: a sheet may still be in the device.
    """

    health: Health
    since: float
    code: str | None = None
    paper_inside: bool = False


@dataclass(frozen=True, slots=True)
class Raster:
    """Raw pixels, rows top to bottom: ``height * width * channels`` bytes (1 gray, 3 RGB)."""

    pixels: Blob
    width: int
    height: int
    channels: int
    dpi: int = 0


@dataclass(frozen=True, slots=True)
class ScanSettings:
    source: str = "feeder"  # "feeder" or "glass"
    dpi: int = 200
    colour: bool = True
    duplex: bool = False  # both sides of each sheet of the feeder, a page each


@dataclass(frozen=True, slots=True)
class SlipText:
    """One printed line. ``scale`` is a multiple of the body size."""

    text: str
    scale: float = 1.0
    bold: bool = False
    centred: bool = False


@dataclass(frozen=True, slots=True)
class SlipCode:
    """A QR code drawn by the printer itself.

    Raises ValueError for a ``payload`` of more than 512 characters: on a slip its modules would be
    too small to be read.
    """

    payload: str
    module_dots: int = 6

    def __post_init__(self) -> None:
        if len(self.payload) > _SLIP_CODE:
            raise ValueError(f"a code of {len(self.payload)} characters, at most {_SLIP_CODE}")


@dataclass(frozen=True, slots=True)
class SlipRule:
    """A thin horizontal line."""


SlipItem = SlipText | SlipCode | SlipRule


@dataclass(frozen=True, slots=True)
class Slip:
    """What a receipt printer prints before it cuts, from top to bottom."""

    items: tuple[SlipItem, ...]


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """``sides``: an IPP keyword (one-sided, two-sided-long-edge, two-sided-short-edge).

    ``source``: tray, empty for the printer's choice. ``colour``: auto, color or monochrome.
    """

    sides: str = "one-sided"
    media: str = "iso_a4_210x297mm"
    source: str = ""
    colour: str = "auto"


@dataclass(frozen=True, slots=True)
class Printed:
    """What came out. ``sides``: printed sides of all copies, None when the printer does not count.

    ``copies``: whole copies that lie in the tray; ``warnings``: such as "toner-low". ``certain``:
    the printer itself says so; False: a spooler does, which knows that the printer took it.
    """

    copies: int
    sides: int | None
    warnings: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Supply:
    """Toner, ink or paper of a tray. ``percent`` None: the printer does not know."""

    name: str
    percent: int | None
    low: bool = False


class Device(Protocol):
    def status(self) -> Status: ...

    async def check(self) -> None:
        """Ask it, and raise DeviceError when it could not be used now; ``status()`` tells too."""
        ...

    async def close(self) -> None: ...


class Scanner(Device, Protocol):
    async def check(self) -> None:
        """Ask the scanner; raise DeviceError when it could not scan now. Paper is not needed."""
        ...

    def scan(self, settings: ScanSettings) -> AsyncGenerator[Raster]:
        """Pull every sheet of the feeder (or the one on the glass), a page each.

        Raises DeviceError: SCANNER_* codes; ``paper_inside`` tells whether a sheet may be stuck.
        """
        ...


class CodeReader(Device, Protocol):
    async def check(self) -> None:
        """Open it if need be. Raises DeviceError (READER_ABSENT)."""
        ...

    async def read(self) -> str:
        """Wait for the next payload (at most MAX_PAYLOAD characters). Cancel to stop waiting."""
        ...


class Camera(Device, Protocol):
    async def check(self) -> None:
        """Raise DeviceError (CAMERA_ABSENT) when it is not there; never opens it."""
        ...

    def frames(self) -> AsyncGenerator[Raster]:
        """RGB frames, newest first in time; the device is open only while this is iterated."""
        ...

    async def meter(self, luma: float) -> None:
        """A face of mean ``luma`` (0 to 255) was seen: expose the frames to come for it."""
        ...


class ReceiptPrinter(Device, Protocol):
    async def check(self) -> None:
        """Ask the printer; raise DeviceError (RECEIPT_* codes) when it could not print now."""
        ...

    async def print_slip(self, slip: Slip) -> None:
        """Print and cut, once. Raises DeviceError; silence of the printer is RECEIPT_SILENT.

        The same slip asked for again after an error is printed only if it did not come out whole. A
        slip that what is left of the roll cannot hold is not begun: RECEIPT_PAPER_SHORT.
        """
        ...

    def paper_left(self) -> int | None:
        """Millimetres, about, once the roll is near its end; None: plenty, or not known."""
        ...

    async def slip_waits(self) -> bool:
        """Whether a printed slip is in the exit and nobody has been seen to take it; False for
        printers that cannot tell. Raises nothing."""
        ...

    async def take_back(self) -> bool:
        """Pull the slip in the exit back inside; whether the exit is free now."""
        ...


class PowerSupply(Device, Protocol):
    async def check(self) -> None:
        """Raise DeviceError: POWER_OUT on battery, POWER_LOW nearly at its end, POWER_ABSENT when
        it does not say."""
        ...


class Signals(Device, Protocol):
    """Lamp, bell and tamper switch: whichever of them there are."""

    async def check(self) -> None:
        """Raise DeviceError: TAMPER_OPEN when the housing is open, or was and nobody has armed it
        again; SIGNALS_* when nobody knows."""
        ...

    async def rearm(self) -> None:
        """Staff has looked: what was open is forgotten. Raises DeviceError as ``check``."""
        ...

    async def call(self) -> bool:
        """Switch lamp and bell on; they go off by themselves. False: there is neither."""
        ...


class DocumentPrinter(Device, Protocol):
    def supplies(self) -> tuple[Supply, ...]:
        """Markers and trays as of the last answer of the printer."""
        ...

    async def check(self) -> None:
        """Ask the printer; raise DeviceError (PRINTER_* codes) when it could not print now."""
        ...

    async def print_document(self, pdf: bytes, name: str, copies: int = 1) -> Printed:
        """Print and return when all of it is on paper; how, was said when the driver was made.

        ``name`` is unique to what is printed: a call with a name that the printer has already goes
        on with that job, so a call after a failure never prints twice. Raises DeviceError;
        PRINTER_UNCONFIRMED: it may be on paper, and will not be sent again.
        """
        ...

    async def cancel(self, name: str) -> Printed:
        """End the job of that name, if there is one; the answer is what had come out."""
        ...


class CardReader(Device, Protocol):
    async def check(self) -> None:
        """Ask the reader; raise DeviceError (CARD_READER_*) when it could not read a card now."""
        ...

    async def wait_for_card(self) -> bytes:
        """Wait for one card and power it up; its ATR. Cancel to stop waiting.

        Raises DeviceError: CARD_READER_*, CARD_SEVERAL, CARD_MUTE, CARD_PROTOCOL.
        """
        ...

    async def transmit(self, apdus: Sequence[bytes]) -> list[bytes]:
        """Answers (data and status word) to whole commands, up to the first that is not 9000.

        Raises DeviceError: CARD_REMOVED, CARD_MUTE, CARD_GARBLED, CARD_READER_*.
        """
        ...

    async def release(self) -> None:
        """Power the card down, so that nothing of it counts for the next person."""
        ...
