"""The anchor's holder at work: a folder begun, signed, renewed; and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certify.errors import CertifyError, Fault
from certify.numbers import new_id_code
from certify.secret import Secret
from certify.trust import TrustBundle, load_anchor, load_bundle, load_policy
from kiosk import trust_anchor, trust_office
from kiosk.commands.trust import trust
from kiosk.failures import Fault as KioskFault
from kiosk.failures import KioskError, failure_of
from offline_queue.signatures import public_pem

PASSPHRASE = "a long one, for tests"
NOW = datetime.now(UTC).replace(microsecond=0)
ROOT_KEY, SEAL_KEY, OFFICER_KEY, PORTAL_KEY = (
    ec.generate_private_key(ec.SECP256R1()) for _ in range(4)
)
CODE, OTHER_CODE = new_id_code(1, 13), new_id_code(1, 14)
SOURCE = """
[bundle]
days = 30
seal_host = "xacthuc.example"
roots = ["root.pem"]
revocation_key = "portal.pem"
revoked_codes = ["{code}"]
[[bundle.seal]]
certificate = "seal.pem"
lease_until = {lease:%Y-%m-%dT%H:%M:%S}Z
[[bundle.signer]]
certificate = "officer.pem"
role = "officer"
[[bundle.revoked]]
serial = "0A:1B"
since = 2026-11-24T10:30:00
reason = "key-compromise"
[policy]
modes = ["pre-check", "post-check"]
post_check_papers = ["original"]
thresholds = {{ face-distance = 0.5 }}
"""
LEASE = NOW + timedelta(days=10)


def certificate(name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool = False) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=60))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(ROOT_KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


OFFICER = certificate("officer", OFFICER_KEY)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed at the terminal; without anything, the right passphrase."""
    typed: list[str] = []

    def ask(_question: str) -> Secret:
        return Secret(typed.pop(0) if typed else PASSPHRASE)

    monkeypatch.setattr(trust_anchor, "ask", ask)
    monkeypatch.setattr(trust_anchor, "_ROUNDS", 1000)
    return typed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Begun and filled in."""
    place = tmp_path / "trust"
    trust_office.new(place, None, "", "")
    (place / "root.pem").write_bytes(certificate("root", ROOT_KEY, ca=True))
    (place / "seal.pem").write_bytes(certificate("seal", SEAL_KEY))
    (place / "officer.pem").write_bytes(OFFICER)
    (place / "portal.pem").write_text(public_pem(PORTAL_KEY.public_key()))
    write(place)
    return place


def write(folder: Path, change: Callable[[str], str] = str) -> None:
    (folder / "trust.toml").write_text(change(SOURCE.format(code=CODE, lease=LEASE)))


def drop_signer(source: str) -> str:
    return source.replace('[[bundle.signer]]\ncertificate = "officer.pem"\nrole = "officer"\n', "")


def signed(folder: Path) -> TrustBundle:
    """As a portal and its kiosks read it."""
    anchor = load_anchor((folder / "anchor.pem").read_text())
    load_policy((folder / "policy.cose").read_bytes(), anchor, at=NOW)
    return load_bundle((folder / "bundle.cose").read_bytes(), anchor, at=NOW)


def test_all_of_it_is_signed(folder: Path) -> None:
    trust_office.sign(folder)
    bundle = signed(folder)
    (key,) = bundle.seal_keys
    assert bundle.leases == {key: LEASE}
    assert bundle.expires - bundle.issued == timedelta(days=30)
    assert bundle.revoked_codes == {CODE}
    assert bundle.revoked_certificates == {0x0A1B: datetime(2026, 11, 24, 3, 30, tzinfo=UTC)}
    assert bundle.revocation_reasons == {0x0A1B: "key-compromise"}
    der = x509.load_pem_x509_certificate(OFFICER).public_bytes(serialization.Encoding.DER)
    assert bundle.signers[sha256(der).digest()].until == NOW + timedelta(days=60)
    assert bundle.revocation_key == PORTAL_KEY.public_key()


def test_the_template_tells_what_to_fill_in(tmp_path: Path) -> None:
    trust_office.new(tmp_path / "new", None, "", "")
    with pytest.raises(KioskError, match=r"root\.pem"):
        trust_office.sign(tmp_path / "new")
    assert (tmp_path / "new" / "anchor.p12").stat().st_mode & 0o777 == 0o600
    with pytest.raises(KioskError, match="already"):
        trust_office.new(tmp_path / "new", None, "", "")


def test_serials_rise_and_revocations_stay(folder: Path) -> None:
    trust_office.sign(folder)
    first = signed(folder)
    write(folder, lambda text: text.replace(f'["{CODE}"]', "[]").replace("0A:1B", "0C"))
    trust_office.sign(folder, [OTHER_CODE])
    second = signed(folder)
    assert second.serial > first.serial
    assert second.revoked_codes == {CODE, OTHER_CODE}
    assert set(second.revoked_certificates) == {0x0A1B, 0x0C}


def test_renewal_needs_no_sources_and_moves_what_lasts(folder: Path) -> None:
    trust_office.sign(folder)
    first = signed(folder)
    (folder / "root.pem").unlink()
    trust_office.renew(folder, days=200, lease_days=45)
    second = signed(folder)
    assert second.serial > first.serial
    assert second.expires - second.issued == timedelta(days=200)
    (until,) = second.leases.values()
    assert until - second.issued == timedelta(days=45)
    assert (second.roots, second.signers) == (first.roots, first.signers)
    trust_office.renew(folder)
    assert signed(folder).expires - signed(folder).issued == timedelta(days=200)


def test_a_lease_that_has_ended_is_not_revived(folder: Path) -> None:
    write(folder, lambda text: text.replace(f"{LEASE:%Y-%m-%d}", "2026-01-01"))
    trust_office.sign(folder)
    trust_office.renew(folder, lease_days=45)
    (until,) = signed(folder).leases.values()
    assert until < NOW


def test_a_lease_ends_with_its_certificate(folder: Path) -> None:
    write(folder, lambda text: text.replace(f"{LEASE:%Y-%m-%d}", "2099-01-01"))
    trust_office.sign(folder)
    (until,) = signed(folder).leases.values()
    assert until == NOW + timedelta(days=60)


def test_revocations_are_written_into_the_source(folder: Path) -> None:
    trust_office.revoke(folder, {"code": OTHER_CODE})
    trust_office.revoke(
        folder, {"certificate": "officer.pem", "since": NOW, "reason": "superseded"}
    )
    trust_office.sign(folder)
    bundle = signed(folder)
    serial = x509.load_pem_x509_certificate(OFFICER).serial_number
    assert bundle.revoked_codes == {CODE, OTHER_CODE}
    assert bundle.revoked_certificates[serial] == NOW
    before = (folder / "trust.toml").read_bytes()
    with pytest.raises(KioskError):
        trust_office.revoke(folder, {"serial": "0D", "since": NOW, "reason": "a whim"})
    assert (folder / "trust.toml").read_bytes() == before


def test_only_a_certificate_that_is_there_is_revoked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revoke(certificate: str) -> None:
        trust_office.revoke(
            folder, {"certificate": certificate, "since": NOW, "reason": "key-compromise"}
        )

    before = (folder / "trust.toml").read_bytes()
    for nothing in ("stolen.pem", "trust.toml"):
        with pytest.raises(KioskError, match=nothing) as caught:
            revoke(nothing)
        assert failure_of(caught.value).exit_code == 2
    assert (folder / "trust.toml").read_bytes() == before
    monkeypatch.chdir(folder.parent)
    revoke("trust/officer.pem")  # as a shell completes it
    (folder / "officer.pem").unlink()
    write(folder, lambda _: drop_signer((folder / "trust.toml").read_text()))
    trust_office.sign(folder)
    serial = x509.load_pem_x509_certificate(OFFICER).serial_number
    assert signed(folder).revoked_certificates[serial] == NOW


def test_nothing_is_revoked_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(KioskError, match=r"trust\.toml: No such file"):
        trust_office.revoke(tmp_path, {"code": CODE})


def test_only_the_passphrase_opens_the_key(folder: Path, asked: list[str]) -> None:
    asked.append("a wrong one, for tests")
    with pytest.raises(KioskError) as caught:
        trust_office.sign(folder)
    assert caught.value.code == KioskFault.ANCHOR_LOCKED
    assert not (folder / "bundle.cose").exists()


@pytest.mark.parametrize("typed", [["short"], [PASSPHRASE, "something else"]])
def test_a_new_passphrase_is_long_and_typed_twice(
    tmp_path: Path, asked: list[str], typed: list[str]
) -> None:
    asked.extend(typed)
    with pytest.raises(KioskError) as caught:
        trust_office.new(tmp_path / "new", None, "", "")
    assert caught.value.code == KioskFault.ANCHOR_LOCKED
    assert not (tmp_path / "new" / "trust.toml").exists()


def test_without_a_terminal_it_is_told_of_the_anchor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(question: str) -> Secret:
        raise CertifyError(Fault.SIGNER_REFUSED, f"{question}: no credential and no terminal")

    monkeypatch.setattr(trust_anchor, "ask", nobody)
    with pytest.raises(KioskError, match="no terminal") as caught:
        trust_office.new(tmp_path / "new", None, "", "")
    assert failure_of(caught.value).exit_code == 2


def test_a_key_that_is_there_is_not_replaced(folder: Path) -> None:
    (folder / "trust.toml").unlink()
    with pytest.raises(KioskError, match=r"anchor\.p12 is there already"):
        trust_office.new(folder, None, "", "")


def test_another_anchor_goes_on_with_nothing(folder: Path, tmp_path: Path) -> None:
    trust_office.sign(folder)
    other = tmp_path / "other"
    trust_office.new(other, None, "", "")
    before = (folder / "bundle.cose").read_bytes()
    (folder / "anchor.p12").write_bytes((other / "anchor.p12").read_bytes())
    with pytest.raises(KioskError) as refused:
        trust_office.sign(folder)
    assert refused.value.code == KioskFault.ANCHOR_LOCKED
    (folder / "anchor.pem").write_bytes((other / "anchor.pem").read_bytes())
    with pytest.raises(CertifyError) as caught:
        trust_office.sign(folder)
    assert caught.value.code == Fault.BUNDLE_INVALID
    assert (folder / "bundle.cose").read_bytes() == before


@pytest.mark.parametrize(
    ("old", "fresh", "told"),
    [
        ("days = 30", "days = 4000", "bundle.days"),
        ('["root.pem"]', '["seal.pem"]', "no authority"),
        ('"seal.pem"', '"nothing.pem"', "nothing.pem"),
        (CODE, CODE[:-1] + ("0" if CODE[-1] != "0" else "1"), "id-code"),
        ('role = "officer"', 'role = "judge"', "role"),
        ('serial = "0A:1B"', "", "certificate or serial"),
        ('serial = "0A:1B"', 'serial = "0A:XY"', "serial"),
        ("[policy]", "[polity]", "polity"),
        ("[bundle]", "[bundle", "trust.toml"),
    ],
)
def test_a_mistake_in_the_source_is_told(folder: Path, old: str, fresh: str, told: str) -> None:
    write(folder, lambda text: text.replace(old, fresh, 1))
    with pytest.raises(KioskError, match=told):
        trust_office.sign(folder)


def test_the_commands(folder: Path, tmp_path: Path) -> None:
    def call(*arguments: str) -> str:
        done = CliRunner().invoke(trust, [*arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    begun = tmp_path / "begun"
    assert "trust.toml" in call("new", str(begun))
    codes = tmp_path / "codes"
    codes.write_text(f"{OTHER_CODE}\n\n")
    assert "bundle.cose: serial" in call("sign", str(folder), "--codes", str(codes))
    call("revoke", str(folder), "--serial", "0F", "--reason", "superseded")
    call("sign", str(folder))
    call("renew", str(folder), "--days", "10", "--lease-days", "5")
    shown = json.loads(call("show", str(folder)))
    assert shown["bundle"]["revoked_codes"] == sorted([CODE, OTHER_CODE])
    assert shown["bundle"]["revoked_certificates"]["f"][1] == "superseded"
    assert shown["bundle"]["expired"] is False
    assert shown["policy"]["modes"] == ["post-check", "pre-check"]
    both = CliRunner().invoke(trust, ["revoke", str(folder), "--code", CODE, "--serial", "1"])
    assert both.exit_code == 2
