"""What a step shows (views) and what a person does (intents): the whole traffic with the screen.

Views are frozen and carry string keys with arguments, never finished sentences, so that the
language can change at any moment. One view class is one QML screen of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from drivers.contract import Raster


@dataclass(frozen=True, slots=True)
class Text:
    """A string key with arguments. ``Text.plain`` is for what has no translation (names, codes)."""

    key: str
    arguments: Mapping[str, str | int | Text] = field(default_factory=dict)

    @classmethod
    def plain(cls, value: str) -> Text:
        return cls("", {"value": value})

    @classmethod
    def in_languages(cls, sentences: Mapping[str, str]) -> Text:
        """A sentence by language, for what the catalogue does not have: a procedure's words."""
        return cls("", sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``step`` of ``steps`` and its name make the progress line; 0 hides it."""

    screen: ClassVar[str]
    step: int = 0
    steps: int = 0
    step_name: Text | None = None
    can_go_back: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AttractView(View):
    screen: ClassVar[str] = "Attract"
    can_go_back: bool = False


@dataclass(frozen=True, slots=True)
class ServiceCard:
    procedure: str
    picture: str
    title: Text
    hint: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseServiceView(View):
    """``office``: whether an officer is there, where that is known."""

    screen: ClassVar[str] = "ChooseService"
    cards: tuple[ServiceCard, ...]
    office: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView(View):
    """``purpose``: "data" before identifying, "face" before the camera opens. ``fee``: what it will
    cost."""

    screen: ClassVar[str] = "Consent"
    purpose: str
    title: Text
    points: tuple[Text, ...]
    fee: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyView(View):
    """``state``: waiting for a code, checking it, or retry (with ``problem``).

    ``place``: "reader", or "camera" where the reader does not work; then ``preview`` is the newest
    frame, mirrored for people. ``others``: there are other ways to be known.
    """

    screen: ClassVar[str] = "Identify"
    state: str = "waiting"
    problem: Text | None = None
    place: str = "reader"
    preview: Raster | None = None
    others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCodeView(View):
    """A code for the phone to scan. ``compare``: what the phone shows meanwhile, for comparison."""

    screen: ClassVar[str] = "ShowCode"
    code: str
    compare: str
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """``name``: "phone", "card" and the like; "staff" would call somebody, as everywhere."""

    name: str
    picture: str
    title: Text
    hint: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysView(View):
    """How the person wants to be known ("ways"), or why an officer vouches ("reasons").

    ``notice``: why a way is missing.
    """

    screen: ClassVar[str] = "Ways"
    purpose: str = "ways"
    ways: tuple[Way, ...]
    notice: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView(View):
    """The citizen card. ``state``: code (show the printed code), lay (put it on the reader),
    reading (``done`` of ``total`` parts), take (back into the hand); staff (an officer's card).

    ``typing``: digits may be typed where the code is not read.
    """

    screen: ClassVar[str] = "Card"
    state: str
    problem: Text | None = None
    typing: bool = False
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypadView(View):
    """``length`` digits, ``hidden`` as they are typed; answered by Typed."""

    screen: ClassVar[str] = "Keypad"
    purpose: str
    title: Text
    lead: Text
    length: int
    hidden: bool = False
    problem: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectView(View):
    """``state``: waiting for the code on the "slip", or for that on the "card", or "checking"
    both. ``problem``: what is wrong with the last code."""

    screen: ClassVar[str] = "Collect"
    state: str = "slip"
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class PageThumb:
    """``number``: its place in the stack, from 1. ``image``: JPEG of the page, small. ``redo``: the
    page should be scanned again."""

    number: int
    image: bytes
    verdict: Text
    redo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanView(View):
    """``state``: waiting for paper, scanning, reading (scanned, being read), done."""

    screen: ClassVar[str] = "Scan"
    state: str = "waiting"
    pages: tuple[PageThumb, ...] = ()
    reading: int = 0
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """``edit`` names the step that changes the value; empty: cannot be changed here."""

    label: Text
    value: Text
    edit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCopyView(View):
    """A paper copy is examined. ``state``: waiting (for paper, or a code before the reader),
    scanning, or comparing; ``sheets`` were scanned. ``problem``: what was wrong with the last."""

    screen: ClassVar[str] = "CheckCopy"
    state: str = "waiting"
    sheets: int = 0
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a picture, in parts of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyCheckedView(View):
    """What came of it. ``tone``: ok, warn or fault. ``facts``: label and value, of a genuine seal.
    ``picture``: JPEG of the page that matters most, with ``marks``; ``close_ups`` of the first
    ones. Without a page (only a code was shown) ``picture`` is empty."""

    screen: ClassVar[str] = "CopyChecked"
    tone: str
    title: Text
    lead: Text
    facts: tuple[ReviewRow, ...] = ()
    picture: bytes | None = None
    picture_title: Text | None = None
    marks: tuple[Mark, ...] = ()
    close_ups: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView(View):
    screen: ClassVar[str] = "Review"
    person: Text
    rows: tuple[ReviewRow, ...]
    pages: tuple[PageThumb, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceView(View):
    """``state``: looking, matched, mismatch. ``preview``: the newest frame, mirrored for people."""

    screen: ClassVar[str] = "Face"
    state: str = "looking"
    guidance: Text
    preview: Raster | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmView(View):
    screen: ClassVar[str] = "Confirm"
    title: Text
    points: tuple[Text, ...]
    fee: Text


@dataclass(frozen=True, slots=True)
class Milestone:
    """``state``: done, now or later."""

    icon: str
    label: Text
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingView(View):
    """``done`` of ``total`` milestones is a true count. ``may_leave``: nobody has to wait on."""

    screen: ClassVar[str] = "Issuing"
    title: Text
    lead: Text
    milestones: tuple[Milestone, ...]
    may_leave: bool = False
    can_go_back: bool = False

    @property
    def done(self) -> int:
        return sum(milestone.state == "done" for milestone in self.milestones)

    @property
    def total(self) -> int:
        return len(self.milestones)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneView(View):
    """``kind``: "issued" (the copy is there) or "queued" (a slip; the copy follows).

    ``take_away``: the payload of the QR code to keep on a phone.
    """

    screen: ClassVar[str] = "Done"
    kind: str
    title: Text
    lead: Text
    code: str
    due_label: Text
    due: Text
    place: Text
    take_away: str
    can_go_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView(View):
    """Trouble, in three answers. ``actions``: any of "retry", "camera" (show the code to it),
    "other" (be known in another way), "staff", "later", "skip"; "continue" or "paper-out" with
    "staff" at most, where nothing went wrong for the person who reads it."""

    screen: ClassVar[str] = "Fault"
    code: str
    picture: str
    title: Text
    happened: Text
    todo: Text
    kept: Text
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """Something a person did."""


@dataclass(frozen=True, slots=True)
class Next(Intent):
    """The main button."""


@dataclass(frozen=True, slots=True)
class Back(Intent):
    pass


@dataclass(frozen=True, slots=True)
class Leave(Intent):
    """Stop and wipe ("Thoát", "Start again")."""


@dataclass(frozen=True, slots=True)
class Choose(Intent):
    """A card, an alternative or a fault action, by its name."""

    choice: str


@dataclass(frozen=True, slots=True)
class Typed(Intent):
    """What was typed; not for logs."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Edit(Intent):
    """Change the answer of the step ``step``."""

    step: str


@dataclass(frozen=True, slots=True)
class Redo(Intent):
    """Scan page ``number`` again."""

    number: int


@dataclass(frozen=True, slots=True)
class Remove(Intent):
    """Page ``number`` does not belong to the papers."""

    number: int


@dataclass(frozen=True, slots=True)
class CallStaff(Intent):
    pass


@dataclass(frozen=True, slots=True)
class Touch(Intent):
    """Any touch at all: the person is still there. Never answers a view."""


@dataclass(frozen=True, slots=True)
class SetLanguage(Intent):
    """The screen changed its language; slips follow. Never answers a view."""

    language: str
