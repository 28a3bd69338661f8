"""The sandbox PKI: made once, private, and complete for both ways to certify."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.packs import file_name
from certify.trust import TrustBundle, load_anchor, load_bundle, load_policy
from kiosk.sandbox import pki
from kiosk.sandbox.pki import SandboxPki
from tests.kiosk.packed import pack, procedure

AGENCY = "Ủy ban nhân dân xã Không Có"
OFFICER = "Đỗ Văn Không Thật"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> SandboxPki:
    return pki.create(tmp_path_factory.mktemp("sandbox"), agency=AGENCY, officer=OFFICER)


def bundle_of(sandbox: SandboxPki) -> TrustBundle:
    anchor = load_anchor((sandbox.trust_dir / "anchor.pem").read_text())
    data = (sandbox.trust_dir / "bundle.cose").read_bytes()
    return load_bundle(data, anchor, at=datetime.now(UTC))


def certificate(sandbox: SandboxPki, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((sandbox.folder / "certs" / f"{name}.pem").read_bytes())


def test_bundle_and_policy_are_signed_by_the_anchor(sandbox: SandboxPki) -> None:
    bundle = bundle_of(sandbox)
    assert bundle.seal_host == pki.SEAL_HOST
    assert len(bundle.seal_keys) == 2
    seal = certificate(sandbox, "kiosk-seal").public_key()
    assert isinstance(seal, ec.EllipticCurvePublicKey)
    # The desk needs no lease.
    assert set(bundle.leases) == {cose.key_id(seal)}
    assert bundle.leases[cose.key_id(seal)] > datetime.now(UTC) + timedelta(days=7)
    anchor = load_anchor((sandbox.trust_dir / "anchor.pem").read_text())
    data = (sandbox.trust_dir / "policy.cose").read_bytes()
    policy = load_policy(data, anchor, at=datetime.now(UTC))
    assert policy.modes == {"pre-check", "post-check"}


def test_certificates_bear_the_given_names_and_form_a_chain(sandbox: SandboxPki) -> None:
    root, above = certificate(sandbox, "root"), certificate(sandbox, "intermediate")
    above.verify_directly_issued_by(root)
    for name, common_name in (
        ("officer", OFFICER),
        ("agency", AGENCY),
        ("kiosk-agency", AGENCY),
    ):
        found = certificate(sandbox, name)
        found.verify_directly_issued_by(above)
        [bearer] = found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        assert bearer.value == common_name


def test_secrets_are_private_and_leaf_keys_are_on_tokens_only(sandbox: SandboxPki) -> None:
    assert sandbox.folder.stat().st_mode & 0o777 == 0o700
    for file in (sandbox.desk_pin, sandbox.kiosk_pin, sandbox.anchor_key):
        assert file.stat().st_mode & 0o777 == 0o600
    assert sandbox.desk_pin.read_text() != sandbox.kiosk_pin.read_text()
    left = {file.stem for file in (sandbox.folder / "keys").iterdir()}
    assert left == {"root", "intermediate", "anchor", pki.REMOTE}  # the service keeps its own


def test_it_is_made_once_and_its_bundle_is_renewed(sandbox: SandboxPki) -> None:
    before, pin = bundle_of(sandbox), sandbox.desk_pin.read_text()
    start = time.monotonic()
    again = pki.create(sandbox.folder.parent, agency=AGENCY, officer=OFFICER, modes=["pre-check"])
    assert time.monotonic() - start < 1
    assert again == sandbox
    assert again.desk_pin.read_text() == pin
    after = bundle_of(again)
    assert after.serial >= before.serial
    assert after.seal_keys.keys() == before.seal_keys.keys()
    anchor = load_anchor((sandbox.trust_dir / "anchor.pem").read_text())
    data = (sandbox.trust_dir / "policy.cose").read_bytes()
    assert load_policy(data, anchor, at=datetime.now(UTC)).modes == {"pre-check"}


def test_the_policy_names_the_packs_in_the_trust_folder(sandbox: SandboxPki) -> None:
    data, named = pack({"marriage": procedure("marriage")})
    file = sandbox.trust_dir / file_name(named.sha256)
    file.write_bytes(data)
    pki.create(sandbox.folder.parent, agency=AGENCY, officer=OFFICER)
    anchor = load_anchor((sandbox.trust_dir / "anchor.pem").read_text())
    signed = (sandbox.trust_dir / "policy.cose").read_bytes()
    assert load_policy(signed, anchor, at=datetime.now(UTC)).procedure_packs == (named,)
    file.unlink()


def test_other_names_and_an_interrupted_making_start_afresh(tmp_path: Path) -> None:
    first = pki.create(tmp_path, agency=AGENCY, officer=OFFICER)
    key, pin = first.anchor_key.read_bytes(), first.kiosk_pin.read_text()
    (first.folder / "names.json").unlink()
    second = pki.create(tmp_path, agency="UBND xã Khác", officer="Ai Đó")
    assert second.anchor_key.read_bytes() != key
    assert second.kiosk_pin.read_text() != pin
    tokens = list((second.folder / "tokens").iterdir())
    assert len(tokens) == 2
