"""What the portal needs of a procedure: its title, its public code, and its deadline.

Read from the same files in ``config/procedures`` and the same packs that the kiosks run by.
Working days are Monday to Friday without the agency's holidays.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from certify.packs import file_name
from kiosk.portal.times import VIETNAM, now
from kiosk.portal.trust import POLICY, begun_packs

log = logging.getLogger(__name__)

EVERY_WAY = ("at-the-desk", "at-the-kiosk", "by-video")
_OFFICE_CLOSES = time(17, 0)
_DEFAULT_CUT_OFF = 15


@dataclass(frozen=True, slots=True)
class ProcedureFacts:
    """``days``: working days; ``cut_off_hour``: what comes later counts as of the next one.
    ``paper``: the words for papers of ``paper_class``. ``original_seen``: in which ways an officer
    may have seen the original (:mod:`kiosk.portal.attestations`)."""

    id: str
    code: str
    title: str
    field: str
    days: int
    cut_off_hour: int
    paper_class: str = ""
    paper: str = ""
    original_seen: tuple[str, ...] = EVERY_WAY


class Catalogue:
    """The procedures built in, and over them those of the packs in ``trust_dir``. What a pack has
    withdrawn or replaced stays known: dossiers of it are still under way."""

    def __init__(self, trust_dir: Path) -> None:
        self._trust_dir = trust_dir
        self._known: tuple[object, dict[str, ProcedureFacts]] = (None, {})

    def procedure(self, name: str) -> ProcedureFacts:
        """Of an id or code. One that this portal does not know is due the same day."""
        unknown = ProcedureFacts(name, name, name, "", 0, _DEFAULT_CUT_OFF)
        return self._procedures().get(name, unknown)

    def papers(self, classes: Iterable[str]) -> str:
        """In Vietnamese, as kiosks name them to citizens. A class of no procedure stands as it
        is: the register must say what it was told."""
        words = {facts.paper_class: facts.paper for facts in self._procedures().values()}
        return ", ".join(words.get(each) or each for each in classes)

    def _procedures(self) -> dict[str, ProcedureFacts]:
        """Read anew when a file in the folder or the day is another one."""
        state = self._state()
        if self._known[0] != state:
            self._known = (state, _all_known(self._trust_dir))
        return self._known[1]

    def _state(self) -> object:
        files = [self._trust_dir / POLICY, *sorted(self._trust_dir.glob(file_name("*")))]
        written = [(file, file.stat().st_mtime_ns) for file in files if file.exists()]
        return written, now().astimezone(VIETNAM).date()


def _all_known(trust_dir: Path) -> dict[str, ProcedureFacts]:
    found = dict(_built_in())
    for pack in begun_packs(trust_dir):
        for name, text in pack.procedures.items():
            try:
                facts = _facts(tomllib.loads(text))
            except (ValueError, KeyError, TypeError) as error:
                log.error("%s/%s is left out: %s", pack.name, name, type(error).__name__)
            else:
                found[facts.id] = found[facts.code] = facts
    return found


@cache
def _built_in() -> dict[str, ProcedureFacts]:
    """By id and by public code. Raises OSError, KeyError or ValueError for a damaged file."""
    found: dict[str, ProcedureFacts] = {}
    for file in (resources.files("config") / "procedures").iterdir():
        if file.name.endswith(".toml"):
            facts = _facts(tomllib.loads(file.read_text("utf-8")))
            found[facts.id] = found[facts.code] = facts
    return found


def due_at(received: datetime, facts: ProcedureFacts, holidays: Collection[date]) -> datetime:
    """When the result is due: the close of the office on the last day, in Vietnam's time."""
    local = received.astimezone(VIETNAM)
    day, days = local.date(), facts.days
    if not _works(day, holidays):
        day = _next_working_day(day, holidays)
    elif local.hour >= facts.cut_off_hour:
        days += 1
    for _ in range(days):
        day = _next_working_day(day, holidays)
    return datetime.combine(day, _OFFICE_CLOSES, VIETNAM)


def _next_working_day(day: date, holidays: Collection[date]) -> date:
    day += timedelta(days=1)
    while not _works(day, holidays):
        day += timedelta(days=1)
    return day


def _works(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


def _facts(values: dict[str, Any]) -> ProcedureFacts:
    deadline = values["deadline"]
    return ProcedureFacts(
        id=values["id"],
        code=values["code"],
        title=values["words"]["vi"]["title"],
        field=values.get("field", ""),
        days=deadline["days"],
        cut_off_hour=deadline.get("cut_off_hour", _DEFAULT_CUT_OFF),
        paper_class=values.get("paper_class", ""),
        paper=values["words"]["vi"].get("paper", ""),
        original_seen=tuple(values.get("original_seen", EVERY_WAY)),
    )
