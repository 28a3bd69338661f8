"""``kiosk demo``: one citizen's journey through the whole appliance, on stand-ins."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import click

from certify.statement import Mode
from kiosk import app
from kiosk.engine import Engine
from kiosk.failures import Fault, KioskError
from kiosk.link.trust import load_anchor
from kiosk.sandbox import faults as fault_table
from kiosk.sandbox import papers
from kiosk.sandbox.appliance import Appliance
from kiosk.sandbox.citizen import ScriptedCitizen
from kiosk.sandbox.demo_result import Result
from kiosk.sandbox.dock import beside
from kiosk.sandbox.home import sandbox_home
from kiosk.sandbox.people import PERSON
from kiosk.session import Finished
from kiosk.stage import Stage
from kiosk.views import Intent, ScanView, View

_PROCEDURE = "certified-copy"
_TICK_MILLISECONDS = 60
_READING_PAUSE = 0.5
"""Seconds the scripted citizen looks at a page before touching it."""
_ARRIVAL_SECONDS = 60.0
_NATIVE = {"cv2", "dlib", "face_recognition", "pytesseract", "sane", "tesserocr"}
"""Modules that must never be loaded where the screen is painted."""


class Clock(Protocol):
    """Gaps between ticks of the Qt thread, milliseconds."""

    p95: float
    worst: float

    def run(self, running: bool) -> None: ...


class Hand(Protocol):
    """A finger and an eye on the real window (``ui.robot``); all calls in the Qt thread."""

    def has(self, name: str) -> bool: ...
    def tap(self, name: str) -> None: ...
    def grab(self, path: Path) -> None: ...
    def every(self, milliseconds: int, call: Callable[[], None]) -> object: ...

    @property
    def clock(self) -> Clock: ...


class Screen(Stage, Protocol):
    """A stage that can be closed."""

    def quit(self) -> None: ...


OpenScreen = Callable[..., int]


def run(
    open_screen: OpenScreen,
    *,
    headless: bool,
    out: Path | None,
    pages: Sequence[Path],
    mode: Mode,
    faults: Sequence[str],
    dock: bool = False,
) -> Result:
    """With ``dock`` a person works the devices too, and citizens may follow one another until the
    window is closed.

    Raises CertifyError or KioskError for pages that cannot be used."""
    _make_folder(out)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-demo-")))
        sheets = _sheets(pages, work)
        _say("starting portal, desk, VNeID, devices and link")
        without = [f.partition("=")[0] for f in faults if f.endswith("=absent")]
        appliance = stack.enter_context(
            Appliance(
                work / "state",
                mode=mode,
                keys=sandbox_home(),
                without=without,
            )
        )
        for fault in faults:
            fault_table.apply(appliance, fault)
        journey = _Journey(appliance, sheets, faults, out, headless=headless, by_hand=dock)
        hands = stack.enter_context(closing(beside(appliance, sheets))) if dock else None
        open_screen(appliance.settings, journey, journey.hand_over, hands)
        return journey.conclude()


def _make_folder(out: Path | None) -> None:
    try:
        if out:
            (out / "screens").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KioskError(Fault.INPUT_UNREADABLE, f"{out}: {error.strerror}") from None


def _sheets(pages: Sequence[Path], work: Path) -> list[Path]:
    """The user's pages, or invented papers, as image files for the scanner."""
    folder = work / "papers"
    folder.mkdir()
    if not pages:
        drawn = (papers.diploma(PERSON), papers.birth_certificate(PERSON))
        files = [folder / f"{number}.png" for number in range(1, len(drawn) + 1)]
        for file, sheet in zip(files, drawn, strict=True):
            sheet.save(file)
        return files
    from certify.pages import open_page, page_count

    files = []
    for source, index in ((file, index) for file in pages for index in range(page_count(file))):
        image, dpi = open_page(source, index)
        files.append(folder / f"{len(files) + 1}.png")
        image.save(files[-1], dpi=(dpi, dpi))
    return files


