"""The command line: ``kiosk COMMAND``. Exit 0 yes, 1 no, 2 bad input, 3 unavailable.

This is the one module of the core that imports ``ui``, and only when a command opens a screen.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kiosk.coded import CODED_ERRORS
from kiosk.commands import appliance, devices, papers, queue, servers, tamper, trust
from kiosk.failures import failure_of
from kiosk.strings import catalogue

if TYPE_CHECKING:
    from kiosk.engine import Engine
    from kiosk.sandbox.dock import Dock
    from kiosk.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mot-cua-kiosk", prog_name="kiosk")
def cli() -> None:
    """Một Cửa Kiosk: papers in, certified copies and filed dossiers out, also without a network.

    Exit codes: 0 yes, 1 no, 2 bad input, 3 something needed is unavailable.
    """


for group in (appliance, devices, papers, queue, servers, tamper, trust):
    for command in group.COMMANDS:
        cli.add_command(command)


def open_screen(
    settings: Settings,
    engine: Engine,
    robot: Callable[[Any], object] | None = None,
    dock: Dock | None = None,
) -> int:
    from ui.app import run_screen

    if dock:
        from ui.dock import beside

        robot = beside(dock, robot)
    return run_screen(settings, engine, robot)


def main() -> None:
    """Run a command; a coded failure becomes one line on stderr and its exit code."""
    # What any command writes may be about a person: nobody else on this machine reads it.
    os.umask(0o077)
    # Offices, slips and signatures live in one time zone, whatever the machine was set up with.
    os.environ["TZ"] = "Asia/Ho_Chi_Minh"
    time.tzset()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        cli.main(obj=open_screen)
    except CODED_ERRORS as error:
        failure = failure_of(error)
        words = catalogue("en")[failure.title]
        detail = f" ({error.detail})" if error.detail else ""
        print(f"kiosk: {words}{detail} [{error.code}]", file=sys.stderr)
        raise SystemExit(failure.exit_code) from None


if __name__ == "__main__":
    main()
