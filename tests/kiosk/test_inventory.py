"""``kiosk devices`` and the devices' part of ``kiosk doctor``, on emulated devices."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from drivers.absent import AbsentScanner
from drivers.contract import Fault, Health, Status
from kiosk import app, inventory, readiness
from kiosk.__main__ import cli
from kiosk.commands import devices as devices_command
from kiosk.commands import options
from kiosk.settings import Settings
from kiosk.strings import catalogue
from tests.kiosk.rig import Rig, rig_in


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_in(tmp_path) as rig:
        yield rig


def code_of(done: Result) -> str:
    return str(getattr(done.exception, "code", ""))


def test_every_device_is_asked_once(rig: Rig) -> None:
    done = rig.command("devices", "probe", "--json")
    states = json.loads(done.stdout)
    assert done.exit_code == 0
    assert [state["device"] for state in states] == [kind.name for kind in inventory.KINDS]
    assert {state["state"] for state in states} == {"ready"}
    assert states[2]["profile"] == "generic-mjpeg"


def test_each_trouble_is_told_by_its_code(rig: Rig) -> None:
    rig.scanner.set(adf="jam")
    rig.reader.unplug()
    rig.camera.state.stopped = True
    rig.printer.set(cover_open=True)
    rig.paper.state.jammed = True
    rig.cards.unplug()
    rig.ups.state.mains = False
    rig.box.state.shut = False
    done = rig.command("devices")
    assert done.exit_code == 3
    told = [line.split() for line in done.stdout.splitlines()]
    assert [words[0] for words in told] == [
        "fault",
        "absent",
        "absent",
        "fault",
        "fault",
        "absent",
        "fault",
        "fault",
    ]
    assert [
        next(word.strip("[]") for word in words if word.startswith("[device.")) for words in told
    ] == [
        "device.scanner.jam",
        "device.reader.absent",
        "device.camera.absent",
        "device.receipt.cover-open",
        "device.printer.jam",
        "device.card-reader.absent",
        "device.power.out",
        "device.tamper.open",
    ]


def test_a_device_that_the_settings_do_not_name_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(f'[site]\nenvironment = "test"\nstate = "{tmp_path}"\n')
    done = CliRunner().invoke(cli, ["devices", "--settings", str(file)])
    assert done.exit_code == 0
    assert done.stdout.count("none in the settings") == len(inventory.KINDS)


def test_doctor_shows_settings_that_make_no_kiosk_as_a_light(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(f'[site]\nenvironment = "test"\nstate = "{tmp_path}"\n')
    done = CliRunner().invoke(cli, ["doctor", "--settings", str(file), "--json"])
    assert done.exit_code == 3
    first, *others = json.loads(done.stdout)
    assert (first["what"], first["light"]) == ("settings", "red")
    assert "link.trust_anchor_file" in first["detail"]
    assert [each["what"] for each in others] == [kind.name for kind in inventory.KINDS]


def test_a_missing_settings_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "SYSTEM_FILE", tmp_path / "kiosk.toml")
    monkeypatch.setattr("kiosk.commands.devices._states", lambda *_, **__: [])
    for words in (["devices", "--json"], ["devices", "watch", "--seconds", "0"]):
        done = CliRunner().invoke(cli, words)
        assert done.stderr.count(f"no settings file: {tmp_path / 'kiosk.toml'} is not there") == 1


def test_a_change_is_printed_and_nothing_else(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []

    def look(settings: Settings, *, quietly: bool) -> list[inventory.State]:
        looks.append(None)
        state = "ready" if len(looks) < 3 else "fault"
        return [inventory.State("scanner", "generic-escl", "x", state)]

    monkeypatch.setattr("kiosk.commands.devices._states", look)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("time.monotonic", lambda: float(len(looks)))
    done = rig.command("devices", "watch", "--every", "1", "--seconds", "5")
    assert len(looks) > 3
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [state for _day, _time, state, *_ in lines] == ["ready", "fault"]
    assert all(datetime.fromisoformat(f"{day} {time}") for day, time, *_ in lines)


def test_trouble_is_told_in_words() -> None:
    state = inventory.State("scanner", "generic-escl", "x", "absent", "device.scanner.absent")
    line = devices_command._line(state)
    assert line.endswith("[device.scanner.absent]")
    assert catalogue("en")["failure.scanner-off.title"] in line


def scanner_that(ask: Any) -> inventory.Kind:
    kind = inventory.KINDS[0]
    return replace(kind, ask=ask, make=lambda settings: AbsentScanner())


def test_a_device_that_gives_no_answer_is_never_well(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(scanner: Any) -> str:
        await asyncio.Event().wait()
        return "never"

    monkeypatch.setattr(inventory, "_DEADLINE", 0.05)
    (state,) = asyncio.run(inventory.probe(rig.settings, [scanner_that(hang)]))
    assert (state.state, state.code, state.fine) == ("fault", "device.scanner.io", False)
    assert inventory.exit_code([state]) != 0


def test_a_device_that_meets_an_error_of_the_system_does_not_end_the_list(rig: Rig) -> None:
    async def blunder(scanner: Any) -> str:
        raise PermissionError("a folder of somebody else's")

    kinds = [scanner_that(blunder), inventory.KINDS[1]]
    first, second = asyncio.run(inventory.probe(rig.settings, kinds))
    assert (first.state, first.code, first.detail) == (
        "fault",
        "kiosk.unexpected",
        "PermissionError",
    )
    assert second.state == "ready"


@pytest.mark.parametrize(
    ("state", "code", "fine", "warned"),
    [
        ("opening", "", True, False),
        ("ready", "", True, False),
        ("ready", "device.receipt.not-taken", True, True),
        ("ready", "device.scanner.empty", True, False),
        ("busy", "", True, False),
        ("stale", "", False, False),
        ("absent", "", False, False),
    ],
)
def test_which_states_are_well(state: str, code: str, fine: bool, warned: bool) -> None:
    said = inventory.State("scanner", "", "http://x", state, code)
    assert (said.fine, said.warned, inventory.exit_code([said])) == (fine, warned, 0 if fine else 3)


def test_watching_opens_no_camera(rig: Rig) -> None:
    done = rig.command("devices", "watch", "--seconds", "0")
    assert [line.split()[2] for line in done.stdout.splitlines()] == ["ready"] * 8
    assert rig.camera.state.frames_sent == 0


class Held:
    """A device of a running kiosk."""

    def __init__(self, health: Health, code: str | None = None) -> None:
        self._status = Status(health, 0.0, code)

    def status(self) -> Status:
        return self._status


def test_the_running_kiosk_says_how_its_devices_are(rig: Rig) -> None:
    settings = rig.settings
    held: dict[str, Any] = {kind.name: Held(Health.READY) for kind in inventory.KINDS}
    held["receipt printer"] = Held(Health.FAULT, Fault.RECEIPT_PAPER_OUT)

    async def tell() -> list[inventory.State] | None:
        telling = asyncio.create_task(inventory.publish(settings, held))
        await asyncio.sleep(0)  # it writes before it first waits
        telling.cancel()
        return inventory.known(settings)

    with app.only_one(settings):
        early = rig.command("devices")
        states = asyncio.run(asyncio.wait_for(tell(), 10))
        listed = rig.command("devices", "--json")
        probed = rig.command("devices", "probe")
        long_ago = time.time() - 600
        os.utime(settings.site.state / inventory.FILE, (long_ago, long_ago))
        old = rig.command("devices", "--json")
    # Devices that a kiosk holds are not asked behind its back.
    assert [code_of(early), code_of(probed)] == ["kiosk.running"] * 2
    assert {state["state"] for state in json.loads(old.stdout)} == {"stale"}
    assert states is not None
    assert states[3].code == "device.receipt.paper-out"
    assert json.loads(listed.stdout)[3]["state"] == "fault"
    assert listed.exit_code == 3
    # Without a kiosk that runs, what it said is old: the printer is asked, and is well.
    assert rig.command("devices").exit_code == 0


def test_whoever_may_not_know_whether_a_kiosk_runs_asks_no_device(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a technician's own account may not, since the folder is the kiosk's."""

    def denied(*_: Any) -> None:
        raise PermissionError

    (rig.settings.site.state / "run.lock").touch()
    monkeypatch.setattr("fcntl.flock", denied)
    assert code_of(rig.command("devices")) == "kiosk.running"


