"""One sandbox and one running kiosk for all cells of the fault matrix; a citizen for each cell.

The officer decides only where a copy is to be printed on paper, so that every other journey ends
with an appointment slip at once; and where the camera is not the point the citizen declines it.
Both save time, and neither is a device.
"""

from __future__ import annotations

import io
import queue
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

import requests
from PIL import Image, ImageDraw, ImageFont

from drivers.camera import OpenCvCamera
from drivers.contract import CodeReader, ReceiptPrinter
from drivers.document_printer import IppPrinter
from drivers.receipt_printer import EscposPrinter, Traits
from kiosk import app
from kiosk.clock import local_now
from kiosk.engine import Engine
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.settings import load_desk, read_secret
from kiosk.sandbox.appliance import Appliance
from kiosk.session import Finished
from kiosk.settings import Settings
from kiosk.storage import open_outbox
from kiosk.views import AttractView, Intent, View
from tests.faults.citizen import Citizen
from tests.faults.models import Changeable
from tests.faults.readers import HidReader, TypingReader
from tests.faults.relay import Relay
from tests.faults.troubles import Cell, Deed, Outcome

_SECONDS = 60.0
_SETTLED = 0.04
_PREVIEWS = 10
_PATIENCE = 3.0
_ARRIVAL = 20.0
_WAIT_FOR_COPY = 30.0


