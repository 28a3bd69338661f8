"""``kiosk trust``: for the holder of the trust anchor, on a machine without a network."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from certify.trust import Policy, TrustBundle

FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def trust() -> None:
    """Sign what kiosks and verifiers believe: trust bundle and policy. The key stays offline; carry
    bundle.cose, policy.cose and anchor.pem from FOLDER to the portal's trust folder."""
    from certify.secret import keep_out_of_dumps

    keep_out_of_dumps()


@trust.command()
@FOLDER
@click.option("--module", type=click.Path(exists=True, path_type=Path), help="PKCS#11 library")
@click.option("--token", default="", help="label of a token that has the key; else a file is made")
@click.option("--key", default="anchor", help="label of key and certificate on the token")
def new(folder: Path, module: Path | None, token: str, key: str) -> None:
    """Begin FOLDER: a key under a passphrase, or a token's, and trust.toml to fill in."""
    from kiosk import trust_office

    if bool(module) != bool(token):
        raise click.UsageError("--module and --token belong together")
    trust_office.new(folder, module, token, key)
    print(f"{folder}: fill in trust.toml, then `kiosk trust sign {folder}`")


@trust.command()
@FOLDER
@click.option(
    "--codes", type=click.File(encoding="ascii"), help="further revoked id codes, one a line"
)
def sign(folder: Path, codes: TextIO | None) -> None:
    """Make bundle.cose and policy.cose of trust.toml."""
    from kiosk import trust_office

    further = [line.strip() for line in codes or () if line.strip()]
    _tell(*trust_office.sign(folder, further))


@trust.command()
@FOLDER
@click.option("--days", type=click.IntRange(1, 400), help="life; else as long as before")
@click.option("--lease-days", type=click.IntRange(1, 400), help="leases that last end then")
def renew(folder: Path, days: int | None, lease_days: int | None) -> None:
    """Sign the same once more for a new time, whatever trust.toml says by now."""
    from kiosk import trust_office

    _tell(*trust_office.renew(folder, days, lease_days))


@trust.command()
@FOLDER
@click.option("--code", help="id code of a copy")
@click.option("--certificate", help="its PEM file, here or in FOLDER")
@click.option("--serial", help="serial number of a certificate, hex")
@click.option("--since", type=click.DateTime(), help="Vietnam's time; else now")
@click.option("--reason", default="unspecified", help="key-compromise, superseded, ...")
def revoke(
    folder: Path,
    code: str | None,
    certificate: str | None,
    serial: str | None,
    since: datetime | None,
    reason: str,
) -> None:
    """Write a revocation into trust.toml; it counts from the next `kiosk trust sign`."""
    from kiosk import trust_office
    from kiosk.clock import local_now

    if sum(map(bool, (code, certificate, serial))) != 1:
        raise click.UsageError("one of --code, --certificate, --serial")
    name = {"certificate": certificate} if certificate else {"serial": serial}
    moment = (since or local_now()).replace(microsecond=0)
    table = {**name, "since": moment, "reason": reason}
    trust_office.revoke(folder, {"code": code} if code else table)
    print(f"now sign it: kiosk trust sign {folder}")


@trust.command()
@FOLDER
def show(folder: Path) -> None:
    """What was signed last in FOLDER, as JSON."""
    from kiosk import trust_office

    print(json.dumps(trust_office.describe(folder), ensure_ascii=False, indent=2))


def _tell(bundle: TrustBundle, policy: Policy) -> None:
    for name, each in (("bundle.cose", bundle), ("policy.cose", policy)):
        print(f"{name}: serial {each.serial}, until {each.expires:%d/%m/%Y}")


COMMANDS = (trust,)
