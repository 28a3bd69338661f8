"""PKCS#12: both kinds of key sign, and what a file may lack has a code."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from certify import cose
from certify.developer_key import DeveloperSigner
from certify.errors import CertifyError, Fault
from certify.issue import assemble, sign_copy
from certify.secret import Secret
from tests.certify import specimens

PASSPHRASE = "correct horse"


def written(file: Path, private: specimens.Private, common_name: str = "Developer") -> Path:
    """A PKCS#12 file as `openssl pkcs12 -export` makes one, with its authority's certificate."""
    signer = specimens.stranger(common_name, specimens.AGENCY)
    name = x509.load_der_x509_certificate(signer.certificate.dump()).subject
    assert isinstance(signer.private, ec.EllipticCurvePrivateKey)
    own = specimens.certified_signer(name, private, name, signer.private)
    certificate = x509.load_der_x509_certificate(own.certificate.dump())
    above = x509.load_der_x509_certificate(signer.certificate.dump())
    sealing = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(b"key", private, certificate, [above], sealing)
    )
    return file


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_it_signs_a_copy(tmp_path: Path, kind: str) -> None:
    private = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    signer = DeveloperSigner(written(tmp_path / "agency.p12", private), Secret(PASSPHRASE))
    assert signer.certificate.public_key.algorithm == kind
    copy = assemble([specimens.page()], specimens.facts(), lambda _: "HTTPS://EXAMPLE/V/")
    assert sign_copy(copy, signer, "agency").startswith(copy)


def test_a_seal_key(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    signer = DeveloperSigner(written(tmp_path / "seal.p12", private), Secret(PASSPHRASE))
    message = cose.sign1(b"x", signer.sign_es256, signer.key_id)
    assert cose.verify1(message, {signer.key_id: private.public_key()}) == b"x"


def test_what_a_file_may_lack(tmp_path: Path) -> None:
    good = written(tmp_path / "good.p12", ec.generate_private_key(ec.SECP256R1()))
    empty = tmp_path / "empty.p12"
    certificate = x509.load_der_x509_certificate(specimens.stranger("A", "B").certificate.dump())
    sealing = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    empty.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", None, None, [certificate], sealing)
    )
    tries = [(good, "wrong"), (tmp_path / "none.p12", PASSPHRASE), (empty, PASSPHRASE)]
    codes = []
    for file, passphrase in tries:
        with pytest.raises(CertifyError) as caught:
            DeveloperSigner(file, Secret(passphrase))
        assert passphrase not in str(caught.value)
        codes.append(caught.value.code)
    assert codes == [Fault.SIGNER_REFUSED, Fault.SIGNER_ABSENT, Fault.SIGNER_ABSENT]
