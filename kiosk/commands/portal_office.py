"""Commands beside a running portal: ``kiosk portal staff``, ``kiosk portal deliver``."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kiosk.portal.accounts import Accounts
    from kiosk.portal.store import Store

_ACTOR = "command-line"
_settings = click.option(
    "--settings",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="portal settings (TOML)",
)


@click.group()
def staff() -> None:
    """Accounts of the people at the desk. Passwords are chosen in a page, never here."""


@staff.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["officer", "chief", "auditor", "admin"]), required=True)
@click.option("--full-name", required=True, help="as in the person's signing certificate")
@_settings
def add(name: str, role: str, full_name: str, file: Path) -> None:
    """Make account NAME and print its one-time enrolment secret, good for three days."""
    from kiosk.portal.accounts import Role

    store, accounts = _open(file)
    with closing(store):
        try:
            code = accounts.add(name, full_name, Role(role), by=_ACTOR)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    print(code)


@staff.command("reset")
@click.argument("name")
@_settings
def reset(name: str, file: Path) -> None:
    """A new enrolment secret for NAME; password, second factor and logins end."""
    store, accounts = _open(file)
    with closing(store):
        try:
            code = accounts.reset(name, by=_ACTOR)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    print(code)


@staff.command("disable")
@click.argument("name")
@_settings
def disable(name: str, file: Path) -> None:
    """NAME may not log in any more; logins under way end. Not the last administrator."""
    from kiosk.portal.errors import RefusedError

    store, accounts = _open(file)
    with closing(store):
        try:
            accounts.disable(name, by=_ACTOR)
        except (ValueError, RefusedError) as error:
            raise click.UsageError(str(error)) from None


@staff.command("list")
@_settings
def list_accounts(file: Path) -> None:
    """Name, role and state of every account."""
    store, accounts = _open(file)
    with closing(store):
        for account in accounts.accounts():
            state = "enrolled" if account.enrolled else "waiting"
            print(account.staff.name, account.staff.role, "disabled" if account.disabled else state)


@click.command()
@_settings
@click.option("--once", is_flag=True, help="send what waits now, then end")
def deliver(file: Path, once: bool) -> None:
    """Send results and notices to citizens. Any number of these may run."""
    from kiosk.portal.channels import channels_of
    from kiosk.portal.composition import open_portal
    from kiosk.portal.delivery import Worker
    from kiosk.portal.packing import DossierPacker
    from kiosk.portal.settings import load

    settings = load(file)
    if settings.delivery is None:
        raise click.UsageError(f"{file}: no table [delivery]")
    portal = open_portal(settings)
    with closing(portal.store):
        deliveries = portal.offices.deliveries
        catalogue, address = portal.offices.casebook.catalogue, settings.public_address
        packer = DossierPacker(portal.store, portal.vault, deliveries, catalogue, address)
        worker = Worker(deliveries, packer, channels_of(settings.delivery))
        sent, never = worker.work(), threading.Event()
        while not once and not never.wait(settings.delivery.poll_seconds):
            sent += worker.work()
        print(f"{sent} sent, {worker.failed} failed")


def _open(file: Path) -> tuple[Store, Accounts]:
    """The store must be closed."""
    from kiosk.portal.composition import open_portal
    from kiosk.portal.settings import load

    portal = open_portal(load(file))
    return portal.store, portal.offices.accounts
