"""Commands for the outbox: ``queue list|show|retry``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from kiosk.commands.options import settings_option
from kiosk.settings import Settings
from offline_queue.errors import Fault, QueueError

if TYPE_CHECKING:
    from offline_queue.entries import Dossier
    from offline_queue.outbox import Outbox


@click.group()
def queue() -> None:
    """Look at the dossiers that wait on this kiosk."""


@queue.command("list")
@settings_option
@click.option("--json", "as_json", is_flag=True)
def list_dossiers(settings: Settings, as_json: bool) -> None:
    """All dossiers of this kiosk, oldest first."""
    rows = [_row(entry) for entry in _outbox(settings).list()]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['sequence']:>6}  {row['state']:<9} {row['id']}  {row['parts']} parts")


@queue.command()
@settings_option
@click.argument("dossier", type=UUID)
@click.option("--json", "as_json", is_flag=True)
def show(settings: Settings, dossier: UUID, as_json: bool) -> None:
    """One dossier: state, parts, attempts, last problem."""
    row = _row(_outbox(settings).get(dossier))
    if as_json:
        print(json.dumps(row))
        return
    for name, value in row.items():
        print(f"{name:<10} {value}")


@queue.command()
@settings_option
@click.argument("dossier", type=UUID)
def retry(settings: Settings, dossier: UUID) -> None:
    """Send a rejected or unknown dossier again."""
    _outbox(settings).retry(dossier)
    print(f"{dossier} will be sent again")


def _outbox(settings: Settings) -> Outbox:
    from kiosk.clock import local_now
    from offline_queue.outbox import Outbox

    state: Path = settings.site.state
    if not (state / "outbox").is_dir():
        raise QueueError(Fault.NOT_FOUND, f"no outbox in {state}")
    return Outbox(state / "outbox", machine_key=state / "machine.key", clock=local_now)


def _row(entry: Dossier) -> dict[str, object]:
    return {
        "id": str(entry.id),
        "state": str(entry.state),
        "sequence": entry.sequence or 0,
        "procedure": entry.procedure,
        "parts": len(entry.parts),
        "attempts": entry.attempts,
        "problem": entry.problem or "",
        "changed": entry.changed_at.isoformat(timespec="seconds"),
    }


COMMANDS = (queue,)
