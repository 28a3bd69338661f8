"""The kiosk's devices, a row each: how one is built from its settings and its profile.

A new kind of device is a settings section, a profile class, a maker here and a row in
``kiosk/inventory.py``.
"""

from __future__ import annotations

from pathlib import Path

from drivers.absent import (
    AbsentCamera,
    AbsentCardReader,
    AbsentCodeReader,
    AbsentDocumentPrinter,
    AbsentPowerSupply,
    AbsentReceiptPrinter,
    AbsentScanner,
    AbsentSignals,
)
from drivers.camera import OpenCvCamera
from drivers.card_reader import PcscCardReader
from drivers.code_reader import Format, WiredCodeReader
from drivers.contract import (
    Camera,
    CardReader,
    CodeReader,
    DocumentPrinter,
    PowerSupply,
    PrintOptions,
    ReceiptPrinter,
    Scanner,
    Signals,
)
from drivers.document_printer import IppPrinter
from drivers.power import NutPowerSupply
from drivers.reader_wires import wire
from drivers.receipt_printer import EscposPrinter, Traits
from drivers.sane_worker import Quirks
from drivers.scanner import SaneScanner
from drivers.signals import SignalBox
from kiosk.failures import Fault, KioskError
from kiosk.profiles import (
    CameraProfile,
    CodeReaderProfile,
    ReceiptPrinterProfile,
    ScannerProfile,
    profile,
)
from kiosk.settings import (
    CameraSettings,
    CardReaderSettings,
    CodeReaderSettings,
    DocumentPrinterSettings,
    PowerSettings,
    ReceiptPrinterSettings,
    ScannerSettings,
    SignalSettings,
)

ROLL_FILE = "receipt-roll.json"
TAMPER_FILE = "tamper-opened"


def scanner(settings: ScannerSettings, work_dir: Path) -> Scanner:
    model = profile(settings.profile, ScannerProfile, "devices.scanner.profile")
    if not settings.url and not settings.device:
        return AbsentScanner()
    return SaneScanner(
        url=settings.url,
        device=settings.device,
        work_dir=work_dir,
        deadline=settings.deadline_seconds,
        quirks=Quirks(model.feeder, model.glass, model.no_cancel, model.texts),
    )


def code_reader(settings: CodeReaderSettings) -> CodeReader:
    model = profile(settings.profile, CodeReaderProfile, "devices.code_reader.profile")
    if not settings.address:
        return AbsentCodeReader()
    suffix = model.suffix.encode()
    form = Format(model.prefix.encode(), suffix, model.symbologies, model.aim, model.fallback)
    try:
        where = wire(settings.address, baud=settings.baud or model.baud, terminator=suffix)
    except ValueError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"devices.code_reader.address: {error}") from None
    return WiredCodeReader(where, form)


def camera(settings: CameraSettings) -> Camera:
    model = profile(settings.profile, CameraProfile, "devices.camera.profile")
    if not settings.source:
        return AbsentCamera()
    try:
        return OpenCvCamera(
            source=settings.source,
            rotation=(settings.rotation + model.rotation) % 360,
            exposure=model.exposure,
            mirrored=model.mirrored,
        )
    except ValueError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"devices.camera.source: {error}") from None


def receipt_printer(
    settings: ReceiptPrinterSettings, roll_file: Path | None = None
) -> ReceiptPrinter:
    key = "devices.receipt_printer"
    model = profile(settings.profile, ReceiptPrinterProfile, f"{key}.profile")
    if not settings.address:
        return AbsentReceiptPrinter()
    dots = {int(width): count for width, count in model.dots.items()}
    if settings.width_mm not in dots:
        reason = f"{settings.profile} has no paper of {settings.width_mm} mm"
        raise KioskError(Fault.SETTINGS_INVALID, f"{key}.width_mm: {reason}")
    traits = Traits(
        model.cutter,
        model.native_qr,
        model.near_end_sensor,
        model.status,
        model.cut_counter,
        model.dpi,
        model.present_steps,
    )
    try:
        return EscposPrinter(
            address=settings.address,
            width_mm=settings.width_mm,
            dots=dots,
            traits=traits,
            near_end_mm=round(settings.near_end_metres * 1000),
            roll_file=roll_file,
        )
    except ValueError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{key}.address: {error}") from None


def document_printer(settings: DocumentPrinterSettings) -> DocumentPrinter:
    if not settings.uri:
        return AbsentDocumentPrinter()
    options = PrintOptions(
        sides=settings.sides, media=settings.media, source=settings.tray, colour=settings.colour
    )
    try:
        return IppPrinter(
            uri=settings.uri,
            options=options,
            ca_file=settings.ca_file,
            fingerprint=settings.fingerprint,
        )
    except ValueError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"devices.document_printer: {error}") from None


def card_reader(settings: CardReaderSettings) -> CardReader:
    if not settings.reader:
        return AbsentCardReader()
    return PcscCardReader(
        reader=settings.reader, socket=settings.socket, deadline=settings.deadline_seconds
    )


def power(settings: PowerSettings) -> PowerSupply:
    if not settings.address:
        return AbsentPowerSupply()
    try:
        return NutPowerSupply(address=settings.address)
    except ValueError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"devices.power.address: {error}") from None


def signals(settings: SignalSettings, latch: Path) -> Signals:
    """``latch``: the file that remembers an open housing, of the state folder."""
    if not settings.address:
        return AbsentSignals()
    try:
        return SignalBox(
            address=settings.address,
            latch=latch,
            unit=settings.unit,
            lamp=settings.lamp,
            bell=settings.bell,
            tamper=settings.tamper,
            lamp_seconds=settings.lamp_seconds,
            bell_seconds=settings.bell_seconds,
        )
    except ValueError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"devices.signals.address: {error}") from None
