"""Commands beside a running portal: ``kiosk portal staff``, ``desk-secret``, ``deliver``,
``archive``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kiosk.portal.composition import Offices

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

    with _offices(file) as offices:
        try:
            code = offices.accounts.add(name, full_name, Role(role), by=_ACTOR)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    print(code)


@staff.command("reset")
@click.argument("name")
@_settings
def reset(name: str, file: Path) -> None:
    """A new enrolment secret for NAME; password, second factor and logins end."""
    with _offices(file) as offices:
        try:
            code = offices.accounts.reset(name, by=_ACTOR)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    print(code)


@staff.command("disable")
@click.argument("name")
@_settings
def disable(name: str, file: Path) -> None:
    """NAME may not log in any more; logins under way end. Not the last administrator."""
    from kiosk.portal.errors import RefusedError

    with _offices(file) as offices:
        try:
            offices.accounts.disable(name, by=_ACTOR)
        except (ValueError, RefusedError) as error:
            raise click.UsageError(str(error)) from None


@staff.command("list")
@_settings
def list_accounts(file: Path) -> None:
    """Name, role and state of every account."""
    with _offices(file) as offices:
        for account in offices.accounts.accounts():
            state = "enrolled" if account.enrolled else "waiting"
            print(account.staff.name, account.staff.role, "disabled" if account.disabled else state)


@click.group("desk-secret")
def desk_secret() -> None:
    """Secrets of desk processes: each for one officer and one signing certificate."""


@desk_secret.command("add")
@click.argument("officer")
@click.option(
    "--certificate",
    "certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="the officer's signing certificate, as on the token (PEM or DER)",
)
@_settings
def add_desk_secret(officer: str, certificate: Path, file: Path) -> None:
    """Print a secret for the token_file of account OFFICER's desk. It is shown this once."""
    with _offices(file) as offices:
        try:
            secret = offices.desks.add_for(officer, certificate.read_bytes(), by=_ACTOR)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    print(secret)


@desk_secret.command("revoke")
@click.argument("officer")
@_settings
def revoke_desk_secret(officer: str, file: Path) -> None:
    """All desk secrets of account OFFICER are void at once."""
    with _offices(file) as offices:
        try:
            offices.desks.revoke(officer, by=_ACTOR)
        except ValueError as error:
            raise click.UsageError(str(error)) from None


@click.command("register")
@click.option("--year", type=click.IntRange(2000, 2200), required=True)
@click.option("--form", "form", type=click.Choice(["csv", "pdf"]), default="pdf")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@_settings
def register(year: int, form: str, out: Path, file: Path) -> None:
    """Write the register book of a year to OUT, every number in it; the auditor sees that."""
    from kiosk.portal.composition import open_portal
    from kiosk.portal.register_pages import in_csv, printed
    from kiosk.portal.settings import load

    portal = open_portal(load(file))
    with closing(portal.store):
        if form == "csv":
            data = "".join(in_csv(portal, year)).encode()
        else:
            data = printed(portal, year, _ACTOR)
        _write(out, data)
        portal.offices.accounts.note(_ACTOR, "register.export", str(year))
        entered, missing = portal.book.counted(year)
    print(f"{out}: {entered} numbers in the book, {missing} without a copy")


def _write(out: Path, data: bytes) -> None:
    """Nobody else may read it. Raises KioskError (OUTPUT_UNWRITABLE)."""
    from kiosk.failures import Fault, KioskError
    from offline_queue import files

    try:
        files.write_durably(out, [data])
    except OSError as error:
        raise KioskError(Fault.OUTPUT_UNWRITABLE, f"{out}: {error.strerror}") from None


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
        sent = _worked(worker.work, once, settings.delivery.poll_seconds)
        print(f"{sent} sent, {worker.failed} failed")


@click.command("archive")
@_settings
@click.option("--once", is_flag=True, help="lift what waits now, then end")
def lift_copies(file: Path, once: bool) -> None:
    """Lift issued copies to PAdES B-LTA, so that they outlive certificates. Any number may run."""
    from kiosk.portal.archiving import Worker, lift_at
    from kiosk.portal.composition import open_portal
    from kiosk.portal.settings import load

    settings = load(file)
    if settings.archive is None:
        raise click.UsageError(f"{file}: no table [archive]")
    portal = open_portal(settings)
    with closing(portal.store):
        archives, lift = portal.offices.archives, lift_at(settings.archive.tsa_url)
        worker = Worker(portal.store, portal.vault, archives, settings.trust_dir, lift)
        lifted = _worked(worker.work, once, settings.archive.poll_seconds)
        print(f"{lifted} lifted, {worker.failed} failed")


@contextmanager
def _offices(file: Path) -> Iterator[Offices]:
    from kiosk.portal.composition import open_portal
    from kiosk.portal.settings import load

    portal = open_portal(load(file))
    with closing(portal.store):
        yield portal.offices


def _worked(work: Callable[[], int], once: bool, poll_seconds: float) -> int:
    """How much came of it: one round, or rounds until the process is ended."""
    done, never = work(), threading.Event()
    while not once and not never.wait(poll_seconds):
        done += work()
    return done
