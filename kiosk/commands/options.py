"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

SYSTEM_FILE = Path("/etc/kiosk/kiosk.toml")


def settings_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--settings FILE`` (repeatable) and passes the loaded ``settings``."""

    @click.option(
        "--settings",
        "files",
        multiple=True,
        type=click.Path(path_type=Path),
        help=f"settings file, later ones win  [default: {SYSTEM_FILE}]",
    )
    @wraps(command)
    def with_settings(*arguments: Any, files: tuple[Path, ...], **options: Any) -> Any:
        from kiosk import settings

        chosen = files or ((SYSTEM_FILE,) if SYSTEM_FILE.exists() else ())
        if not chosen:
            _tell_once(f"no settings file: {SYSTEM_FILE} is not there, defaults count")
        return command(*arguments, settings=settings.load(*chosen), **options)

    return with_settings


def _tell_once(line: str) -> None:
    """A group and its subcommand both ask for settings."""
    told = click.get_current_context().find_root().meta
    if not told.get(__name__):
        told[__name__] = True
        click.echo(line, err=True)
