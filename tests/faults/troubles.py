"""What can go wrong with each device, as deeds at the emulators' controls, and how it is mended.

A row here is a row of the fault matrix. A new device needs rows, a `USED_ON` screen and, in
`tests/faults/world.py`, nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Literal

Moment = Literal["before", "during", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "during", "after")

Way = Literal["success", "retry", "other", "asked", "left", "without", "cancel", "later", "stuck"]

Deed = tuple[str, Mapping[str, Any]]
"""An action of the device's control, with its arguments; ``unplug`` and ``plug`` of the receipt
printer are done at its cable."""


@dataclass(frozen=True, slots=True, eq=False)
class Trouble:
    """``model``: of the device, where it is not the sandbox's own. ``passing``: over by itself, so
    there is nothing to mend.

    ``alike``: told and mended as the one above it, but for its code; the sample leaves it out.
    ``at_end``: "during" means after the last byte of the job, when only the answer is missing.
    ``forgets``: the person leaves the slip in the printer's exit.
    ``ends``: it ends the session at once, so that nobody can mend it in time.
    """

    device: str
    name: str
    strike: Deed
    mend: Deed | None = None
    passing: bool = False
    alike: bool = False
    at_end: bool = False
    ends: bool = False
    forgets: bool = False
    model: str = ""

    @property
    def label(self) -> str:
        return f"{self.device}, {self.model}" if self.model else self.device


def _set(**changes: Any) -> Deed:
    return ("set", changes)


def _scanner(name: str, strike: Deed, **options: Any) -> Trouble:
    return Trouble("scanner", name, strike, ("repair", {}), **options)


def _printer(name: str, broken: dict[str, Any], whole: dict[str, Any], **options: Any) -> Trouble:
    return Trouble("receipt-printer", name, _set(**broken), _set(**whole), **options)


_PAPER_WHOLE: dict[str, Any] = {
    "paper": 250,
    "toner": 80,
    "cover_open": False,
    "jammed": False,
    "jam_on_side": 0,
    "abort_on_side": 0,
    "busy": False,
    "garbage": False,
    "lose": "",
    "drop": "",
}


def _paper(name: str, broken: dict[str, Any], **options: Any) -> Trouble:
    """Some of these lie in wait for the job: a jam on its second side, one sheet left."""
    return Trouble("document-printer", name, _set(**broken), _set(**_PAPER_WHOLE), **options)


def _power(name: str, cut: dict[str, Any], **options: Any) -> Trouble:
    return Trouble("ups", name, _set(**cut), _set(mains=True, low=False), **options)


def _signals(name: str, broken: dict[str, Any], **options: Any) -> Trouble:
    """Nobody in a pre-check session is stopped by it: the kiosk would not sign then anyway."""
    whole = _set(shut=True, unplugged=False)
    return Trouble("signals", name, _set(**broken), whole, passing=True, **options)


def _hid(name: str, strike: str, mend: str = "", **options: Any) -> Trouble:
    deed: Deed | None = (mend, {}) if mend else None
    return Trouble("code-reader", name, (strike, {}), deed, model="HID-POS", **options)


def _wedge(name: str, strike: str, mend: str = "", **options: Any) -> Trouble:
    deed: Deed | None = (mend, {}) if mend else None
    return Trouble("code-reader", name, (strike, {}), deed, model="wedge", **options)


def _exit(name: str, broken: dict[str, Any], **options: Any) -> Trouble:
    whole = {"at_exit": False, "retracts": True}
    return _printer(name, broken, whole, model="presenter", **options)


def _cards(name: str, strike: str, mend: str, **options: Any) -> Trouble:
    """No step of a session reads cards: it goes on without the reader."""
    return Trouble("card-reader", name, (strike, {}), (mend, {}), passing=True, **options)


def _cable(name: str, **options: Any) -> Trouble:
    return Trouble("receipt-printer", name, ("unplug", {}), ("plug", {}), **options)


TROUBLES: tuple[Trouble, ...] = (
    _scanner("jam", _set(adf="jam")),
    _scanner("lid open", _set(adf="door-open"), alike=True),
    _scanner("two sheets at once", _set(adf="multifeed"), alike=True),
    _scanner("busy", _set(busy=True)),
    _scanner("answers HTTP 500", _set(http_status=500)),
    _scanner("answers HTTP 503", _set(http_status=503)),
    _scanner("picture broken off", _set(truncate=9000)),
    _scanner("picture too short, said whole", _set(truncate=9000, quietly=True)),
    _scanner("slow", _set(delay=1.0), passing=True),
    _scanner("unplugged", ("die", {})),
    Trouble("code-reader", "garbage", ("garbage", {}), passing=True),
    Trouble("code-reader", "foreign code", ("show", {"payload": "https://a.example/?x=1"}),
            passing=True),
    Trouble("code-reader", "unplugged", ("unplug", {}), ("plug", {})),
    _hid("unplugged", "unplug", "plug"),
    _hid("garbage", "garbage", passing=True),
    _hid("half a report", "half", passing=True, alike=True),
    _hid("code without its end", "cut", passing=True, alike=True),
    _hid("switched to typing", "begin_typing", "end_typing"),
    _wedge("unplugged", "unplug", "plug"),
    _wedge("keys are lost", "lose_keys", passing=True),
    Trouble("camera", "stops", _set(stopped=True), _set(stopped=False)),
    Trouble("camera", "silent", _set(silent=True), _set(silent=False), alike=True),
    Trouble("camera", "frozen", _set(frozen=True), _set(frozen=False)),
    Trouble("camera", "slow", _set(fps=4.0), _set(fps=15.0), passing=True),
    _printer("paper out", {"paper": "out"}, {"paper": "ok"}),
    _printer("paper near its end", {"paper": "near-end"}, {"paper": "ok"}, passing=True),
    _printer("cover open", {"cover_open": True}, {"cover_open": False}, alike=True),
    _printer("cutter stuck", {"error": "cutter"}, {"error": ""}, alike=True),
    _printer("head too hot", {"error": "hot"}, {"error": ""}, alike=True),
    _printer("silent", {"silent": True}, {"silent": False}),
    _printer("silent after the cut", {"silent": True}, {"silent": False}, at_end=True),
    _cable("unplugged"),
    _cable("unplugged after the cut", at_end=True),
    _printer("paper ends in the slip", {"paper_after_lines": 9},
             {"paper": "ok", "paper_after_lines": None}),
    _printer("paper too short for a slip", {"paper": "near-end"}, {"paper": "ok"},
             model="thin roll"),
    _exit("slip of another in the exit", {"at_exit": True}, passing=True),
    _exit("slip of another stuck there", {"at_exit": True, "retracts": False}),
    _exit("own slip left there", {"retracts": False}, passing=True, forgets=True),
    _paper("paper out", {"paper": 0}),
    _paper("one sheet left", {"paper": 1}),
    _paper("jam on the second side", {"jam_on_side": 2}),
    _paper("drops the job", {"abort_on_side": 2}),
    _paper("cover open", {"cover_open": True}, alike=True),
    _paper("no toner", {"toner": 0}, alike=True),
    _paper("answers HTTP 503", {"busy": True}),
    _paper("garbage", {"garbage": True}),
    _paper("document lost on its way", {"drop": "SEND_DOCUMENT"}),
    _paper("answer lost on its way", {"lose": "SEND_DOCUMENT"}, passing=True),
    Trouble("document-printer", "unplugged", ("unplug", {}), ("plug", {})),
    Trouble("document-printer", "unplugged while it prints", _set(unplug_on_side=2), ("plug", {})),
    _power("power cut", {"mains": False}),
    _power("battery low", {"mains": False, "low": True}, ends=True),
    _signals("housing opened", {"shut": False}),
    _signals("unplugged", {"unplugged": True}, alike=True),
    _cards("unplugged", "unplug", "plug"),
    _cards("its service dies", "die", "restart", alike=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One journey. ``mended``: staff mends it when called; otherwise nobody does."""

    trouble: Trouble
    moment: Moment
    mended: bool = True

    def __str__(self) -> str:
        ending = "" if self.mended else "-unmended"
        return f"{self.trouble.label}-{self.trouble.name}-{self.moment}{ending}".replace(
            " ", "-"
        ).replace(",", "")


