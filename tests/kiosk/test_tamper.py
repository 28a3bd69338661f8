"""An opened housing: the journal, the latch, and staff who arms it again. And the call lamp."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from drivers.absent import AbsentSignals
from drivers.contract import DeviceError, Fault
from drivers.emulators.signal_box import SignalBoxEmulator
from kiosk import devices, staff, tamper
from kiosk.__main__ import cli
from kiosk.clock import local_now
from kiosk.failures import KioskError
from kiosk.journal import read
from kiosk.settings import Settings, load
from kiosk.storage import open_journal


class Rig:
    def __init__(self, folder: Path) -> None:
        self.box = SignalBoxEmulator()
        self.folder = folder
        self.file = folder / "kiosk.toml"
        self.file.write_text(
            f'[site]\nenvironment = "test"\nstate = "{folder}"\n'
            f'[devices.signals]\naddress = "{self.box.address}"\nlamp = 1\nbell = 2\ntamper = 1\n'
        )

    @property
    def settings(self) -> Settings:
        return load(self.file)

    def look(self) -> str:
        """The code that keeps a kiosk from signing, or nothing."""

        async def look() -> str:
            with closing(open_journal(self.settings, "run", local_now)) as journal:
                signals = self.signals
                kiosk: Any = SimpleNamespace(
                    settings=self.settings, signals=signals, journal=journal
                )
                try:
                    await tamper.require_shut(kiosk)
                except DeviceError as error:
                    return error.code
                finally:
                    await signals.close()
                return ""

        return asyncio.run(look())

    @property
    def signals(self) -> Any:
        return devices.signals(self.settings.devices.signals, self.folder / devices.TAMPER_FILE)

    def reset(self) -> Result:
        return CliRunner().invoke(cli, ["tamper", "reset", "--settings", str(self.file)])

    def events(self, writer: str) -> list[str]:
        return [entry["event"] for entry in read(self.folder / "journal" / f"{writer}.jsonl")]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.box.close()


def test_opened_once_is_opened_until_staff_arms_it_again(rig: Rig) -> None:
    assert rig.look() == ""
    rig.box.set(shut=False)
    assert [rig.look(), rig.look()] == [Fault.TAMPER_OPEN] * 2
    refused = rig.reset()
    assert isinstance(refused.exception, DeviceError)
    assert refused.exception.code == Fault.TAMPER_OPEN
    rig.box.set(shut=True)
    assert rig.look() == Fault.TAMPER_OPEN
    assert rig.reset().exit_code == 0
    assert rig.look() == ""
    assert rig.events("run") == ["tamper-opened"]
    assert rig.events("maintenance") == ["tamper-rearming", "tamper-rearming", "tamper-rearmed"]
    assert "was not opened" in rig.reset().output


def test_what_a_doctor_found_comes_into_the_journal_of_the_kiosk(rig: Rig) -> None:
    rig.box.set(shut=False)
    CliRunner().invoke(cli, ["devices", "probe", "--settings", str(rig.file)])
    assert rig.look() == Fault.TAMPER_OPEN
    assert rig.events("run") == ["tamper-opened"]


def test_a_switch_taken_out_of_the_settings_arms_nothing(rig: Rig) -> None:
    rig.box.set(shut=False)
    rig.look()
    rig.file.write_text(f'[site]\nenvironment = "test"\nstate = "{rig.folder}"\n')
    assert isinstance(rig.signals, AbsentSignals)
    assert rig.look() == Fault.TAMPER_OPEN
    assert rig.reset().exit_code == 0
    assert rig.look() == ""


def test_only_the_owner_of_the_state_arms_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of root's in the journal would keep the kiosk from locking dossiers."""
    rig.box.set(shut=False)
    rig.look()
    rig.box.set(shut=True)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert rig.reset().exit_code == 2
    assert rig.look() == Fault.TAMPER_OPEN
    assert not (rig.folder / "journal" / "maintenance.jsonl").exists()


def test_a_box_that_is_gone_stops_signing_and_is_over_when_it_is_back(rig: Rig) -> None:
    rig.box.set(unplugged=True)
    assert rig.look() == Fault.SIGNALS_ABSENT
    rig.box.set(unplugged=False)
    assert rig.look() == ""


class Link:
    def __init__(self, *, works: bool) -> None:
        self.works = works

    async def call(self, *_: Any) -> None:
        if not self.works:
            raise KioskError("link.absent")


@pytest.mark.parametrize(
    ("works", "unplugged", "words", "said"),
    [
        (False, False, "staff.called", {"answered": False, "lit": True}),
        (True, True, "staff.called", {"answered": True, "lit": False}),
        (False, True, "staff.by-phone", {"answered": False, "lit": False}),
    ],
)
def test_staff_is_called_by_lamp_also_without_a_network(
    rig: Rig, works: bool, unplugged: bool, words: str, said: dict[str, bool]
) -> None:
    entries: list[dict[str, Any]] = []
    rig.box.set(unplugged=unplugged)

    async def story() -> str:
        kiosk: Any = SimpleNamespace(
            settings=rig.settings,
            signals=rig.signals,
            link=Link(works=works),
            journal=SimpleNamespace(append=lambda event, **facts: entries.append(facts)),
        )
        notice = await staff.call(kiosk, reason="help", kept="kept.nothing")
        assert rig.box.state.outputs[:2] == [not unplugged] * 2
        await kiosk.signals.close()
        return notice.code

    assert asyncio.run(story()) == words
    assert entries == [{"reason": "help", **said}]
    assert not any(rig.box.state.outputs)
