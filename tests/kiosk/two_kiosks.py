"""Two kiosks, their citizens and the portal, in one thread and without wires."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify.numbers import Burned
from certify.pages import SourcePage
from drivers.absent import (
    AbsentCamera,
    AbsentCardReader,
    AbsentCodeReader,
    AbsentPowerSupply,
    AbsentReceiptPrinter,
    AbsentScanner,
    AbsentSignals,
)
from drivers.contract import Raster, ScanSettings, Slip, SlipCode
from drivers.wire import Blob
from kiosk import engine, inventory
from kiosk.documents.reader import PageReading
from kiosk.failures import Fault, KioskError
from kiosk.journal import Journal
from kiosk.link import verbs
from kiosk.link.identity import VneidClient
from kiosk.portal.composition import Portal, open_portal
from kiosk.portal.errors import RefusedError
from kiosk.procedures import Procedure, parse
from kiosk.sandbox import vneid
from kiosk.settings import Settings, Site
from kiosk.views import (
    AttractView,
    Intent,
    View,
)
from offline_queue import signatures
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.outbox import Outbox
from offline_queue.uploader import Uploader
from tests.kiosk.link.test_screen_code_isolation import Direct
from tests.kiosk.packed import procedure
from tests.kiosk.portal.line import settings_in

_numbers = itertools.count(1)


def filing() -> Procedure:
    text = procedure("filing").replace('"certified-copy"   #', '"filing"   #')
    return parse("filing.toml", text.replace('"face", ', ""))


@dataclass(frozen=True)
class Citizen:
    """No two examples share one."""

    number: str

    @property
    def name(self) -> str:
        return f"Người Mẫu {self.number}"

    @property
    def card(self) -> str:
        return f"{self.number}||{self.name}|14031992|Nữ|Xã Bịa|01072024"

    @property
    def page(self) -> str:
        return f"a paper of {self.number}"


class Office:
    """The portal, which outlives the examples, and the phones' provider."""

    def __init__(self, folder: Path) -> None:
        self.portal: Portal = open_portal(settings_in(folder))
        self.provider = vneid.Provider()
        self.keys = {f"kiosk-0{each}": ec.generate_private_key(ec.SECP256R1()) for each in (1, 2)}
        for name, key in self.keys.items():
            assert self.portal.store.enrol(name, signatures.public_pem(key.public_key()), name)


class Line:
    """What the uploader and link's verbs reach of the portal; ``up``: whether they do."""

    def __init__(self, office: Office, name: str) -> None:
        self.up = True
        self.next_after = 0.0
        self._office, self._name = office, name
        self._client = VneidClient(Direct(office.provider))
        self.submit: Callable[[], None] = lambda: None

    async def call(self, verb: Any, request: Any) -> Any:
        if not self.up:
            raise KioskError(Fault.LINK_OFFLINE, retryable=True)
        if verb is verbs.IDENTIFY:
            return self._client.identify(request.payload)
        if verb is verbs.SUBMIT:
            self.submit()
            return verbs.SubmitAnswer(state="accepted")
        if verb is verbs.STATUS:
            return verbs.LinkStatus(online=True, outbox_waiting=0, clock_trusted=True)
        raise KioskError(Fault.LINK_ABSENT)

    def put_manifest(self, dossier: UUID, signed: Any) -> Any:
        self._require_line()
        return self._office.portal.intake.open(self._name, dossier, signed)

    def state(self, dossier: UUID) -> Any:
        self._require_line()
        with suppress(RefusedError):
            return self._office.portal.intake.state(self._name, dossier)

    def send_part(self, dossier: UUID, name: str, data: bytes, *, resume: bool) -> None:
        intake = self._office.portal.intake
        part, _ = intake.expected_part(self._name, dossier, name)
        with self._office.portal.vault.receive() as file:
            file.write(data)
            intake.take_part(dossier, part, file)

    def commit(self, dossier: UUID) -> Any:
        return self._office.portal.intake.commit(self._name, dossier)

    def _require_line(self) -> None:
        if not self.up:
            raise QueueError(QueueFault.UNREACHABLE, retryable=True)