def cells() -> list[Cell]:
    """Every trouble at every moment, mended; and unmended where that makes a difference."""
    found = []
    for trouble in TROUBLES:
        for moment in MOMENTS:
            found.append(Cell(trouble, moment))
            if moment != "after" and not trouble.passing:
                found.append(Cell(trouble, moment, mended=False))
    return found


_ROTATION: tuple[tuple[Moment, bool], ...] = (
    ("during", True),
    ("before", False),
    ("during", False),
    ("before", True),
)
_PASSING: tuple[Moment, ...] = ("during", "after", "before")


def sample() -> list[Cell]:
    """A cell of each trouble but those that are ``alike``, the moment and the mending going round:
    the same cells in every run."""
    passing, moments = cycle(_PASSING), cycle(_ROTATION)
    found = []
    for trouble in TROUBLES:
        if trouble.alike:
            continue
        moment, mended = (next(passing), True) if trouble.passing else next(moments)
        found.append(Cell(trouble, "during" if trouble.at_end else moment, mended))
    return found


@dataclass
class Outcome:
    """What a journey came to. ``told``: failure codes shown, in order.

    ``copies``: jobs that came out of the document printer. ``way``: success; retry after it was
    mended; other, by another device; asked (whether the slip is there); left, when nobody
    takes it and staff is called; without the device; cancel;
    later, when nobody is let in; or stuck. ``problems``: promises broken.
    """

    way: Way = "stuck"
    told: list[str] = field(default_factory=list)
    printed: int = 0
    slip_said: str = ""
    copies: int = 0
    paper_said: str = ""
    sheets: int = 0
    accepted: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
