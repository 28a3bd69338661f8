"""Commands for servers and stand-ins: ``portal``, ``sandbox``, ``emulate``."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from certify.statement import Mode
from kiosk.commands.portal_office import deliver, desk_secret, lift_copies, register, staff
from kiosk.commands.portal_packs import pack

if TYPE_CHECKING:
    from drivers.emulators.control import Emulator

DEVICES = (
    "scanner",
    "camera",
    "code-reader",
    "receipt-printer",
    "document-printer",
    "card-reader",
    "ups",
    "signals",
)


@click.group(invoke_without_command=True)
@click.option("--settings", "file", type=click.Path(path_type=Path), help="portal settings (TOML)")
@click.option("--port", type=int, help="another than the settings name; 0 picks a free one")
@click.pass_context
def portal(context: click.Context, file: Path | None, port: int | None) -> None:
    """Serve the portal: intake, register, officer desk, seal pages. For a server, not a kiosk."""
    if context.invoked_subcommand:
        return
    if file is None:
        raise click.UsageError("--settings FILE is needed")
    from kiosk.portal import server, settings

    try:
        server.run(settings.load(file), port=port)
    except OSError as error:
        raise click.ClickException(error.strerror or type(error).__name__) from None


@portal.command("desk")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
def portal_desk(file: Path) -> None:
    """Sign approved copies with the token at this officer's desk."""
    from kiosk.portal import desk

    desk.main(file)


@portal.command("import")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
def portal_import(file: Path, bundles: tuple[Path, ...]) -> None:
    """Take in BUNDLES that were carried here from a kiosk; again is no error. Exit 1: some refused.

    The server may be running.
    """
    from kiosk.portal import hand_carried, settings
    from kiosk.portal.composition import open_portal
    from kiosk.portal.errors import RefusedError
    from offline_queue.errors import QueueError

    refused = 0
    opened = open_portal(settings.load(file))
    with closing(opened.store):
        for bundle in bundles:
            try:
                receipt = hand_carried.take_in(opened, bundle)
            except (RefusedError, QueueError, OSError) as error:
                refused += 1
                print(f"{bundle.name}: refused, {_reason(error)}", file=sys.stderr)
            else:
                print(f"{bundle.name}: accepted, {json.loads(receipt.statement)['code']}")
    raise SystemExit(1 if refused else 0)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{getattr(error, 'code', '')} {getattr(error, 'detail', '')}".strip()


@portal.command("new-code")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
@click.argument("kiosk_id")
def portal_new_code(file: Path, kiosk_id: str) -> None:
    """Print a code with which KIOSK_ID enrols once, within seven days, for its
    link.enrolment_code_file."""
    from kiosk.portal import enrolment, settings

    try:
        print(enrolment.add_code(settings.load(file).enrolment_codes_file, kiosk_id))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@portal.command("names")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
@click.option("--commune", required=True, help="as kiosks name it")
@click.argument("names", type=click.File(encoding="utf-8"))
def portal_names(file: Path, commune: str, names: TextIO) -> None:
    """Bring the business names of COMMUNE, one a line in NAMES, for kiosks that check one."""
    from kiosk.portal import composition, settings

    lines = [line.strip() for line in names if line.strip()]
    opened = composition.open_portal(settings.load(file))
    with closing(opened.store):
        opened.services.add_business_names(commune, lines)
    print(f"{len(lines)} names")


@portal.command("revocation-key")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
def portal_revocation_key(file: Path) -> None:
    """Print the public key with which this portal lists revoked copies, for `kiosk trust`."""
    from kiosk.portal import composition, settings
    from offline_queue.signatures import public_pem

    opened = composition.open_portal(settings.load(file))
    with closing(opened.store):
        print(public_pem(opened.keys.revocations.public_key()), end="")


@portal.command("revoked-codes")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
def portal_revoked_codes(file: Path) -> None:
    """Print the id codes of revoked copies, for `kiosk trust sign --codes`."""
    from kiosk.portal import composition, settings
    from kiosk.portal.revocations import revoked_codes

    opened = composition.open_portal(settings.load(file))
    with closing(opened.store):
        for code in sorted(revoked_codes(opened.store)):
            print(code)


@portal.command("revoke")
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
@click.argument("kiosk_id")
def portal_revoke(file: Path, kiosk_id: str) -> None:
    """Refuse KIOSK_ID from now on, until it enrols with a fresh code."""
    from kiosk.portal import composition, settings

    opened = composition.open_portal(settings.load(file))
    with closing(opened.store):
        if opened.store.public_key(kiosk_id) is None:
            raise click.ClickException(f"{kiosk_id}: no kiosk of this name was ever enrolled")
        opened.devices.revoke(kiosk_id)
    print(f"{kiosk_id} is revoked")


portal.add_command(staff)
portal.add_command(desk_secret)
portal.add_command(deliver)
portal.add_command(lift_copies)
portal.add_command(register)
portal.add_command(pack)


