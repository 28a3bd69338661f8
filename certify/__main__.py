"""``python -m certify verify F.pdf``: check a certified copy, on any computer, without network."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certify.errors import CertifyError, Fault

if TYPE_CHECKING:
    from certify.trust import TrustBundle
    from certify.verify import SealVerdict, Verdict

GENUINE, NOT_GENUINE, BAD_INPUT, UNAVAILABLE = range(4)
SANDBOX_MARK = "SANDBOX.txt"
"""Beside an anchor that vouches for specimens only."""
_NO_TRUST = (Fault.BUNDLE_EXPIRED, Fault.BUNDLE_INVALID)


@click.group()
def main() -> None:
    """Certified copies of the commune kiosk."""


@main.command("verify")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--trust",
    "folder",
    type=click.Path(path_type=Path),
    envvar="KIOSK_TRUST",
    help="Folder with bundle.cose and anchor.pem; else KIOSK_TRUST, else this user's own.",
)
@click.option("--bundle", type=click.Path(path_type=Path), help="The signed trust bundle.")
@click.option("--anchor", type=click.Path(path_type=Path), help="Public key that signs bundles.")
@click.option(
    "--seal", help="Text or image of the QR code on paper; without FILE, it alone is judged."
)
@click.option("--at", type=click.DateTime(), help="Judge as of this time; the default is now.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def verify_command(
    file: Path | None,
    folder: Path | None,
    bundle: Path | None,
    anchor: Path | None,
    seal: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Check a certified copy (PDF): signatures, seal, pages, revocation; or a seal from paper.

    Exit status: 0 genuine, 1 not genuine, 2 bad input, 3 no valid trust bundle.
    """
    # Its warnings are the attacker's words; the verdict says it better.
    logging.getLogger("pyhanko").addHandler(logging.NullHandler())
    moment = (at or datetime.now()).astimezone()  # noqa: DTZ005  # made aware at once
    try:
        if file is None and seal is None:
            raise click.UsageError("FILE or --seal is needed")
        pdf = _read(file) if file else None
        paper = _seal_text(seal) if seal is not None else None
        folder = folder or user_trust()
        anchor = anchor or folder / "anchor.pem"
        trusted = _load_trust(bundle or folder / "bundle.cose", anchor, moment)
        verdict = _judge(pdf, paper, trusted, moment)
    except CertifyError as error:
        _print_error(error, as_json)
        sys.exit(UNAVAILABLE if error.code in _NO_TRUST else BAD_INPUT)
    _print(verdict, anchor, as_json)
    sys.exit(GENUINE if verdict.ok else NOT_GENUINE)


def user_trust() -> Path:
    """This user's trust folder: ``$XDG_DATA_HOME/mot-cua-kiosk/trust``."""
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "mot-cua-kiosk" / "trust"


def _load_trust(bundle: Path, anchor: Path, moment: datetime) -> TrustBundle:
    from certify.trust import load_anchor, load_bundle

    try:
        data, pem = bundle.read_bytes(), anchor.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        detail = f"{bundle} and {anchor}: {type(error).__name__}"
        raise CertifyError(Fault.BUNDLE_INVALID, detail) from None
    return load_bundle(data, load_anchor(pem), at=moment)


def _read(file: Path) -> bytes:
    """The file, once it is a PDF that can be judged at all."""
    from certify.copyfile import open_reader

    try:
        pdf = file.read_bytes()
    except OSError as error:
        raise CertifyError(Fault.PDF_UNREADABLE, f"{file}: {error.strerror}") from None
    open_reader(pdf)
    return pdf


def _judge(
    pdf: bytes | None, paper: str | None, trusted: TrustBundle, moment: datetime
) -> Verdict | SealVerdict:
    from certify.verify import verify, verify_seal

    if pdf is not None:
        return verify(pdf, trusted, at=moment, paper_seal=paper)
    return verify_seal(paper or "", trusted)


def _seal_text(seal: str) -> str:
    """The text itself, or what the QR code in an image file says."""
    if seal.upper().startswith("HTTPS://"):
        return seal
    import zxingcpp
    from PIL import Image

    try:
        with Image.open(seal) as image:
            found = zxingcpp.read_barcodes(image)
    except OSError:
        detail = f"{seal}: neither the text of a seal (HTTPS://...) nor a picture"
        raise CertifyError(Fault.SEAL_INVALID, detail) from None
    # A row of a QR code may pass for a line code by chance.
    texts = [str(code.text) for code in found if code.format == zxingcpp.BarcodeFormat.QRCode]
    if not texts:
        raise CertifyError(Fault.SEAL_INVALID, f"{seal}: no QR code found")
    return texts[0]


def _print(verdict: Verdict | SealVerdict, anchor: Path, as_json: bool) -> None:
    specimen = anchor.with_name(SANDBOX_MARK).exists()
    trust = {"anchor": str(anchor), "fingerprint": _fingerprint(anchor), "sandbox": specimen}
    values = verdict.to_dict()
    if as_json:
        click.echo(json.dumps({**values, "trust": trust}, ensure_ascii=False, indent=2))
        return
    if specimen:
        click.echo("BẢN MẪU, không có giá trị: chỉ đối chiếu với khóa thử của máy này")
        click.echo("SPECIMEN, of no legal value: judged by this machine's sandbox")
    click.echo(verdict.sentence_vi)
    click.echo(verdict.sentence_en)
    click.echo(f"  trust: {anchor}, fingerprint {trust['fingerprint']}")
    if values.get("level"):
        click.echo(f"  level: PAdES {values['level']}")
    for name, value in (values.get("seal") or {}).items():
        click.echo(f"  {name}: {value}")
    for check, ok, detail in values.get("evidence", ()):
        click.echo(f"  {'ok  ' if ok else 'FAIL'} {check}: {detail}")


def _fingerprint(anchor: Path) -> str:
    """The key's name (``cose.key_id``) in hex: what two people can read to each other."""
    from certify import cose
    from certify.trust import load_anchor

    return cose.key_id(load_anchor(anchor.read_text("ascii"))).hex()


def _print_error(error: CertifyError, as_json: bool) -> None:
    from certify.verify import refusal

    if error.code in _NO_TRUST:
        for sentence in refusal(error.code.partition(".")[2]):
            click.echo(sentence, err=True)
    if as_json:
        click.echo(json.dumps({"ok": False, "code": error.code, "detail": error.detail}))
    click.echo(f"certify: {error}", err=True)


if __name__ == "__main__":
    main(prog_name="python -m certify")
