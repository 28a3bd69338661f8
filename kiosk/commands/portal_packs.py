"""``kiosk portal pack``: procedures in a folder become a pack for all kiosks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click


@click.command("pack")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", required=True, help="small letters, digits, dashes; the same for years")
@click.option("--version", type=click.IntRange(min=1), required=True, help="1, 2, ...")
@click.option(
    "--from",
    "effective",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="the first day of its force, in Vietnam's time",
)
@click.option("--withdraw", multiple=True, metavar="ID", help="a procedure that ends; repeatable")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="the portal's trust folder",
)
def pack(
    folder: Path,
    name: str,
    version: int,
    effective: datetime,
    withdraw: tuple[str, ...],
    out: Path,
) -> None:
    """Check every procedure (*.toml) in FOLDER and write them to OUT as one pack.

    Prints name, day and SHA-256, by which a policy must name the pack before any kiosk uses it.
    """
    from certify import packs
    from offline_queue import files

    procedures = _procedures_in(folder)
    data = packs.encode(
        packs.Pack(name, version, effective.date(), procedures, frozenset(withdraw))
    )
    named = packs.name_of(data)
    with files.translated(str(out)):
        files.make_folder(out)
        files.write_durably(out / packs.file_name(named.sha256), [data])
    print(named.name, named.effective.isoformat(), named.sha256)


def _procedures_in(folder: Path) -> Mapping[str, str]:
    """By id. Raises KioskError (SETTINGS_INVALID) for the first that a kiosk would leave out."""
    from kiosk.failures import Fault, KioskError
    from kiosk.procedures import parse

    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KioskError(Fault.SETTINGS_INVALID, f"{file.name}: {error}") from None
        procedure = parse(file.name, text)
        if procedure.id in found:
            detail = f"{file.name}: id: {procedure.id} stands in another file, too"
            raise KioskError(Fault.SETTINGS_INVALID, detail)
        found[procedure.id] = text
    return found
