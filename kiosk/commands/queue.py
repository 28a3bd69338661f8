"""Commands for the outbox: ``queue list|show|retry|hold|release|export|audit``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from kiosk.commands.options import settings_option
from offline_queue.errors import Fault, QueueError

if TYPE_CHECKING:
    from kiosk.settings import Settings
    from offline_queue.audit import Report
    from offline_queue.entries import Dossier
    from offline_queue.outbox import Outbox

PAGE = 100


@click.group()
def queue() -> None:
    """Look at the dossiers that wait on this kiosk, and decide about them."""


@queue.command("list")
@settings_option
@click.option("--after", type=UUID, help="go on behind this dossier")
@click.option("--limit", default=PAGE, show_default=True, help="most dossiers to list")
@click.option("--json", "as_json", is_flag=True)
def list_dossiers(settings: Settings, after: UUID | None, limit: int, as_json: bool) -> None:
    """Dossiers of this kiosk, oldest first."""
    with _outbox(settings) as outbox:
        rows = [_row(entry) for entry in outbox.list(after=after, limit=limit)]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        held = "held" if row["held"] else ""
        line = f"{row['sequence']:>6}  {row['state']:<9} {row['id']}  {row['parts']} parts  {held}"
        print(line.rstrip())


@queue.command()
@settings_option
@click.argument("dossier", type=UUID)
@click.option("--json", "as_json", is_flag=True)
def show(settings: Settings, dossier: UUID, as_json: bool) -> None:
    """One dossier: state, parts, attempts, last problem."""
    with _outbox(settings) as outbox:
        row = _row(outbox.get(dossier))
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
    with _outbox(settings) as outbox:
        if outbox.get(dossier).receipt:
            print(f"{dossier} was accepted by the portal already")
            return
        outbox.retry(dossier)
    print(f"{dossier} will be sent again")


@queue.command()
@settings_option
@click.argument("dossier", type=UUID)
def hold(settings: Settings, dossier: UUID) -> None:
    """Do not send a dossier until it is released; it keeps its place."""
    with _outbox(settings) as outbox:
        outbox.hold(dossier)
    print(f"{dossier} is held")


@queue.command()
@settings_option
@click.argument("dossier", type=UUID)
def release(settings: Settings, dossier: UUID) -> None:
    """Let a held dossier be sent."""
    with _outbox(settings) as outbox:
        outbox.release(dossier)
    print(f"{dossier} is released")


@queue.command()
@settings_option
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dossiers", nargs=-1, type=UUID)
def export(settings: Settings, folder: Path, dossiers: tuple[UUID, ...]) -> None:
    """Write DOSSIERS, or all that wait, into FOLDER: one encrypted file each, for
    `kiosk portal import`. They stay here until the portal has signed for them."""
    from offline_queue.entries import WAITING
    from offline_queue.export import export as write

    with _outbox(settings) as outbox:
        chosen = [outbox.get(dossier) for dossier in dossiers] or [
            entry for entry in outbox.list() if entry.state in WAITING
        ]
        for entry in chosen:
            print(write(outbox, entry, folder))


@queue.command()
@settings_option
@click.option("--json", "as_json", is_flag=True)
def audit(settings: Settings, as_json: bool) -> None:
    """Prove that of erased dossiers neither key nor text is left. Exit 1: something is."""
    from kiosk.clock import local_now
    from offline_queue.audit import audit as look

    state = settings.site.state
    with _outbox(settings):  # finishes erasing that was interrupted
        report = look(state / "outbox", state / "machine.key", local_now().date())
    print(json.dumps(asdict(report)) if as_json else "\n".join(_told(report)))
    raise SystemExit(0 if report.clean else 1)


def _told(report: Report) -> Iterator[str]:
    yield f"{report.erased} erased, {report.in_charge} others, {report.scanned} bytes searched"
    for finding in report.findings:
        yield f"found: {finding.code} {finding.where}"
    if report.clean:
        yield "no key and no file of an erased dossier is left"
    for caveat in report.caveats:
        yield f"note: {caveat}"


@contextmanager
def _outbox(settings: Settings) -> Iterator[Outbox]:
    from kiosk.clock import local_now
    from kiosk.storage import open_outbox

    state: Path = settings.site.state
    if not (state / "outbox").is_dir():
        raise QueueError(Fault.NOT_FOUND, f"no outbox in {state}")
    with closing(open_outbox(settings, local_now)) as outbox:
        yield outbox


def _row(entry: Dossier) -> dict[str, object]:
    return {
        "id": str(entry.id),
        "state": str(entry.state),
        "held": entry.held,
        "sequence": entry.sequence or 0,
        "procedure": entry.procedure,
        "parts": len(entry.parts),
        "bytes": entry.size,
        "signed": entry.signature is not None,
        "attempts": entry.attempts,
        "problem": entry.problem or "",
        "changed": entry.changed_at.isoformat(timespec="seconds"),
    }


COMMANDS = (queue,)
