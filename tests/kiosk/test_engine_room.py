"""The first touch asks whether a dossier could be held; if not, nobody is let in."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.absent import AbsentPowerSupply, AbsentSignals
from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from kiosk import engine
from kiosk.journal import Journal, read
from kiosk.settings import Settings
from kiosk.stage import Prompter
from kiosk.views import AttractView, Back, Choose, FaultView, Next
from offline_queue.budget import Room, Shortage
from offline_queue.errors import Fault, QueueError
from tests.kiosk.test_session import NOW, Link, Person


class Outbox:
    """Answers in turn; the last one for ever."""

    def __init__(self, *answers: Shortage | QueueError | None) -> None:
        self.asked: list[int] = []
        self._answers = list(answers)

    def can_hold(self, size: int) -> Room:
        self.asked.append(size)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, QueueError):
            raise answer
        return Room(answer, used=0, free=0, stalled=0.0)


def wait(tmp_path: Path, outbox: Outbox, person: Person, supply: Any = None) -> Any:
    kiosk: Any = SimpleNamespace(
        settings=Settings(),
        link=Link(),
        outbox=outbox,
        power=supply or AbsentPowerSupply(),
        signals=AbsentSignals(),
        journal=Journal(tmp_path, "run", lambda: NOW),
    )

    async def main() -> None:
        prompter = Prompter(person, language="vi", idle_seconds=60, warning_seconds=60)
        await asyncio.wait_for(engine._wait_for_somebody(kiosk, prompter), 10)

    asyncio.run(main())
    kiosk.journal.close()
    return kiosk


def test_with_room_the_first_touch_begins(tmp_path: Path) -> None:
    outbox, person = Outbox(None), Person(Next())
    wait(tmp_path, outbox, person)
    assert outbox.asked == [Settings().outbox.expected_dossier_bytes]
    assert person.faults == []


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Shortage.BUDGET, Fault.NO_ROOM),
        (Shortage.DISK, Fault.NO_ROOM),
        (Shortage.AGE, Fault.NO_ROOM),
        (Shortage.READ_ONLY, Fault.READ_ONLY),
        (QueueError(Fault.IO), Fault.IO),
        (QueueError(Fault.DISK_FULL), Fault.DISK_FULL),
    ],
)
def test_without_room_nobody_is_let_in_until_there_is(
    tmp_path: Path, trouble: Shortage | QueueError, code: Fault
) -> None:
    person = Person(Next(), Back(), Next())
    wait(tmp_path, Outbox(trouble, None), person)
    assert [type(view) for view in person.views] == [AttractView, FaultView, AttractView]
    assert person.faults == [code]
    events = [entry["event"] for entry in read(tmp_path / "run.jsonl")]
    assert events == ["failure-shown"]


def test_staff_can_be_called_from_there(tmp_path: Path) -> None:
    person = Person(Next(), Choose("staff"), Choose("continue"), Next())
    kiosk = wait(tmp_path, Outbox(Shortage.DISK, None), person)
    assert person.faults == [Fault.NO_ROOM, "staff.called"]
    assert kiosk.link.calls == ["call-staff"]


class Supply:
    """Answers in turn; then all is well."""

    def __init__(self, *troubles: DeviceFault) -> None:
        self.troubles = list(troubles)

    async def check(self) -> None:
        if self.troubles:
            raise DeviceError(self.troubles.pop(0))


@pytest.mark.parametrize("trouble", [DeviceFault.POWER_OUT, DeviceFault.POWER_LOW])
def test_on_battery_nobody_new_is_let_in_until_there_is_power(
    tmp_path: Path, trouble: DeviceFault
) -> None:
    person = Person(Next(), Back(), Next())
    wait(tmp_path, Outbox(None), person, Supply(trouble))
    assert [type(view) for view in person.views] == [AttractView, FaultView, AttractView]
    assert person.faults == [trouble]


def test_a_supply_that_says_nothing_keeps_nobody_out(tmp_path: Path) -> None:
    person = Person(Next())
    wait(tmp_path, Outbox(None), person, Supply(DeviceFault.POWER_ABSENT))
    assert person.faults == []


def test_an_engine_whose_housing_is_no_longer_watched_starts_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("kiosk")

    async def for_ever(*_: Any) -> None:
        await asyncio.Event().wait()

    async def watch(_: Any) -> None:
        raise OSError("secret")

    for module, name in (
        (engine, "serve"),
        (engine.reports, "keep_reporting"),
        (engine.inventory, "publish"),
    ):
        monkeypatch.setattr(module, name, for_ever)
    monkeypatch.setattr(engine.tamper, "watch", watch)
    kiosk: Any = SimpleNamespace(
        shelf=SimpleNamespace(keep_fresh=for_ever), devices={}, close=close
    )
    crashed = threading.Event()
    running = engine.Engine(lambda _: kiosk, Settings(), lambda _: None, crashed.set)
    running.start(Person())
    assert crashed.wait(10)
    running.stop()
    assert closed == ["kiosk"]
    assert "OSError at test_engine_room.py" in caplog.text
    assert "secret" not in caplog.text
