"""What a hand can do to the emulated devices beside a demo: the buttons of the device dock.

Everything goes through the emulators' HTTP controls, as a test or ``curl`` would do it. The window
is ``ui/dock.py``; a new kind of device is a row of ``panels``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from kiosk.sandbox.appliance import Appliance

_LOOK_SECONDS = 0.5
_TIMEOUT = 5.0

State = Mapping[str, Any]
Details = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Button:
    """``action`` of the device's control. ``bad``: it makes trouble. ``details`` may be made at
    the press."""

    name: str
    label: str
    action: str
    details: Details
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """``tell``: the device's state in a few words, and whether it is well."""

    device: str
    title: str
    tell: Callable[[State], tuple[str, bool]]
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Props:
    """What lies about for the hand to take."""

    papers: Sequence[Path]
    citizen: Sequence[Path]
    stranger: Sequence[Path]
    new_code: Callable[[], str]


def panels(props: Props) -> tuple[Panel, ...]:
    return (
        Panel("scanner", "Scanner", _scanner_told, _scanner_buttons(props)),
        Panel("code-reader", "Code reader", _reader_told, _reader_buttons(props)),
        Panel("camera", "Camera", _camera_told, _camera_buttons(props)),
        Panel("receipt-printer", "Receipt printer", _printer_told, _printer_buttons()),
        Panel("document-printer", "Document printer", _document_told, _document_buttons()),
        Panel("card-reader", "Card reader", _cards_told, _cards_buttons()),
        Panel("ups", "Power", _power_told, _power_buttons()),
        Panel("signals", "Lamp, bell, housing", _signals_told, _signals_buttons()),
    )


def _scanner_buttons(props: Props) -> tuple[Button, ...]:
    pages = {"pages": [str(paper) for paper in props.papers]}
    return (
        Button("load", "Put paper in", "load", pages),
        Button("mend", "Mend", "repair", {}),
        Button("jam", "Jam", "set", {"adf": "jam"}, bad=True),
        Button("jam2", "Jam on 2nd", "set", {"fault": "jam", "fault_on_page": 2}, bad=True),
        Button("lid", "Open the lid", "set", {"adf": "door-open"}, bad=True),
        Button("unplug", "Pull the plug", "die", {}, bad=True),
    )


def _reader_buttons(props: Props) -> tuple[Button, ...]:
    return (
        Button("phone", "Show the phone", "show", lambda: {"payload": props.new_code()}),
        Button("plug", "Plug in", "plug", {}),
        Button("other", "Another QR", "show", {"payload": "https://a.example/"}, bad=True),
        Button("garbage", "Garbage", "garbage", {}, bad=True),
        Button("unplug", "Pull the plug", "unplug", {}, bad=True),
    )


def _camera_buttons(props: Props) -> tuple[Button, ...]:
    citizen = {"paths": [str(picture) for picture in props.citizen]}
    stranger = {"paths": [str(picture) for picture in props.stranger]}
    return (
        Button("citizen", "The citizen", "show", citizen),
        Button("phone-up", "Hold the phone up", "hold", lambda: {"payload": props.new_code()}),
        Button("phone-down", "Phone down", "take_away", {}),
        Button("on", "Switch on", "set", {"stopped": False, "silent": False}),
        Button("stranger", "A stranger", "show", stranger, bad=True),
        Button("silent", "Freeze", "set", {"silent": True}, bad=True),
        Button("off", "Switch off", "set", {"stopped": True}, bad=True),
    )


def _printer_buttons() -> tuple[Button, ...]:
    whole = {"cover_open": False, "error": "", "silent": False}
    return (
        Button("refill", "New roll", "refill", {}),
        Button("mend", "Mend", "set", whole),
        Button("take", "Take the slip", "take", {}),
        Button("low", "Roll runs low", "set", {"paper": "near-end"}, bad=True),
        Button("out", "Paper out", "set", {"paper": "out"}, bad=True),
        Button("cover", "Open the cover", "set", {"cover_open": True}, bad=True),
        Button("cutter", "Cutter sticks", "set", {"error": "cutter"}, bad=True),
        Button("silent", "Say nothing", "set", {"silent": True}, bad=True),
    )


def _document_buttons() -> tuple[Button, ...]:
    return (
        Button("mend", "Mend", "repair", {}),
        Button("plug", "Plug in", "plug", {}),
        Button("out", "Paper out", "set", {"paper": 0}, bad=True),
        Button("jam", "Jam", "set", {"jam_on_side": 1}, bad=True),
        Button("cover", "Open the cover", "set", {"cover_open": True}, bad=True),
        Button("toner", "No toner", "set", {"toner": 0}, bad=True),
        Button("unplug", "Pull the plug", "unplug", {}, bad=True),
    )


def _cards_buttons() -> tuple[Button, ...]:
    return (
        Button("plug", "Plug in", "plug", {}),
        Button("hold", "Hold a card", "hold", {}),
        Button("away", "Take it away", "take_away", {}),
        Button("officer", "An officer's card", "hold", {"kind": "staff"}),
        Button("copied", "A copied card", "hold", {"kind": "cloned"}, bad=True),
        Button("expired", "An expired card", "hold", {"kind": "expired"}, bad=True),
        Button("two", "A second card", "hold", {"slot": 1}, bad=True),
        Button("unplug", "Pull the plug", "unplug", {}, bad=True),
    )


