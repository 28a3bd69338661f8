"""A device of each kind, emulated, and the settings that name them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from drivers.emulators.card_reader import CardReaderEmulator
from drivers.emulators.escl import EsclScanner
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.ipp import IppEmulator
from drivers.emulators.mjpeg import MjpegCamera
from drivers.emulators.serial_reader import SerialReaderEmulator
from drivers.emulators.signal_box import SignalBoxEmulator
from drivers.emulators.upsd import UpsdEmulator
from kiosk.__main__ import cli
from kiosk.sandbox.people import camera_frames
from kiosk.settings import Settings, load


@dataclass
class Rig:
    """Emulated devices and a settings file that names them."""

    scanner: EsclScanner
    camera: MjpegCamera
    reader: SerialReaderEmulator
    printer: EscposEmulator
    paper: IppEmulator
    cards: CardReaderEmulator
    ups: UpsdEmulator
    box: SignalBoxEmulator
    file: Path

    @property
    def settings(self) -> Settings:
        return load(self.file)

    def command(self, *words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--settings", str(self.file)])

    def close(self) -> None:
        for emulator in (
            self.scanner,
            self.camera,
            self.reader,
            self.printer,
            self.paper,
            self.cards,
            self.ups,
            self.box,
        ):
            emulator.close()

    @property
    def controls(self) -> dict[str, str]:
        return {
            "scanner": self.scanner.control_url,
            "camera": self.camera.control_url,
            "code-reader": self.reader.control_url,
            "receipt-printer": self.printer.control_url,
        }


@contextmanager
def rig_in(folder: Path) -> Iterator[Rig]:
    rig = Rig(
        EsclScanner(),
        MjpegCamera(camera_frames(3)),
        SerialReaderEmulator(folder / "reader"),
        EscposEmulator(),
        IppEmulator(),
        CardReaderEmulator(),
        UpsdEmulator(),
        SignalBoxEmulator(),
        folder / "kiosk.toml",
    )
    rig.file.write_text(
        f"""[site]
environment = "test"
state = "{folder}"
[devices.scanner]
url = "{rig.scanner.url}"
[devices.camera]
source = "{rig.camera.url}"
profile = "generic-mjpeg"
[devices.code_reader]
address = "{rig.reader.address}"
[devices.receipt_printer]
address = "{rig.printer.address}"
[devices.document_printer]
uri = "{rig.paper.address}"
[devices.card_reader]
reader = "*"
socket = "{rig.cards.address}"
[devices.power]
address = "{rig.ups.address}"
[devices.signals]
address = "{rig.box.address}"
tamper = 1
"""
    )
    try:
        yield rig
    finally:
        rig.close()
