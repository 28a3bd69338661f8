"""The session's duties: a way on from every trouble, staff within reach, nothing left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from drivers.absent import AbsentPowerSupply, AbsentSignals
from drivers.contract import DeviceError, Fault
from kiosk import steps
from kiosk.failures import Fault as CoreFault
from kiosk.failures import KioskError
from kiosk.journal import Journal, read
from kiosk.link import verbs
from kiosk.session import BACK, NEXT, Finished, Outcome, Session
from kiosk.settings import Settings
from kiosk.stage import Prompter
from kiosk.views import (
    Back,
    CallStaff,
    Choose,
    ConsentView,
    FaultView,
    Intent,
    Leave,
    Next,
    Text,
    View,
)

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DRAFT = UUID("0190b2c4-7000-7000-8000-000000000001")
QUESTION = ConsentView(purpose="data", title=Text.plain("?"), points=())


class Person:
    """A stage with a person who gives the answers in ``script``, one a view."""

    def __init__(self, *script: Intent) -> None:
        self.on_intent: Callable[[Intent], None] = lambda _: None
        self.views: list[View] = []
        self._script = list(script)

    def present(self, view: View) -> None:
        self.views.append(view)
        if self._script:
            asyncio.get_running_loop().call_soon(self.on_intent, self._script.pop(0))

    def set_language(self, language: str) -> None:
        pass

    def set_warning(self, seconds_left: int | None) -> None:
        pass

    @property
    def faults(self) -> list[str]:
        return [view.code for view in self.views if isinstance(view, FaultView)]


class Link:
    def __init__(self, error: KioskError | None = None) -> None:
        self.error = error
        self.calls: list[str] = []

    async def call(self, verb: Any, request: Any) -> Any:
        self.calls.append(verb.name)
        if self.error:
            raise self.error
        return verbs.LinkStatus(online=True, outbox_waiting=0, clock_trusted=True)


class Outbox:
    def __init__(self) -> None:
        self.discarded: list[UUID] = []

    def discard(self, id: UUID) -> None:
        self.discarded.append(id)


@pytest.fixture
def kiosk(tmp_path: Path) -> Any:
    return SimpleNamespace(
        settings=Settings(),
        clock=lambda: NOW,
        link=Link(),
        outbox=Outbox(),
        power=AbsentPowerSupply(),
        signals=AbsentSignals(),
        journal=Journal(tmp_path, "run", lambda: NOW),
        path=tmp_path / "run.jsonl",
    )


def serve(
    kiosk: Any,
    person: Person,
    step: Callable[[Session], Any],
    monkeypatch: pytest.MonkeyPatch,
    idle: float = 60,
) -> Finished:
    """A session of the one step ``step``."""

    async def main() -> Finished:
        prompter = Prompter(person, language="vi", idle_seconds=idle, warning_seconds=idle)
        session = Session(kiosk, prompter, None, {})

        async def choose(chosen: Session) -> Outcome:
            chosen.record.procedure = SimpleNamespace(  # type: ignore[assignment]
                id="test", steps=("only",), identity="claimed"
            )
            chosen.record.dossier = DRAFT
            return NEXT

        monkeypatch.setattr("kiosk.steps.choose_service.run", choose)
        monkeypatch.setitem(steps.STEPS, "only", step)
        return await session.run()

    return asyncio.run(main())


async def fine(session: Session) -> Outcome:
    await session.ask(QUESTION)
    return NEXT


def test_a_session_that_is_walked_through_is_done(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = serve(kiosk, Person(Next()), fine, monkeypatch)
    assert finished.ended == "done"
    assert [name for name, _, _ in finished.timeline] == ["choose", "only"]


@pytest.mark.parametrize(("outcome", "ended"), [(NEXT, "done"), (BACK, "left")])
def test_who_checks_a_copy_walks_that_step_alone(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, ended: str
) -> None:
    async def main() -> Finished:
        async def check(_: Session) -> Outcome:
            return outcome

        monkeypatch.setattr("kiosk.steps.check_copy.run", check)
        prompter = Prompter(Person(), language="vi", idle_seconds=60, warning_seconds=60)
        return await Session(kiosk, prompter, None, {}, "check-copy").run()

    finished = asyncio.run(main())
    assert (finished.ended, finished.dossier) == (ended, None)
    assert [name for name, *_ in finished.timeline] == ["check"]


def test_a_draft_that_was_not_locked_is_destroyed(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = serve(kiosk, Person(Leave()), fine, monkeypatch)
    assert finished.ended == "left"
    assert kiosk.outbox.discarded == [DRAFT]
    assert [entry["event"] for entry in read(kiosk.path)] == ["draft-discarded", "session-ended"]


class EmptyingBattery:
    """On battery at first, nearly empty at the second look."""

    def __init__(self) -> None:
        self.codes = [Fault.POWER_OUT, Fault.POWER_LOW]

    async def check(self) -> None:
        raise DeviceError(self.codes.pop(0))


def test_a_battery_that_runs_empty_ends_the_session_and_destroys_the_draft(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.power._LOOK_SECONDS", 0)
    kiosk.power = EmptyingBattery()
    finished = serve(kiosk, Person(), fine, monkeypatch)
    assert finished.ended == "power"
    assert kiosk.power.codes == []
    assert kiosk.outbox.discarded == [DRAFT]


def test_nobody_there_any_more(kiosk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = serve(kiosk, Person(), fine, monkeypatch, idle=0.05)
    assert finished.ended == "idle"
    assert kiosk.outbox.discarded == [DRAFT]


def test_trouble_is_told_and_tried_again(kiosk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles = [DeviceError(Fault.SCANNER_JAM), DeviceError(Fault.SCANNER_DOOR_OPEN)]

    async def step(session: Session) -> Outcome:
        if troubles:
            raise troubles.pop(0)
        return NEXT

    person = Person(Choose("retry"), Choose("retry"))
    assert serve(kiosk, person, step, monkeypatch).ended == "done"
    assert person.faults == ["device.scanner.jam", "device.scanner.door-open"]


def test_a_defect_is_a_fault_screen_and_its_message_is_not_logged(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def step(session: Session) -> Outcome:
        raise KeyError("Nguyễn Thị Bịa Đặt")

    person = Person(Back())
    with caplog.at_level(logging.DEBUG):
        finished = serve(kiosk, person, step, monkeypatch)
    assert person.faults == [CoreFault.UNEXPECTED]
    assert finished.ended == "left"
    assert "KeyError at test_session.py" in caplog.text
    assert "Bịa Đặt" not in caplog.text


@pytest.mark.parametrize(
    ("error", "told"),
    [(None, "staff.called"), (KioskError(CoreFault.LINK_OFFLINE), "staff.by-phone")],
)
def test_staff_is_called_and_the_question_comes_back(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch, error: KioskError | None, told: str
) -> None:
    kiosk.link = Link(error)
    person = Person(CallStaff(), Choose("continue"), Next())
    assert serve(kiosk, person, fine, monkeypatch).ended == "done"
    assert kiosk.link.calls == ["call-staff"]
    assert person.faults == [told]
    assert person.views[0] is person.views[2] is QUESTION


def test_going_back_from_the_first_step_ends_the_session(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def step(session: Session) -> Outcome:
        await session.ask(QUESTION)
        return BACK

    assert serve(kiosk, Person(Back()), step, monkeypatch).ended == "left"


def test_skipping_is_offered_only_where_a_step_allows_it(
    kiosk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def step(session: Session) -> Outcome:
        error = DeviceError(Fault.CAMERA_ABSENT)
        first = await session.tell(error)
        second = await session.tell(error, skippable=True)
        assert (first, second) == ("retry", "skip")
        return NEXT

    person = Person(Choose("retry"), Choose("skip"))
    assert serve(kiosk, person, step, monkeypatch).ended == "done"
    offered = [view.actions for view in person.views if isinstance(view, FaultView)]
    assert offered == [("retry", "staff"), ("retry", "skip", "staff")]
