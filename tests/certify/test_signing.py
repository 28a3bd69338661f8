"""Tokens: both kinds of key sign, and a missing or refusing token has a code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pkcs11
import pytest

from certify import cose
from certify.errors import CertifyError, Fault
from certify.secret import Secret
from certify.signing import open_signer, token_errors
from kiosk import trust_anchor, trust_office
from kiosk.failures import Fault as CoreFault
from kiosk.failures import KioskError
from kiosk.sandbox import pki
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens
from tests.certify.conftest import Signers

pytestmark = pytest.mark.xdist_group("pkcs11")


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(CertifyError) as caught:
        action()
    return caught.value.code


def test_the_sandbox_exercises_rsa_and_ecdsa(signers: Signers) -> None:
    assert signers.officer.certificate.public_key.algorithm == "rsa"
    assert signers.agency.certificate.public_key.algorithm == "ec"
    assert signers.officer.certificate.subject.native["common_name"] == specimens.OFFICER


def test_a_raw_signature_is_es256(signers: Signers) -> None:
    key = cose.decode_public(signers.seal.certificate.public_key.dump())
    message = cose.sign1(b"x", signers.seal.sign_es256, signers.seal.key_id)
    assert cose.verify1(message, {cose.key_id(key): key}) == b"x"


def test_an_rsa_key_has_no_name_in_cose(signers: Signers) -> None:
    with pytest.raises(ValueError, match="P-256"):
        _ = signers.officer.key_id


def test_keys_do_not_leave_the_token(signers: Signers) -> None:
    with pytest.raises((pkcs11.AttributeSensitive, pkcs11.AttributeTypeInvalid)):
        _ = signers.seal._key[pkcs11.Attribute.VALUE]


def test_what_is_absent(sandbox: SandboxPki, signers: Signers, tmp_path: Path) -> None:
    def opening(**changes: object) -> Callable[[], object]:
        arguments = {
            "module": sandbox.module,
            "token_label": pki.DESK_TOKEN,
            "key_label": "officer",
            "pin": sandbox.desk_pin.read_text(),
        } | changes
        return lambda: open_signer(**arguments)  # type: ignore[arg-type]

    assert opening()()
    assert code_of(opening(module=tmp_path / "none.so")) == Fault.SIGNER_ABSENT
    assert code_of(opening(token_label="nobody's")) == Fault.SIGNER_ABSENT
    assert code_of(opening(key_label="nobody's")) == Fault.SIGNER_ABSENT
    assert code_of(opening(chain=[tmp_path / "none.pem"])) == Fault.SIGNER_ABSENT


def test_what_a_token_says_has_a_code() -> None:
    def raising(error: Exception) -> Callable[[], None]:
        def act() -> None:
            with token_errors():
                raise error

        return act

    assert code_of(raising(pkcs11.PinIncorrect())) == Fault.SIGNER_REFUSED
    assert code_of(raising(pkcs11.PinLocked())) == Fault.SIGNER_REFUSED
    assert code_of(raising(pkcs11.DeviceRemoved())) == Fault.SIGNER_ABSENT


def test_the_trust_anchor_may_be_on_a_token(
    sandbox: SandboxPki, signers: Signers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = Secret(sandbox.desk_pin.read_text())
    monkeypatch.setattr(trust_anchor, "ask", lambda _question: pin)
    folder = tmp_path / "trust"
    trust_office.new(folder, sandbox.module, pki.DESK_TOKEN, "seal")
    (folder / "root.pem").write_bytes((sandbox.folder / "certs" / "root.pem").read_bytes())
    bundle, _ = trust_office.sign(folder)
    assert bundle.seal_host == "xacthuc.example"
    assert not (folder / trust_anchor.KEY).exists()
    with pytest.raises(KioskError) as locked:
        trust_office.new(tmp_path / "rsa", sandbox.module, pki.DESK_TOKEN, "officer")
    assert locked.value.code == CoreFault.ANCHOR_LOCKED