def test_states_are_written_again_though_none_has_changed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(inventory, "_LOOK_SECONDS", 0)
    monkeypatch.setattr(inventory, "_AGAIN_SECONDS", 0)
    monkeypatch.setattr(inventory, "_write", lambda file, states: written.append(states))
    held: dict[str, Any] = {kind.name: Held(Health.READY) for kind in inventory.KINDS}

    async def tell() -> None:
        telling = asyncio.create_task(inventory.publish(rig.settings, held))
        while len(written) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        telling.cancel()

    asyncio.run(asyncio.wait_for(tell(), 10))
    assert written[0] == written[1]


def test_a_roll_near_its_end_is_a_yellow_light_with_what_is_left(rig: Rig) -> None:
    kind = next(kind for kind in inventory.KINDS if kind.name == "receipt printer")
    kiosk: Any = SimpleNamespace(
        settings=rig.settings, devices={kind.name: kind.make(rig.settings)}
    )
    check = readiness._check_of(kind)
    fine = asyncio.run(readiness._ask(check, kiosk))
    rig.printer.set(paper="near-end")
    low = asyncio.run(readiness._ask(check, kiosk))
    assert (fine.light, low.light) == ("green", "yellow")
    assert low.detail == "the roll is near its end, about 2.0 m left"
    held = inventory.State(kind.name, "", "tcp://x", "ready", "device.receipt.paper-low")
    assert readiness._held(held).light == "yellow"
    assert rig.command("devices", "probe").exit_code == 0  # a warning is no failure