def _power_buttons() -> tuple[Button, ...]:
    return (
        Button("on", "Power on", "set", {"mains": True, "low": False, "shutdown": False}),
        Button("out", "Power cut", "set", {"mains": False}, bad=True),
        Button("low", "Battery low", "set", {"mains": False, "low": True}, bad=True),
    )


def _signals_buttons() -> tuple[Button, ...]:
    return (
        Button("shut", "Shut the housing", "set", {"shut": True}),
        Button("plug", "Plug in", "set", {"unplugged": False}),
        Button("open", "Open the housing", "set", {"shut": False}, bad=True),
        Button("unplug", "Pull the plug", "set", {"unplugged": True}, bad=True),
    )


def _scanner_told(state: State) -> tuple[str, bool]:
    trouble = state["adf"] not in ("loaded", "empty") or state["fault_on_page"]
    word = state["adf"] if state["adf"] not in ("loaded", "empty") else "waits to jam"
    sheets = f"{state['sheets_waiting']} sheets in, {state['pages_delivered']} scanned"
    return (f"{word}; {sheets}" if trouble else sheets), not trouble


def _reader_told(state: State) -> tuple[str, bool]:
    plugged = bool(state["plugged"])
    return (f"{state['shown']} codes shown" if plugged else "unplugged"), plugged


def _camera_told(state: State) -> tuple[str, bool]:
    trouble = "off" if state["stopped"] else "frozen" if state["silent"] else ""
    return trouble or ("looks" if state["viewers"] else "closed"), not trouble


def _printer_told(state: State) -> tuple[str, bool]:
    troubles = [
        word
        for word, there in (
            ("paper out", state["paper"] == "out"),
            ("roll low", state["paper"] == "near-end"),
            ("cover open", state["cover_open"]),
            (str(state["error"]), state["error"]),
            ("silent", state["silent"]),
            ("a slip in the exit", state["at_exit"]),
        )
        if there
    ]
    return ", ".join([*troubles, f"{state['printed']} slips"]), not troubles


def _document_told(state: State) -> tuple[str, bool]:
    troubles = [
        word
        for word, there in (
            ("unplugged", not state["plugged"]),
            ("paper out", state["paper"] <= 0),
            ("jammed", state["jammed"]),
            ("waits to jam", state["jam_on_side"]),
            ("cover open", state["cover_open"]),
            ("no toner", state["toner"] <= 0),
        )
        if there
    ]
    return ", ".join([*troubles, f"{len(state['printed'])} jobs"]), not troubles


def _cards_told(state: State) -> tuple[str, bool]:
    well = bool(state["running"] and state["plugged"])
    held = ("no card", "a card")[state["held"]] if state["held"] < 2 else "two cards"
    return (held if well else "unplugged"), well and state["held"] < 2


def _power_told(state: State) -> tuple[str, bool]:
    told = "mains" if state["mains"] else "battery low" if state["low"] else "on battery"
    return told, bool(state["mains"])


def _signals_told(state: State) -> tuple[str, bool]:
    lamp, bell = state["outputs"][:2]
    lit = ["lamp lit"] * lamp + ["bell rings"] * bell or ["dark"]
    trouble = "unplugged, " if state["unplugged"] else "" if state["shut"] else "housing open, "
    return trouble + ", ".join(lit), not trouble


def beside(appliance: Appliance, papers: Sequence[Path]) -> Dock:
    """The dock for all devices of ``appliance``."""
    props = Props(papers, appliance.citizen, appliance.stranger, appliance.new_code)
    return Dock(appliance.controls, props)


class Dock:
    """Presses buttons and looks at the devices, in threads of its own: a window never waits.

    ``controls``: device name -> control address; a device without one has no panel.
    """

    def __init__(self, controls: Mapping[str, str], props: Props) -> None:
        self.panels = tuple(panel for panel in panels(props) if panel.device in controls)
        self._controls = controls
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="dock")
        self._lights = {panel.device: ("...", True) for panel in self.panels}
        self._closed = threading.Event()
        self._eye = threading.Thread(target=self._look_again, daemon=True)
        self._eye.start()

    def press(self, device: str, name: str) -> None:
        """Do what the button says, soon. Raises LookupError for one that is not there."""
        self._hand.submit(self._do, device, self._button(device, name))

    def lights(self) -> dict[str, tuple[str, bool]]:
        """What each device says of itself, and whether it is well."""
        return dict(self._lights)

    def close(self) -> None:
        self._closed.set()
        self._hand.shutdown(wait=True)
        self._eye.join()

    def _button(self, device: str, name: str) -> Button:
        for panel in self.panels:
            for button in panel.buttons:
                if (panel.device, button.name) == (device, name):
                    return button
        raise LookupError(f"{device} has no {name}")

    def _do(self, device: str, button: Button) -> None:
        details = button.details() if callable(button.details) else button.details
        url = f"{self._controls[device]}/{button.action}"
        try:
            requests.post(url, json=dict(details), timeout=_TIMEOUT).raise_for_status()
        except requests.RequestException as error:
            self._lights[device] = (f"refused: {type(error).__name__}", False)
            return
        self._look()

    def _look_again(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for panel in self.panels:
            try:
                state = requests.get(self._controls[panel.device], timeout=_TIMEOUT).json()
            except requests.RequestException:
                self._lights[panel.device] = ("its emulator is gone", False)
            else:
                self._lights[panel.device] = panel.tell(state)
