"""Commands for the kiosk's devices: ``devices``, ``devices probe|watch|setup``."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiosk.commands.options import SYSTEM_FILE, settings_option

if TYPE_CHECKING:
    from kiosk.found import Found
    from kiosk.inventory import State
    from kiosk.settings import Settings


@click.group(invoke_without_command=True)
@settings_option
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def devices(context: click.Context, settings: Settings, as_json: bool) -> None:
    """The devices of this kiosk and how each is. Exit 0 all well, 3 one is not."""
    if context.invoked_subcommand is None:
        _show(_states(settings), as_json)


@devices.command()
@settings_option
@click.option("--json", "as_json", is_flag=True)
def probe(settings: Settings, as_json: bool) -> None:
    """Ask every configured device once, while no kiosk runs. Exit 0 all well, 3 one is not."""
    from kiosk import inventory

    _show(asyncio.run(inventory.probe(settings)), as_json)


@devices.command()
@settings_option
@click.option("--json", "as_json", is_flag=True, help="a JSON object a line")
@click.option("--every", default=2.0, show_default=True, help="seconds between two looks")
@click.option("--seconds", type=float, help="stop after this long; otherwise at Ctrl-C")
def watch(settings: Settings, as_json: bool, every: float, seconds: float | None) -> None:
    """Print each device, and then every change of one, with the time (Vietnam's)."""
    from kiosk.clock import local_now

    end = None if seconds is None else time.monotonic() + seconds
    before: dict[str, State] = {}
    while True:
        for state in _states(settings, quietly=True):
            if state != before.get(state.device):
                before[state.device] = state
                at = f"{local_now():%Y-%m-%d %H:%M:%S}"
                told = json.dumps({"at": at, **state.to_dict()}) if as_json else _line(state)
                print(told if as_json else f"{at} {told}", flush=True)
        if end is not None and time.monotonic() + every > end:
            return
        time.sleep(every)


@devices.command()
@settings_option
@click.option("--escl", default="", help="address of a network scanner, as http://host/eSCL")
@click.option("--ipp", default="", help="address of a network printer, as ipp://host/ipp/print")
@click.option("--into", type=click.Path(path_type=Path), default=SYSTEM_FILE, show_default=True)
@click.option("--yes", is_flag=True, help="write without asking")
def setup(settings: Settings, escl: str, ipp: str, into: Path, yes: bool) -> None:
    """Find what is attached and write it into a settings file, after a question.

    Network devices are heard when they announce themselves; others are asked at the addresses
    given. Devices that the settings name already stay; where several of a kind are attached,
    none is taken. Exit 0 written or nothing to write, 1 not wanted, 2 the file cannot be used.
    """
    from kiosk import finder
    from kiosk import setup as writing

    found = asyncio.run(finder.everything(escl, ipp, pcsc=settings.devices.card_reader.socket))
    plan = writing.plan(found, settings)
    for heading, part in (
        ("already in the settings", plan.kept),
        ("several of a kind, please choose one in the settings", plan.unclear),
        (f"to be written into {into}", plan.write),
    ):
        _tell(heading, part)
    if not found:
        print("nothing found: nothing announces itself on the network; no scanner through SANE,")
        print("no card reader through pcscd; no USB serial port, code reader, printer or camera")
    if not plan.write:
        print("nothing to write")
        return
    if not yes and not click.confirm("Write this?"):
        raise SystemExit(1)
    writing.write(into, plan.write)
    print(f"written: {into}")


def _tell(heading: str, part: tuple[Found, ...]) -> None:
    if part:
        print(f"{heading}:")
    for one in part:
        about = ", ".join(word for word in (one.what, one.profile) if word)
        print(f"  devices.{one.section}.{one.key} = {one.value!r}  {about}")
        for key, value in one.also:
            print(f"  devices.{one.section}.{key} = {value!r}")


def _states(settings: Settings, *, quietly: bool = False) -> list[State]:
    """What the running kiosk knows of the devices that it holds; without one they are asked."""
    from kiosk import inventory

    states = inventory.known(settings)
    if states is not None:
        return states
    return asyncio.run(inventory.probe(settings, quietly=quietly))


def _show(states: list[State], as_json: bool) -> None:
    from kiosk import inventory

    if as_json:
        print(json.dumps([state.to_dict() for state in states]))
    else:
        print("\n".join(_line(state) for state in states))
    raise SystemExit(inventory.exit_code(states))


def words_of(code: str) -> str:
    """What happened, in words, and the code in brackets. What to do is written for citizens."""
    from kiosk.failures import KioskError, failure_of
    from kiosk.strings import catalogue

    failure, words = failure_of(KioskError(code)), catalogue("en")
    said = f"{words[failure.title]}. {words[failure.happened]}"
    return f"{' '.join(said.split())} [{code}]"


def _line(state: State) -> str:
    where = state.address or "-"
    about = f"{words_of(state.code)} {state.detail}".strip() if state.code else state.detail
    return f"{state.state:<8} {state.device:<16} {where:<40} {about}".rstrip()


COMMANDS = (devices,)
