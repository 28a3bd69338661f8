"""The citizen of the fault matrix: does what the screen says, and is let down at a set moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kiosk.session import Finished
from kiosk.views import (
    AttractView,
    Back,
    Choose,
    ChooseServiceView,
    ConfirmView,
    ConsentView,
    DoneView,
    FaceView,
    FaultView,
    IdentifyView,
    Intent,
    IssuingView,
    Leave,
    Next,
    ReviewView,
    ScanView,
    View,
)
from tests.faults.relay import Relay
from tests.faults.troubles import Cell, Deed, Outcome, Way

_TRIES = 2
_MIDDLE_OF_SLIP = 6000  # bytes of about 14,000
_CUT = b"\x1dV"
_A_SHEET = 0.3  # seconds, so that the second sheet is still moving when it strikes
_DECLINED = "face.refused"
_SAID = {
    "done.no-slip-lead": "none",
    "done.maybe-slip-lead": "perhaps",
}
_PAPER_SAID = {
    "done.paper-out": "out",
    "done.paper-later": "later",
    "done.paper-unsure": "perhaps",
}
_PRINTERS = ("receipt-printer", "document-printer")


_NOTHING = (-1, 0)
"""Pages shown and sheets pulled when paper was laid down last: no paper yet."""


class _Feeder(NamedTuple):
    """Sheets that lie in it, and sheets that it has pulled so far."""

    waiting: int
    delivered: int


class World(Protocol):
    cable: Relay
    sheets: list[Path]

    def do(self, device: str, deed: Deed) -> None: ...

    def step_aside(self) -> None: ...

    def step_before_the_camera(self) -> None: ...

    def new_code(self) -> str: ...

    def state_of(self, device: str) -> dict[str, Any]: ...


class Citizen:
    """``seen`` is called in the engine's thread with every view, before anything else happens."""

    def __init__(self, world: World, cell: Cell) -> None:
        self._world = world
        self._cell = cell
        self._trouble = cell.trouble
        self._struck = False
        self._pages = 0
        self._laid = _NOTHING
        self._staff_called = False
        self._tries = 0
        self._went_without = False
        self._used_other = False
        self._has_looked = False
        self._notices: list[str] = []
        self.gone = False
        self.outcome = Outcome()
        if cell.moment == "before":
            self._strike()
        elif cell.moment == "during" and self._trouble.device == "camera":
            world.step_aside()  # so that the camera is looked through for a while
        elif cell.moment == "during" and self._trouble.device == "scanner":
            world.do("scanner", ("set", {"delay": _A_SHEET}))

    def seen(self, view: View) -> None:
        if isinstance(view, ScanView):
            self._pages = len(view.pages)
        if self._struck or self._cell.moment == "before":
            return
        if self._cell.moment == "after" and _AFTER[self._trouble.device](view):
            self._strike()
        elif self._cell.moment == "during" and self._is_in_use(view):
            self._strike_in_the_middle()

    def answer(self, view: View) -> Intent | None:
        """What a person would do now; None: only watch."""
        if isinstance(view, ReviewView) and self._trouble.ends and self._cell.moment == "during":
            return None  # reads so long that the kiosk must end it
        if isinstance(view, AttractView | ReviewView | ConfirmView | DoneView):
            self._read(view)
            return Next()
        if isinstance(view, ConsentView):
            return self._consent(view)
        if isinstance(view, ChooseServiceView):
            return Choose("certified-copy")
        if isinstance(view, IdentifyView) and view.state != "checking":
            self._show_phone(view)
        if isinstance(view, ScanView):
            return self._feed_or_go_on(view)
        return self._cope(view) if isinstance(view, FaultView) else None

    def conclude_without(self) -> None:
        """The person was asked to come back later, before anything had begun."""
        self.outcome.way = "later"
        if self.outcome.printed:
            self.outcome.problems.append("a slip although nobody was let in")

    def conclude(self, finished: Finished) -> None:
        outcome, printed = self.outcome, self.outcome.printed
        if finished.ended == "done":
            outcome.way = self._way()
            self._check_done()
        else:
            outcome.way = "cancel"
            if printed:
                outcome.problems.append("a slip although the person left")
        if not self._struck:
            outcome.problems.append("the trouble never came")
        if self._cell.moment == "after" and outcome.told:
            outcome.problems.append("told of a device that was no longer needed")
        too_late = self._trouble.ends and self._cell.moment == "during"
        if self._cell.mended and not too_late and outcome.way in ("without", "cancel"):
            outcome.problems.append("mended, and yet no way on with the device")

    def _way(self) -> Way:
        if self._trouble.forgets:
            return self._left_way()
        if self._has_looked:
            return "asked"
        if self._went_without:
            return "without"
        if self._used_other:
            return "other"
        return "retry" if self.outcome.told else "success"

    def _left_way(self) -> Way:
        if self._notices != ["device.receipt.not-taken", "slip-exit.left"]:
            self.outcome.problems.append(f"of the slip left in the exit: {self._notices}")
        return "left"

    def _check_done(self) -> None:
        outcome = self.outcome
        if outcome.accepted != 1:
            outcome.problems.append(f"accepted {outcome.accepted} times")
        if outcome.sheets != len(self._world.sheets):
            outcome.problems.append(f"{outcome.sheets} of {len(self._world.sheets)} sheets")
        if outcome.printed > 1:
            outcome.problems.append("printed twice")
        wanted = {"printed": (1,), "none": (0,), "perhaps": (0, 1)}[outcome.slip_said]
        if outcome.printed not in wanted:
            outcome.problems.append(f"said {outcome.slip_said}, printed {outcome.printed}")
        self._check_paper()

    def _check_paper(self) -> None:
        said, out = self.outcome.paper_said, self.outcome.copies
        if out not in {"out": (1,), "perhaps": (0, 1)}.get(said, (0,)):
            self.outcome.problems.append(f"said of the copy: {said or 'nothing'}, {out} came out")
        if said == "perhaps" and not self.outcome.told:
            self.outcome.problems.append("unsure of a copy that nothing disturbed")
        if bool(said) != (self._trouble.device == "document-printer"):
            self.outcome.problems.append(f"said of the copy: {said or 'nothing'}")

    def _read(self, view: View) -> None:
        if isinstance(view, ReviewView):
            self.outcome.sheets = len(view.pages)
        if isinstance(view, DoneView):
            self.outcome.slip_said = _SAID.get(view.lead.key, "printed")
            self.outcome.paper_said = _PAPER_SAID.get(view.place.key, "")
            if not view.code:
                self.outcome.problems.append("done without a code")
            if self._trouble.model == "presenter" and not self._trouble.forgets:
                self._world.do("receipt-printer", ("take", {}))

    def _consent(self, view: ConsentView) -> Intent:
        if view.purpose != "face":
            return Next()
        if not self._feeder().waiting:
            self._lay_down_the_rest()  # in good time: the kiosk need not look for paper twice
        return Next() if self._trouble.device == "camera" else Back()

    def _show_phone(self, view: IdentifyView) -> None:
        if view.place == "camera":
            if not self._world.state_of("camera")["held"]:
                self._world.do("camera", ("hold", {"payload": self._world.new_code()}))
            return
        reader_fails = self._trouble.device == "code-reader" and self._cell.moment == "during"
        if reader_fails and not self._struck:
            self._strike()
        elif self._world.state_of("code-reader")["plugged"]:
            self._world.do("code-reader", ("show", {"payload": self._world.new_code()}))

    def _feed_or_go_on(self, view: ScanView) -> Intent | None:
        if view.state != "waiting":
            return None
        if len(view.pages) >= len(self._world.sheets):
            return Next()
        feeder = self._feeder()
        on_the_way = self._laid[0] == self._pages and self._laid[1] < feeder.delivered
        if not feeder.waiting and not on_the_way:
            self._lay_down_the_rest()
        return None

    def _feeder(self) -> _Feeder:
        state = self._world.state_of("scanner")
        return _Feeder(state["sheets_waiting"], state["pages_delivered"])

    def _lay_down_the_rest(self) -> None:
        """The sheets that the screen has not shown yet, in their order."""
        rest = [str(sheet) for sheet in self._world.sheets[self._pages :]]
        self._laid = (self._pages, self._feeder().delivered)
        self._world.do("scanner", ("load", {"pages": rest}))

    def _cope(self, view: FaultView) -> Intent:
        if notice := {"paper-out", "continue"} & set(view.actions):
            return self._take_note(view, *notice)
        if view.code == _DECLINED:
            return Choose("skip")
        self._note(view)
        self._tries += 1
        if not self._staff_called:
            self._staff_called = True
            return Choose("staff")
        if "camera" in view.actions and not self._cell.mended:
            self._used_other = True
            return Choose("camera")
        if self._cell.mended and self._trouble.mend:
            self._world.do(self._trouble.device, self._trouble.mend)
        if view.code == "device.receipt.unconfirmed":
            self._has_looked = True  # the slip lies in the slot: the screen says what to do then
            return Choose("skip")
        if view.code.startswith("device.power.") and not self._cell.mended:
            self.gone = True
            return Back()
        if "retry" in view.actions and self._tries <= _TRIES:
            self._laid = _NOTHING
            if self._feeder().waiting:
                self._lay_down_the_rest()
            return Choose("retry")
        self._went_without = "skip" in view.actions
        return Choose("skip") if self._went_without else Leave()

    def _take_note(self, view: FaultView, action: str) -> Intent:
        self._notices += [view.code]
        if action == "paper-out":  # the owner has left; staff comes and opens the scanner
            self._world.do("scanner", ("repair", {}))
        return Choose(action)

    def _note(self, view: FaultView) -> None:
        told = self.outcome.told
        if not told or told[-1] != view.code:
            told.append(view.code)
        if not view.actions:
            self.outcome.problems.append(f"no way on from {view.code}")
        if self._trouble.device in _PRINTERS and view.kept.key != "kept.locked":
            self.outcome.problems.append("not said that the dossier is safe")

    def _is_in_use(self, view: View) -> bool:
        if self._trouble.device == "scanner":
            return isinstance(view, ScanView) and view.state == "scanning"
        if self._trouble.device == "camera":
            return isinstance(view, FaceView) and view.preview is not None
        if self._trouble.device in ("ups", "signals", "card-reader"):
            return isinstance(view, ReviewView)
        return isinstance(view, IssuingView) and _is_printing(view, self._trouble.device)

    def _strike(self) -> None:
        self._struck = True
        self._world.do(self._trouble.device, self._trouble.strike)
        if self._trouble.device == "camera":
            self._world.step_before_the_camera()

    def _strike_in_the_middle(self) -> None:
        if self._trouble.device != "receipt-printer":
            self._strike()
            return
        self._struck = True
        cable = self._world.cable
        if self._trouble.at_end:
            cable.strike_at(0, self._strike, after=_CUT)
        else:
            cable.strike_at(_MIDDLE_OF_SLIP, self._strike)


def _is_printing(view: IssuingView, device: str) -> bool:
    wanted = {"receipt-printer": "issue.slip", "document-printer": "issue.paper"}.get(device)
    return any(m.label.key == wanted and m.state == "now" for m in view.milestones)


_AFTER: dict[str, Callable[[View], bool]] = {
    "scanner": lambda view: isinstance(view, ReviewView),
    "code-reader": lambda view: isinstance(view, ConsentView) and view.purpose == "face",
    "camera": lambda view: isinstance(view, ScanView),
    "receipt-printer": lambda view: isinstance(view, DoneView),
    "document-printer": lambda view: isinstance(view, DoneView),
    "ups": lambda view: isinstance(view, DoneView),
    "signals": lambda view: isinstance(view, DoneView),
    "card-reader": lambda view: isinstance(view, DoneView),
}