@click.group(invoke_without_command=True)
@click.option("--state", type=click.Path(path_type=Path), help="folder to keep; else a new one")
@click.option("--mode", type=click.Choice(["pre-check", "post-check"]), default="pre-check")
@click.option("--json", "as_json", is_flag=True, help="print the addresses as JSON")
@click.pass_context
def sandbox(context: click.Context, state: Path | None, mode: Mode, as_json: bool) -> None:
    """Run portal, desk, VNeID, devices and link as stand-ins until Ctrl-C.

    Prints the settings file for `kiosk run --settings`, and the control addresses of the devices.
    """
    if context.invoked_subcommand:
        return
    from kiosk.sandbox.appliance import Appliance

    with Appliance(state, mode=mode) as appliance:
        answer = appliance.describe()
        lines = [f"{name}: {value}" for name, value in answer.items()]
        print(json.dumps(answer) if as_json else "\n".join(lines), flush=True)
        _until_told_to_stop()


@sandbox.command()
@click.option("--port", default=0, help="0 picks a free one")
def vneid(port: int) -> None:
    """The identity provider's stand-in alone; prints {"address"}."""
    from kiosk.sandbox import vneid as provider

    provider.run(port=port)


@sandbox.command()
@click.option("--port", default=0, help="0 picks a free one")
def gateway(port: int) -> None:
    """The stand-in for payments and messages alone; prints {"address", "notice_key"}."""
    from kiosk.sandbox import payments

    payments.run(port=port)


@sandbox.command()
@click.option("--port", default=0, help="0 picks a free one")
def signing(port: int) -> None:
    """The stand-in for a remote signing service alone, with a key of the sandbox's officer; prints
    {"address", "credential", ...}."""
    from kiosk.sandbox import pki, signing_service
    from kiosk.sandbox.home import AGENCY, OFFICER, sandbox_home

    signing_service.run(pki.create(sandbox_home(), agency=AGENCY, officer=OFFICER), port=port)


@sandbox.command()
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
def officer(file: Path) -> None:
    """A scripted officer who approves what waits at the desk; settings as for `portal desk`."""
    from kiosk.sandbox import officer as person

    person.main(file)


@click.command()
@click.argument("device", type=click.Choice(DEVICES))
@click.option(
    "--pages",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="pictures to give",
)
@click.option("--port", default=0, help="0 picks a free one")
@click.option("--link", type=click.Path(path_type=Path), help="code-reader: path of the tty")
@click.option(
    "--wire",
    type=click.Choice(["serial", "hid-pos"]),
    default="serial",
    help="code-reader: a tty, or a USB device exported over USB/IP at --port",
)
@click.option(
    "--cards",
    type=click.Path(file_okay=False, path_type=Path),
    help="card-reader: keys of the sandbox's state; then citizen cards are held",
)
def emulate(
    device: str,
    pages: tuple[Path, ...],
    port: int,
    link: Path | None,
    wire: str,
    cards: Path | None,
) -> None:
    """Stand in for DEVICE on its real wire; prints {"address", "control"} and runs until Ctrl-C."""
    made = None
    if (device, wire) == ("code-reader", "hid-pos"):
        made = _hid_reader(port)
    if device == "card-reader" and cards:
        made = _citizen_cards(cards)
    with closing(made or _emulator(device, pages, port, link)) as emulator:
        address = {"address": emulator.address, "control": emulator.control_url}
        print(json.dumps(address), flush=True)
        _until_told_to_stop()


def _emulator(device: str, pages: tuple[Path, ...], port: int, link: Path | None) -> Emulator:
    from drivers.emulators import (
        card_reader,
        escl,
        escpos,
        ipp,
        mjpeg,
        serial_reader,
        signal_box,
        upsd,
    )

    makers: dict[str, Callable[[], Emulator]] = {
        "scanner": lambda: escl.EsclScanner(pages, port=port),
        "camera": lambda: mjpeg.MjpegCamera([page.read_bytes() for page in pages], port=port),
        "code-reader": lambda: serial_reader.SerialReaderEmulator(link),
        "receipt-printer": lambda: escpos.EscposEmulator(port=port),
        "document-printer": lambda: ipp.IppEmulator(port=port),
        "card-reader": card_reader.CardReaderEmulator,
        "ups": lambda: upsd.UpsdEmulator(port=port),
        "signals": lambda: signal_box.SignalBoxEmulator(port=port),
    }
    return makers[device]()


def _hid_reader(port: int) -> Emulator:
    from drivers.emulators.hid_reader import HidReaderEmulator

    return HidReaderEmulator(port)


def _citizen_cards(folder: Path) -> Emulator:
    from drivers.emulators.card_reader import CardReaderEmulator
    from kiosk.sandbox.cards import purse

    kinds = purse(folder)
    return CardReaderEmulator(kinds["genuine"], kinds=kinds)


def _until_told_to_stop() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        while True:
            signal.pause()
    finally:
        print("stopping", file=sys.stderr)


COMMANDS = (portal, sandbox, emulate)