class Slot:
    """What is shown or laid down here counts only while somebody waits for it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[str] | None = None

    async def next(self) -> str:
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def put(self, what: str) -> bool:
        if self._waiting is None or self._waiting.done():
            return False
        self._waiting.set_result(what)
        return True


class CodeReader(Slot, AbsentCodeReader):
    def __init__(self) -> None:
        Slot.__init__(self)
        AbsentCodeReader.__init__(self)

    async def read(self) -> str:
        return await self.next()


class Scanner(Slot, AbsentScanner):
    """A sheet at a time; its picture is the words that stand on it."""

    def __init__(self) -> None:
        Slot.__init__(self)
        AbsentScanner.__init__(self)

    async def scan(self, settings: ScanSettings) -> AsyncGenerator[Raster]:
        yield Raster(Blob.of((await self.next()).encode()), 1, 1, 1)

    async def read_page(self, sheet: Raster) -> PageReading:
        words = bytes(sheet.pixels.view())
        return PageReading(SourcePage(words, 1, 1, 1, ()), words, (), 90.0)


class Place(AbsentReceiptPrinter):
    """A kiosk, its screen and its slips. ``holder``: whose session it is, as far as it knows."""

    def __init__(self, office: Office, name: str, folder: Path, citizens: list[Citizen]) -> None:
        super().__init__()
        self.name = name
        self.holder: Citizen | None = None
        self.on_intent: Callable[[Intent], None] = lambda _: None
        self.view: View = AttractView()
        self.slips: list[tuple[Citizen, dict[str, str]]] = []
        self.reader, self.scanner, self.line = CodeReader(), Scanner(), Line(office, name)
        self._office, self.folder, self._citizens = office, folder, citizens
        self.line.submit = self.send
        self._serving: asyncio.Task[None] | None = None
        self.journal = Journal(folder / "journal", "run", lambda: datetime.now(UTC))

    # -- what the engine does with it --------------------------------------------------------

    def present(self, view: View) -> None:
        self.view = view
        self._is_of_holder(repr(view))

    def set_language(self, language: str) -> None: ...

    def set_warning(self, seconds_left: int | None) -> None: ...

    async def slip_waits(self) -> bool:
        return False

    async def print_slip(self, slip: Slip) -> None:
        self._is_of_holder(repr(slip))
        (code,) = (item.payload for item in slip.items if isinstance(item, SlipCode))
        given = parse_qs(urlsplit(code).fragment)
        assert self.holder
        self.slips.append((self.holder, {key: value[0] for key, value in given.items()}))

    def _is_of_holder(self, seen: str) -> None:
        for other in self._citizens:
            assert other == self.holder or (other.name not in seen and other.number not in seen)

    # -- its life ----------------------------------------------------------------------------

    def switch_on(self) -> None:
        self.outbox = Outbox(self.folder / "outbox", machine_key=self.folder / "machine.key")
        answer = self._office.portal.keys.enrol_answer()
        self.outbox.set_portal_key(answer.envelope_key_id, base64.b64decode(answer.envelope_key))
        key = self._office.keys[self.name]
        client: Any = self.line
        receipts = self._office.portal.keys.receipts
        self.uploader = Uploader(
            self.outbox, client, key, lambda key_id: receipts[key_id].public_key()
        )
        self._serving = asyncio.create_task(engine.serve(self._kiosk(), self, self._ended))

    async def switch_off(self) -> None:
        """As a power cut leaves it: the session's own wipe never comes."""
        assert self._serving
        with pytest.MonkeyPatch.context() as patch, suppress(asyncio.CancelledError):
            patch.setattr(Outbox, "discard", lambda *_: None)
            self._serving.cancel()
            await self._serving
        self.outbox.close()
        self.holder = None

    def send(self) -> None:
        while self.uploader.step(at_once=True):
            pass

    def _ended(self, _: object) -> None:
        self.holder = None

    def _kiosk(self) -> Any:
        offered = {"filing": filing()}
        return SimpleNamespace(
            settings=Settings(site=Site(kiosk_id=self.name)),
            clock=lambda: datetime.now(UTC),
            trust_anchor=None,
            shelf=SimpleNamespace(refresh=lambda: asyncio.sleep(0), on=lambda _: offered),
            devices={kind.name: AbsentCodeReader() for kind in inventory.KINDS},
            numbers=SimpleNamespace(burn=lambda *_, **__: Burned(next(_numbers), "")),
            link=self.line,
            outbox=self.outbox,
            journal=self.journal,
            reader=self.reader,
            receipt=self,
            cards=AbsentCardReader(),
            camera=AbsentCamera(),
            scanner=self.scanner,
            documents=self.scanner,
            power=AbsentPowerSupply(),
            signals=AbsentSignals(),
        )