class _Journey:
    """The engine of the screen, watched; and the citizen before it."""

    def __init__(
        self,
        appliance: Appliance,
        sheets: list[Path],
        faults: Sequence[str],
        out: Path | None,
        *,
        headless: bool,
        by_hand: bool = False,
    ) -> None:
        self._by_hand = by_hand
        self._appliance = appliance
        self._faults = faults
        self._headless = headless
        self._out = out
        self._citizen = ScriptedCitizen(
            person=PERSON,
            procedure=_PROCEDURE,
            papers=sheets,
            controls=appliance.controls,
            new_code=appliance.new_code,
            repair=self._repair,
        )
        self._engine = Engine(app.build, appliance.settings, self._finished, self._crashed)
        self._stage: WatchedStage | None = None
        self._seen: set[tuple[str, str]] = set()
        self._done: View | None = None
        self._touch: str | None = None
        self._shown, self._since = ("", ""), 0.0
        self.result = Result()
        self._copy: bytes | None = None

    def start(self, stage: Screen) -> None:
        """Called by the screen as its engine, after the first frame."""
        self._stage = WatchedStage(stage)
        self._engine.start(self._stage)

    def stop(self) -> None:
        self._engine.stop()

    def hand_over(self, hand: Hand) -> object:
        """Called by the screen with the means to work it."""
        self._hand = hand
        return hand.every(_TICK_MILLISECONDS, self._look_or_stop)

    def conclude(self) -> Result:
        result, appliance = self.result, self._appliance
        result.failures = self._citizen.met
        if "portal=down" in self._faults:
            result.late = result.ended == "done"
            _say("the portal comes back")
            appliance.start_portal()
        result.accepted = self._wait_for_arrival(result.code)
        if self._copy:
            self._check_copy(self._copy)
        if self._out:
            self._write(self._out)
        return result

    def _look_or_stop(self) -> None:
        """Qt would print an error and go on; a demo that cannot go on must end."""
        try:
            self._look()
        except Exception:
            self._crashed()
            raise

    def _look(self) -> None:
        """One glance at the screen: take its picture once, then do what a citizen would."""
        view = self._stage.view if self._stage else None
        if view is None:
            return
        self._time_frames(view)
        if _picture_of(view) != self._shown:
            self._shown, self._since = _picture_of(view), time.monotonic()
        if time.monotonic() - self._since < _READING_PAUSE:
            return
        if view is not self._done:
            self._take_picture(view)
            self._done = view
            self._touch = None if self._by_hand else self._citizen.next_touch(view)
        if self._citizen.gave_up:
            self._quit()
        elif self._touch and self._headless and self._hand.has(self._touch):
            self._hand.tap(self._touch)
            self._touch = None

    def _time_frames(self, view: View) -> None:
        reading = isinstance(view, ScanView) and view.state in ("scanning", "reading")
        self._hand.clock.run(reading)

    def _take_picture(self, view: View) -> None:
        key = _picture_of(view)
        if self._out is None or key in self._seen:
            return
        self._seen.add(key)
        name = "-".join(part for part in key if part).lower()
        file = self._out / "screens" / f"{len(self._seen):02}-{name}.png"
        self._hand.grab(file)
        self.result.files.append(str(file))

    def _finished(self, finished: Finished) -> None:
        """Called in the engine's thread."""
        self.result.native = sorted(_NATIVE & set(sys.modules))
        result = self.result
        result.ended, result.code, result.number = finished.ended, finished.code, finished.number
        self._copy = finished.copy
        result.timeline = [
            {
                "step": step,
                "seconds": round(seconds, 3),
                "think_seconds": round(waited, 3),
                "machine_seconds": round(seconds - waited, 3),
            }
            for step, seconds, waited in finished.timeline
        ]
        if not self._by_hand:
            self._quit()

    def _crashed(self) -> None:
        self._citizen.met.append("kiosk.unexpected")
        self._quit()

    def _quit(self) -> None:
        self.result.frames = {"p95": self._hand.clock.p95, "worst": self._hand.clock.worst}
        if self._stage:
            self._stage.quit()

    def _repair(self) -> None:
        for fault in self._faults:
            fault_table.mend(self._appliance, fault)

    def _wait_for_arrival(self, code: str) -> int:
        """How many dossiers of this code the portal accepted; waits for the first one."""
        deadline = time.monotonic() + (_ARRIVAL_SECONDS if code else 0.0)
        while True:
            listed = [entry for entry in self._appliance.dossiers() if entry["code"] == code]
            if listed or time.monotonic() > deadline:
                return len(listed)
            time.sleep(0.3)

    def _check_copy(self, copy: bytes) -> None:
        from certify.trust import load_bundle
        from certify.verify import verify

        now = datetime.now(UTC)
        anchor = load_anchor(self._appliance.trust_dir / "anchor.pem")
        bundle = load_bundle(
            (self._appliance.trust_dir / "bundle.cose").read_bytes(), anchor, at=now
        )
        verdict = verify(copy, bundle, at=now)
        self.result.verified = verdict.ok
        self.result.verdict = verdict.sentence_en

    def _write(self, out: Path) -> None:
        receipt = out / "receipt.png"
        try:
            self._appliance.control("receipt-printer", "save", path=str(receipt.resolve()))
            self.result.files.append(str(receipt))
        except OSError:
            _say("no receipt was printed")
        if self._copy:
            (out / "certified-copy.pdf").write_bytes(self._copy)
            self.result.files.append(str(out / "certified-copy.pdf"))
        timeline = {
            "steps": self.result.timeline,
            "frames": self.result.frames,
            "native_in_screen_process": self.result.native,
        }
        (out / "timeline.json").write_text(json.dumps(timeline, indent=1) + "\n")
        self.result.files.append(str(out / "timeline.json"))


def _picture_of(view: View) -> tuple[str, str]:
    """Views with the same screen and state look the same but for details."""
    return (view.screen, str(getattr(view, "state", "")))


class WatchedStage:
    """A stage that remembers the newest view for the citizen who looks at it."""

    def __init__(self, stage: Screen) -> None:
        self._stage = stage
        self.view: View | None = None

    @property
    def on_intent(self) -> Callable[[Intent], None]:
        return self._stage.on_intent

    @on_intent.setter
    def on_intent(self, call: Callable[[Intent], None]) -> None:
        self._stage.on_intent = call

    def present(self, view: View) -> None:
        self._stage.present(view)
        self.view = view

    def set_language(self, language: str) -> None:
        self._stage.set_language(language)

    def set_warning(self, seconds_left: int | None) -> None:
        self._stage.set_warning(seconds_left)

    def quit(self) -> None:
        self._stage.quit()


def _say(text: str) -> None:
    click.echo(f"demo: {text}", err=True)
