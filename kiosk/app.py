"""The composition root: the one place where the kiosk's objects are wired together."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from certify.numbers import NumberStore
from drivers.contract import (
    Camera,
    CardReader,
    CodeReader,
    Device,
    DocumentPrinter,
    PowerSupply,
    ReceiptPrinter,
    Scanner,
    Signals,
)
from kiosk import devices
from kiosk.certifier import Certifier
from kiosk.clock import local_now
from kiosk.documents.reader import DocumentReader
from kiosk.failures import Fault, KioskError
from kiosk.identity.faces import FaceMatcher
from kiosk.journal import Journal
from kiosk.link.client import LinkClient
from kiosk.link.trust import load_anchor
from kiosk.settings import Settings
from kiosk.shelf import Shelf
from kiosk.storage import open_journal, open_outbox
from offline_queue.outbox import Outbox
from offline_queue.signatures import public_pem


@dataclass(slots=True)
class Kiosk:
    """Everything a session needs. Devices are opened by use, never waited for at start-up."""

    settings: Settings
    clock: Callable[[], datetime]
    scanner: Scanner
    reader: CodeReader
    camera: Camera
    receipt: ReceiptPrinter
    printer: DocumentPrinter
    cards: CardReader
    power: PowerSupply
    signals: Signals
    documents: DocumentReader
    certifier: Certifier
    link: LinkClient
    outbox: Outbox
    numbers: NumberStore
    journal: Journal
    trust_anchor: EllipticCurvePublicKey
    shelf: Shelf
    face_matcher: Callable[[float], FaceMatcher]
    face_tries: int = 12

    @property
    def devices(self) -> dict[str, Device]:
        """By the names of ``kiosk/inventory.py``."""
        return {
            "scanner": self.scanner,
            "code reader": self.reader,
            "camera": self.camera,
            "receipt printer": self.receipt,
            "document printer": self.printer,
            "card reader": self.cards,
            "power": self.power,
            "signals": self.signals,
        }

    async def close(self) -> None:
        for device in self.devices.values():
            await device.close()
        await self.documents.close()
        await self.certifier.close()
        self.outbox.close()
        self.numbers.close()
        self.journal.close()


def build(settings: Settings, clock: Callable[[], datetime] = local_now) -> Kiosk:
    """Raises KioskError (SETTINGS_INVALID) when a file named in the settings cannot be used."""
    state = settings.site.state
    given = settings.devices
    anchor = load_anchor(settings.link.trust_anchor_file)
    link = LinkClient(settings.link.socket)
    return Kiosk(
        settings=settings,
        clock=clock,
        scanner=devices.scanner(given.scanner, state / "sane"),
        reader=devices.code_reader(given.code_reader),
        camera=devices.camera(given.camera),
        receipt=devices.receipt_printer(given.receipt_printer, state / devices.ROLL_FILE),
        printer=devices.document_printer(given.document_printer),
        cards=devices.card_reader(given.card_reader),
        power=devices.power(given.power),
        signals=devices.signals(given.signals, state / devices.TAMPER_FILE),
        documents=DocumentReader(),
        certifier=Certifier(settings.signing, public_pem(anchor)),
        link=link,
        outbox=open_outbox(settings, clock),
        numbers=NumberStore(state / "numbers.db"),
        journal=open_journal(settings, "run", clock),
        trust_anchor=anchor,
        shelf=Shelf(link, anchor),
        face_matcher=FaceMatcher,
    )


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the state folder: a second kiosk on it would discard the draft of the first.

    Raises KioskError (KIOSK_RUNNING).
    """
    settings.site.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.site.state / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KioskError(Fault.KIOSK_RUNNING, str(settings.site.state)) from None
        yield
