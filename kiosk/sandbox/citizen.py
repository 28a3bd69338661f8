"""A scripted citizen: looks at the view that is shown and does what a person would do next.

Deeds in the world (holding a phone under the reader, putting paper in) go to the control addresses
of the emulated devices; touches come back as the name of the item to tap, so that the same citizen
works the real QML screens and, in tests, the engine alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from kiosk.sandbox.people import Citizen
from kiosk.views import (
    AttractView,
    CardView,
    ChooseServiceView,
    ConfirmView,
    ConsentView,
    DoneView,
    FaultView,
    IdentifyView,
    ReviewView,
    ScanView,
    View,
)

_PATIENCE = 3
"""How often somebody tries again after trouble before asking for help and leaving."""


@dataclass
class ScriptedCitizen:
    """``controls``: device name -> control address. ``new_code``: a fresh VNeID payload.
    ``by_card``: comes without a telephone, with the citizen card.

    ``repair`` mends whatever was made to fail, as staff would.
    """

    person: Citizen
    procedure: str
    papers: list[Path]
    controls: dict[str, str]
    new_code: Callable[[], str]
    repair: Callable[[], None] = lambda: None
    by_card: bool = False
    tries: int = 0
    gave_up: bool = False
    met: list[str] = field(default_factory=list)
    """Failure codes that were shown."""
    _holding: bool = False

    def next_touch(self, view: View) -> str | None:
        """The name of the item to tap, or None when there is nothing to touch now."""
        self._put_phone_down(view)
        if isinstance(view, AttractView | ConsentView | ReviewView | ConfirmView | DoneView):
            return "main"
        if isinstance(view, ChooseServiceView):
            return f"card.{self.procedure}"
        if isinstance(view, IdentifyView):
            self._show_what_she_has(view)
        if isinstance(view, CardView):
            self._handle_card(view)
        if isinstance(view, ScanView):
            return self._feed_or_go_on(view)
        if isinstance(view, FaultView):
            return self._cope(view)
        return None

    def _show_what_she_has(self, view: IdentifyView) -> None:
        if not self.by_card:
            self._show_phone(view)
        elif view.state != "checking":
            self.do("code-reader", "show", payload=self.person.card_payload)

    def _handle_card(self, view: CardView) -> None:
        if view.state == "lay":
            self.do("card-reader", "hold")
        elif view.state == "take":
            self.do("card-reader", "take_away")

    def _show_phone(self, view: IdentifyView) -> None:
        """To the reader, whether it lives or not, or up to the camera until the code was read."""
        if view.state == "checking":
            return
        if view.place == "camera" and not self._holding:
            self._holding = True
            self.do("camera", "hold", payload=self.new_code())
        elif view.place == "reader" and self._is_plugged("code-reader"):
            self.do("code-reader", "show", payload=self.new_code())

    def _put_phone_down(self, view: View) -> None:
        waited_for = isinstance(view, IdentifyView) and view.state != "checking"
        if self._holding and not waited_for:
            self._holding = False
            self.do("camera", "take_away")

    def _is_plugged(self, device: str) -> bool:
        return bool(requests.get(self.controls[device], timeout=10).json()["plugged"])

    def _feed_or_go_on(self, view: ScanView) -> str | None:
        if view.state != "waiting":
            return None
        if len(view.pages) >= len(self.papers):
            return "main"
        rest = [str(paper) for paper in self.papers[len(view.pages) :]]
        self.do("scanner", "load", pages=rest)
        return None

    def _cope(self, view: FaultView) -> str | None:
        if "paper-out" in view.actions:
            self.repair()
            return "action.paper-out"
        if "continue" in view.actions:
            return "action.continue"
        self.met.append(view.code)
        if "camera" in view.actions:
            return "action.camera"
        self.tries += 1
        if self.tries == 1:
            return "action.staff"
        self.repair()
        if "retry" in view.actions and self.tries <= _PATIENCE:
            return "action.retry"
        if "skip" in view.actions:
            return "action.skip"
        self.gave_up = True
        return "back"

    def do(self, device: str, action: str, **details: object) -> None:
        """Something in the world: ``action`` of the emulated ``device``."""
        answer = requests.post(f"{self.controls[device]}/{action}", json=details, timeout=10)
        answer.raise_for_status()
