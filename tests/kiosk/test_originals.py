"""A paper that its owner left in the scanner: the next person does not get it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from drivers.absent import AbsentSignals
from drivers.contract import DeviceError, Fault, Health, Status
from kiosk import originals
from kiosk.journal import Journal, read
from kiosk.settings import Settings
from kiosk.stage import Prompter
from kiosk.views import Choose, Intent, View
from tests.kiosk.test_session import NOW, Link, Person


class Scanner:
    """At fault, with paper inside, until it was asked ``looks`` times."""

    def __init__(self, looks: int, code: Fault) -> None:
        self.looks, self.code = looks, code

    def status(self) -> Status:
        inside = self.looks > 0
        if not inside:
            return Status(Health.READY, 0.0)
        return Status(Health.FAULT, 0.0, self.code, paper_inside=True)

    async def check(self) -> None:
        self.looks -= 1
        if self.looks > 0:
            raise DeviceError(self.code, paper_inside=True)


def guard(
    folder: Path, looks: int, *touches: Intent, code: Fault = Fault.SCANNER_JAM
) -> tuple[list[str], list[str], list[View]]:
    """What the journal has, whom link was asked for, what was shown."""
    link, person = Link(), Person(*touches)
    journal = Journal(folder, "run", lambda: NOW)
    kiosk: Any = SimpleNamespace(
        settings=Settings(),
        link=link,
        scanner=Scanner(looks, code),
        signals=AbsentSignals(),
        journal=journal,
    )

    async def main() -> None:
        prompter = Prompter(person, language="vi", idle_seconds=60, warning_seconds=60)
        await asyncio.wait_for(originals.guard(kiosk, prompter), 10)

    asyncio.run(main())
    journal.close()
    events = [entry["event"] for entry in read(folder / "run.jsonl")]
    return events, link.calls, person.views


def test_an_empty_scanner_is_nobodys_business(tmp_path: Path) -> None:
    assert guard(tmp_path, 0) == ([], [], [])


def test_staff_is_called_and_the_notice_stays_until_the_paper_is_out(tmp_path: Path) -> None:
    events, calls, views = guard(tmp_path, 1)
    assert events == ["original-left", "staff-called"]
    assert calls == ["call-staff"]
    assert [view.screen for view in views] == ["Fault"]


def test_nobody_gets_past_it_by_a_touch_while_the_scanner_says_that_it_is_jammed(
    tmp_path: Path,
) -> None:
    events, _, views = guard(tmp_path, 2, Choose("staff"), Choose("paper-out"), Choose("paper-out"))
    assert events == ["original-left", "staff-called", "staff-called"]
    assert len(views) == 3


def test_a_scanner_that_is_gone_keeps_nobody_out(tmp_path: Path) -> None:
    _, _, views = guard(tmp_path, 10_000, Choose("paper-out"), code=Fault.SCANNER_ABSENT)
    assert len(views) == 1