class World:
    """The surroundings of one kiosk that runs through all cells. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._views: queue.Queue[View] = queue.Queue()
        self._finished: Finished | None = None
        self._crashed = False
        self._model = ""
        self.on_intent: Callable[[Intent], None] = lambda _: None
        self.presenting: Callable[[View], None] = lambda _: None

    def __enter__(self) -> Self:
        self.appliance = self._stack.enter_context(Appliance(self._folder / "sandbox"))
        self.appliance._programs["officer"].stop()
        self._hid = HidReader()
        self._stack.callback(self._hid.close)
        self._typing = TypingReader(self._folder / "typing")
        self._stack.callback(self._typing.close)
        settings = self._settings()
        address = urlsplit(settings.devices.receipt_printer.address)
        self.cable = self._stack.enter_context(
            Relay((str(address.hostname), int(address.port or 0)))
        )
        desk = load_desk(self._folder / "sandbox" / "desk.toml")
        self._desk = self._stack.enter_context(
            DeskClient(desk.portal, read_secret(desk.token_file))
        )
        self._outbox = open_outbox(settings, local_now)
        self._stack.callback(self._outbox.close)
        self.sheets = _sheets(self._folder)
        engine = Engine(self._build, settings, self._on_finished, self._on_crash)
        self._stack.callback(engine.stop)
        engine.start(self)
        self._attract = self._wait_for(AttractView)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    # A stage for the engine.

    def present(self, view: View) -> None:
        self.presenting(view)
        self._views.put(view)

    def set_language(self, language: str) -> None:
        pass

    def set_warning(self, seconds_left: int | None) -> None:
        pass

    # Deeds in the world.

    def do(self, device: str, deed: Deed) -> None:
        action, details = deed
        if device == "receipt-printer" and action in ("plug", "unplug"):
            getattr(self.cable, action)()
            return
        if hands := self._at_hand(device):
            getattr(hands, action)(**details)
            return
        answer = requests.post(
            f"{self.appliance.controls[device]}/{action}", json=dict(details), timeout=10
        )
        answer.raise_for_status()

    def step_aside(self) -> None:
        """Nobody stands before the camera."""
        wall = self._folder / "wall.png"
        Image.new("RGB", (640, 480), (150, 150, 145)).save(wall)
        self.do("camera", ("show", {"paths": [str(wall)]}))

    def step_before_the_camera(self) -> None:
        self.appliance.show_citizen()

    def state_of(self, device: str) -> dict[str, Any]:
        if hands := self._at_hand(device):
            return asdict(hands.state)
        found: dict[str, Any] = requests.get(self.appliance.controls[device], timeout=10).json()
        return found

    def new_code(self) -> str:
        return self.appliance.new_code()

    def _at_hand(self, device: str) -> HidReader | TypingReader | None:
        """What stands in the kiosk now in place of the sandbox's, which is another process."""
        readers: dict[str, HidReader | TypingReader] = {"HID-POS": self._hid, "wedge": self._typing}
        return readers.get(self._model) if device == "code-reader" else None

    def _put_in(self, device: str, model: str) -> None:
        self._model = model
        presents = model == "presenter"
        self.do("receipt-printer", ("set", {"presenter": presents, "at_exit": False}))
        kind = {"code-reader": self._reader, "receipt-printer": self._receipt}.get(device)
        if kind:
            kind.put_in(model)

    def run(self, cell: Cell) -> Outcome:
        """One citizen, from the first touch until the kiosk is ready for the next."""
        self._put_in(cell.trouble.device, cell.trouble.model)
        before = self._out(), self._newest_dossier()
        waiting = self._open_desk() if cell.trouble.device == "document-printer" else None
        started = time.monotonic()
        citizen = Citizen(self, cell)
        self._finished = None
        self.presenting = citizen.seen
        try:
            last = self._walk(citizen, waiting)
        finally:
            self.presenting = lambda _: None
            self._restore(cell)
        outcome = citizen.outcome
        slips, copies = self._out()
        outcome.printed, outcome.copies = slips - before[0][0], copies - before[0][1]
        if self._finished:
            self._judge(citizen, self._finished, before[1])
        elif citizen.gone:
            outcome.problems += self._left_behind(before[1])
            citizen.conclude_without()
        else:
            outcome.problems.append(f"dead end at {last.screen}")
            self._start_over()
        outcome.seconds = time.monotonic() - started
        return outcome

    def _out(self) -> tuple[int, int]:
        """Slips and copies that have come out so far."""
        copies = self.state_of("document-printer")["printed"]
        return self.state_of("receipt-printer")["printed"], len(copies)

    def _open_desk(self) -> frozenset[str]:
        """The kiosk waits for the officer from now on; what waits at the desk already stays."""
        self._wait_for_copy(_WAIT_FOR_COPY)
        return self._undecided()

    def _undecided(self) -> frozenset[str]:
        """Of the newest: the desk's list begins with the oldest, of which many wait here."""
        lines = self.appliance.dossiers()
        return frozenset(line["id"] for line in lines if line["processing"] == 1)

    def _newest_dossier(self) -> str:
        return next((line["id"] for line in self.appliance.dossiers()), "")

    def _wait_for_copy(self, seconds: float) -> None:
        settings = self._kiosk.settings
        site = settings.site.model_copy(update={"wait_for_copy_seconds": seconds})
        self._kiosk.settings = settings.model_copy(update={"site": site})

    def _walk(self, citizen: Citizen, waiting: frozenset[str] | None) -> View:
        """Let the citizen answer views until the session is over; the last view. The officer
        decides what was not ``waiting`` before; None: nobody is at the desk."""
        deadline = time.monotonic() + _SECONDS
        view: View = self._attract
        self._act(citizen, view)
        while time.monotonic() < deadline and not self._crashed:
            newest = self._newest(_PATIENCE)
            # Whoever sees no answer for a while does the same again.
            view = newest or view
            for case in frozenset() if waiting is None else self._undecided() - waiting:
                self._desk.approve(case, "at-the-kiosk")
            if (self._finished or citizen.gone) and isinstance(view, AttractView):
                self._attract = view
                return view
            if not self._finished and not citizen.gone:
                self._act(citizen, view)
        return view

    def _act(self, citizen: Citizen, view: View) -> None:
        if intent := citizen.answer(view):
            self.on_intent(intent)

    def _newest(self, patience: float) -> View | None:
        """The view that stays for a moment; previews of the camera never do."""
        newest = self._next(patience)
        for _ in range(_PREVIEWS):
            if newest is None or (later := self._next(_SETTLED)) is None:
                break
            newest = later
        return newest

    def _next(self, patience: float) -> View | None:
        try:
            return self._views.get(timeout=patience)
        except queue.Empty:
            return None

    def _judge(self, citizen: Citizen, finished: Finished, newest: str) -> None:
        outcome = citizen.outcome
        if finished.ended == "done":
            outcome.accepted = self._arrived(finished.code)
        else:
            outcome.problems += self._left_behind(newest)
        citizen.conclude(finished)

    def _left_behind(self, newest: str) -> list[str]:
        """What should not be there when somebody has left."""
        found = []
        if self._newest_dossier() != newest:
            found.append("a dossier although the person left")
        if self._outbox.drafts():
            found.append("a draft is left behind")
        return found

    def _arrived(self, code: str) -> int:
        deadline = time.monotonic() + _ARRIVAL
        while True:
            found = [entry for entry in self.appliance.dossiers() if entry["code"] == code]
            if found or time.monotonic() > deadline:
                return len(found)
            time.sleep(0.1)

    def _restore(self, cell: Cell) -> None:
        self.cable.strike_at(0, None)
        self._wait_for_copy(0.0)
        if cell.trouble.mend:
            self.do(cell.trouble.device, cell.trouble.mend)
        self._put_in(cell.trouble.device, "")
        self.do("camera", ("take_away", {}))
        self.do("scanner", ("repair", {}))
        self.do("scanner", ("load", {"pages": []}))

    def _start_over(self) -> None:
        raise AssertionError("the kiosk does not come back; nothing after this cell can be run")

    # Around the engine.

    def _settings(self) -> Settings:
        settings = self.appliance.settings
        site = settings.site.model_copy(update={"wait_for_copy_seconds": 0.0})
        scanner = settings.devices.scanner.model_copy(update={"dpi": 100})
        devices = settings.devices.model_copy(update={"scanner": scanner})
        return settings.model_copy(update={"site": site, "devices": devices})

    def _build(self, settings: Settings) -> app.Kiosk:
        """As in the field, with shorter waits for devices that say nothing."""
        devices = settings.devices
        built = app.build(settings)
        self._reader = Changeable(
            {
                "": built.reader,
                "HID-POS": self._hid.driver(self._folder / "nowhere"),
                "wedge": self._typing.driver(),
            }
        )
        self._receipt = Changeable(
            {
                "": self._slips(),
                "presenter": self._slips(traits=Traits(present_steps=12)),
                "thin roll": self._slips(near_end_mm=60),
            }
        )
        self._kiosk = replace(
            built,
            reader=cast(CodeReader, self._reader),
            camera=OpenCvCamera(source=devices.camera.source, deadline=1.5),
            receipt=cast(ReceiptPrinter, self._receipt),
            printer=IppPrinter(
                uri=devices.document_printer.uri,
                timeout=2.0,
                patience=3.0,
                stall=5.0,
                grace=0.3,
                poll=0.1,
            ),
        )
        return self._kiosk

    def _slips(self, **options: Any) -> EscposPrinter:
        return EscposPrinter(address=f"tcp://127.0.0.1:{self.cable.port}", timeout=1.2, **options)

    def _on_finished(self, finished: Finished) -> None:
        self._finished = finished

    def _on_crash(self) -> None:
        self._crashed = True

    def _wait_for(self, kind: type[View]) -> View:
        while not isinstance(view := self._views.get(timeout=_SECONDS), kind):
            pass
        return view


def _sheets(folder: Path) -> list[Path]:
    """Two invented letters of a few lines: quick to read."""
    font = ImageFont.load_default(44)
    files = []
    for number in (1, 2):
        sheet = Image.new("RGB", (1654, 2339), "white")
        draw = ImageDraw.Draw(sheet)
        draw.rectangle((90, 90, 1560, 2240), outline="black", width=6)
        for line in range(8):
            text = f"Page {number}, line {line}: an invented letter for a test"
            draw.text((160, 200 + 110 * line), text, fill="black", font=font)
        out = io.BytesIO()
        sheet.save(out, "PNG")
        files.append(folder / f"sheet-{number}.png")
        files[-1].write_bytes(out.getvalue())
    return files
