"""Commands of the appliance itself: ``run``, ``link``, ``demo``, ``doctor``."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certify.statement import Mode
from kiosk.commands.options import settings_option
from kiosk.sandbox.faults import NAMES as FAULTS

if TYPE_CHECKING:
    from kiosk.settings import Settings

_UNAVAILABLE = 3


@click.command()
@settings_option
@click.pass_obj
def run(open_screen: Callable[..., int], settings: Settings) -> None:
    """The screen and the devices: what stands before the citizen."""
    logging.getLogger().setLevel(logging.INFO)
    from kiosk import app
    from kiosk.engine import Engine
    from kiosk.link.trust import load_anchor

    crashed: list[bool] = []

    def stop_for_restart() -> None:
        """systemd starts a fresh kiosk within a second."""
        crashed.append(True)
        os.kill(os.getpid(), signal.SIGTERM)

    load_anchor(settings.link.trust_anchor_file)
    engine = Engine(app.build, settings, lambda _: None, stop_for_restart)
    with app.only_one(settings):
        raise SystemExit(open_screen(settings, engine) or _UNAVAILABLE * len(crashed))


@click.command()
@settings_option
def link(settings: Settings) -> None:
    """The outside world: the one process that speaks to portal and providers."""
    logging.getLogger().setLevel(logging.INFO)
    from kiosk.link import process

    process.main(settings)


@click.command()
@click.option("--headless", is_flag=True, help="scripted citizen, screens rendered offscreen")
@click.option("--out", type=click.Path(path_type=Path), help="folder for copy, receipt, screens")
@click.option("--pages", multiple=True, type=click.Path(path_type=Path), help="paper to scan")
@click.option("--mode", type=click.Choice(["pre-check", "post-check"]), default="pre-check")
@click.option("--fault", "faults", multiple=True, type=click.Choice(FAULTS), help="trouble to meet")
@click.option("--dock", is_flag=True, help="a window to work the devices by hand")
@click.option("--json", "as_json", is_flag=True, help="the result as JSON")
@click.argument("more_pages", nargs=-1, type=click.Path(path_type=Path))
@click.pass_obj
def demo(
    open_screen: Callable[..., int],
    headless: bool,
    out: Path | None,
    pages: tuple[Path, ...],
    mode: Mode,
    faults: tuple[str, ...],
    dock: bool,
    as_json: bool,
    more_pages: tuple[Path, ...],
) -> None:
    """The whole kiosk on emulated devices and sandbox services.

    Exit 0 only if the copy verified and the portal accepted the dossier, once; 3 if the portal
    could not be reached while the citizen was there.
    """
    from kiosk.sandbox import demo as demonstration

    if headless and dock:
        raise click.UsageError("--dock is for a person, --headless for none")
    headless = headless or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    result = demonstration.run(
        open_screen,
        headless=headless,
        out=out,
        pages=(*pages, *more_pages),
        mode=mode,
        faults=faults,
        dock=dock and not headless,
    )
    print(json.dumps(result.to_dict(), ensure_ascii=False) if as_json else result.tell())
    sys.stdout.flush()
    raise SystemExit(result.exit_code)


@click.command()
@settings_option
@click.option("--json", "as_json", is_flag=True)
@click.option("--self-test", is_flag=True, help="also print a slip, scan it and read its code")
@click.option(
    "--controls",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="self-test in the sandbox: its controls.json instead of a person's hands",
)
def doctor(settings: Settings, as_json: bool, self_test: bool, controls: Path | None) -> None:
    """Is this kiosk ready? Exit 0 all well, 1 something to mend, 3 it cannot serve anybody."""
    from kiosk import readiness, selftest

    hands: selftest.Hands | None = None
    if self_test:
        ask = selftest.PersonsHands(lambda what: click.echo(what, err=True))
        hands = selftest.control_hands(controls) if controls else ask
    findings = readiness.examine(settings, hands)
    if as_json:
        print(json.dumps([finding.to_dict() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            print(f"{finding.light:<6} {finding.what:<16} {finding.detail}")
    raise SystemExit(readiness.exit_code(findings))


COMMANDS = (run, link, demo, doctor)
