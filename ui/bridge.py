"""Where the engine's thread and the Qt thread meet.

The engine holds a :class:`Stage` and may call it from its own thread; the :class:`Bridge` lives in
the Qt thread, translates the newest view for QML (the singleton ``Kiosk`` of ui/components) and
turns what a person did into intents.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from drivers.contract import Raster
from kiosk.strings import LANGUAGES, catalogue, resolve
from kiosk.views import (
    Back,
    CallStaff,
    Choose,
    DoneView,
    Edit,
    Intent,
    IssuingView,
    Leave,
    Next,
    Redo,
    Remove,
    SetLanguage,
    ShowCodeView,
    Text,
    Touch,
    Typed,
    View,
)
from ui.pictures import Album, Code

_INTENTS: dict[str, Callable[[str], Intent]] = {
    "next": lambda _: Next(),
    "back": lambda _: Back(),
    "leave": lambda _: Leave(),
    "staff": lambda _: CallStaff(),
    "touch": lambda _: Touch(),
    "choose": Choose,
    "type": Typed,
    "edit": Edit,
    "redo": lambda number: Redo(int(number)),
    "remove": lambda number: Remove(int(number)),
}


def _nobody(_: Intent) -> None:
    """There is no engine yet; the screen shows nothing that could be touched."""


@dataclass(slots=True)
class _News:
    """What changed since the Qt thread last looked. Only the newest of each matters."""

    view: View | None = None
    language: str | None = None
    warning: int | None = None


class Stage(QObject):
    """The engine's side (``kiosk.stage.Stage``). Every method may be called from any thread.

    A view that is presented while the screen is still drawing replaces the one before it, so a
    camera faster than the display piles nothing up. Pixels and pictures of a view must stay
    readable until another view has been presented.
    """

    changed = Signal()
    ended = Signal(int)

    def __init__(self, language: str = LANGUAGES[0]) -> None:
        super().__init__()
        self.on_intent: Callable[[Intent], None] = _nobody
        self.language = language
        """The language on the screen now; the person may change it at any time."""
        self._lock = threading.Lock()
        self._news = _News(language=language)

    def present(self, view: View) -> None:
        """Raises KeyError for a sentence that the catalogue does not have."""
        describe(view, self.language, Album())
        with self._lock:
            self._news.view = view
        self.changed.emit()

    def set_language(self, language: str) -> None:
        self.language = language
        with self._lock:
            self._news.language = language
        self.changed.emit()

    def set_warning(self, seconds_left: int | None) -> None:
        """Ask whether somebody is still there; None takes the question away."""
        with self._lock:
            self._news.warning = -1 if seconds_left is None else seconds_left
        self.changed.emit()

    def quit(self, code: int = 0) -> None:
        """Close the screen; :func:`ui.app.run_screen` then returns ``code``."""
        self.ended.emit(code)

    def take_news(self) -> _News:
        with self._lock:
            news, self._news = self._news, _News()
        return news


class Bridge(QObject):
    """The Qt side: writes the QML singleton ``Kiosk`` and listens to it."""

    def __init__(self, stage: Stage, kiosk: QObject, album: Album) -> None:
        super().__init__()
        self._stage = stage
        self._kiosk = kiosk
        self._album = album
        self._view: View | None = None
        self._shown: dict[str, Any] | None = None
        stage.changed.connect(self.refresh, Qt.ConnectionType.QueuedConnection)
        kiosk.intended.connect(self.intend)  # type: ignore[attr-defined]
        kiosk.languageWanted.connect(self.change_language)  # type: ignore[attr-defined]
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        news = self._stage.take_news()
        if news.warning is not None:
            self._kiosk.setProperty("warningSeconds", news.warning)
        if news.language:
            self._kiosk.setProperty("language", news.language)
            self._kiosk.setProperty("words", words(news.language))
        self._view = news.view or self._view
        if self._view and (news.view or news.language):
            self._show(self._view)

    def _show(self, view: View) -> None:
        with self._album.filling() as album:
            shown = describe(view, self._stage.language, album)
        if shown != self._shown:
            self._shown = shown
            self._kiosk.setProperty("screen", view.screen)
            self._kiosk.setProperty("view", shown)

    @Slot(str)
    def change_language(self, language: str) -> None:
        """At once on the screen; the engine is told because slips follow."""
        self._stage.set_language(language)
        self._stage.on_intent(SetLanguage(language))

    @Slot(str, str)
    def intend(self, name: str, argument: str) -> None:
        self._stage.on_intent(_INTENTS[name](argument))


def words(language: str) -> dict[str, str]:
    """The table [ui] of the catalogue: what the screens themselves say."""
    table = catalogue(language)
    return {key.removeprefix("ui."): bound(table[key]) for key in table if key.startswith("ui.")}


def bound(sentence: str) -> str:
    """``sentence`` with the last two words of each longer line held together: a lone word in a
    new line reads like a mistake. Nor does a line break inside "ông/bà"."""
    lines = sentence.replace("/", "/\u2060").split("\n")
    return "\n".join(
        "\u00a0".join(line.rsplit(" ", 1)) if len(line) > 24 else line for line in lines
    )


def describe(view: View, language: str, album: Album) -> dict[str, Any]:
    """``view`` as QML reads it: sentences in ``language``, pictures as addresses in ``album``."""
    shown: dict[str, Any] = _plain(view, language, album)
    if isinstance(view, IssuingView):
        shown |= {"done": view.done, "total": view.total}
    if isinstance(view, DoneView):
        shown["take_away"] = album.add(Code(view.take_away))
    if isinstance(view, ShowCodeView):
        shown["code"] = album.add(Code(view.code))
    return shown


def _plain(value: Any, language: str, album: Album) -> Any:
    if isinstance(value, Text):
        return bound(resolve(value, language))
    if isinstance(value, bytes | Raster):
        return album.add(value)
    if isinstance(value, tuple):
        return [_plain(item, language, album) for item in value]
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name), language, album)
            for field in fields(value)
        }
    return value
