"""Passive authentication of an invented state's chip: genuine, tampered, forged, expired."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.failures import Fault, KioskError
from kiosk.identity.passive import _LdsSecurityObject, verify

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GROUPS = {1: b"a\x03DG1", 2: b"u\x03DG2", 13: b"m\x04DG13"}
OID = "2.23.136.1.1.1"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def key(name: str) -> Key:
    if name in ("rsa", "pss"):
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.BrainpoolP256R1() if name == "csca" else ec.SECP256R1())


def certificate(
    subject: str, issuer: str, *, ca: bool = False, days: int = 900, subject_says: str = ""
) -> Any:
    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(subject_says or subject))
        .issuer_name(named(issuer))
        .public_key(key(subject).public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1000))
        .not_valid_after(NOW - timedelta(days=1000) + timedelta(days=1000 + days))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .sign(key(issuer), hashes.SHA256())
    )


def sod(signer: str = "signer", issuer: str = "csca", days: int = 900) -> bytes:
    content = _LdsSecurityObject(
        {
            "version": 0,
            "hash_algorithm": {"algorithm": "sha256"},
            "hashes": [
                {"number": n, "digest": hashlib.sha256(data).digest()} for n, data in GROUPS.items()
            ],
        }
    ).dump()
    der = certificate(signer, issuer, days=days).public_bytes(serialization.Encoding.DER)
    holder = asn1_x509.Certificate.load(der)
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": [OID]}),
            cms.CMSAttribute(
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]}
            ),
        ]
    )
    algorithm, signature = signed(key(signer), attributes.dump(), pss=signer == "pss")
    signer_info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": holder.issuer, "serial_number": 7}
        ),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": algorithm,
        "signature": signature,
    }
    info = cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": cms.SignedData(
                {
                    "version": "v3",
                    "digest_algorithms": [{"algorithm": "sha256"}],
                    "encap_content_info": {
                        "content_type": OID,
                        "content": core.ParsableOctetString(content),
                    },
                    "certificates": [cms.CertificateChoices("certificate", holder)],
                    "signer_infos": [signer_info],
                }
            ),
        }
    ).dump()
    return b"\x77\x82" + len(info).to_bytes(2, "big") + info


def signed(private: Key, message: bytes, *, pss: bool) -> tuple[Any, bytes]:
    if isinstance(private, rsa.RSAPrivateKey) and pss:
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return (
            algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss"}),
            private.sign(message, scheme, hashes.SHA256()),
        )
    if isinstance(private, rsa.RSAPrivateKey):
        signature = private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}), signature
    signature = private.sign(message, ec.ECDSA(hashes.SHA256()))
    return algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}), signature


@cache
def genuine() -> bytes:
    return sod()


@cache
def trusted() -> list[x509.Certificate]:
    return [certificate("csca", "csca", ca=True)]


def code_of(document: bytes, groups: dict[int, bytes], trust: list[Any], at: datetime = NOW) -> str:
    with pytest.raises(KioskError) as caught:
        verify(document, groups, trust, at)
    return caught.value.code


@pytest.mark.parametrize("signer", ["signer", "rsa", "pss"])
def test_a_genuine_chip_passes_with_all_or_some_of_its_groups(signer: str) -> None:
    document = sod(signer)
    verify(document, GROUPS, trusted(), NOW)
    verify(document, {1: GROUPS[1]}, trusted(), NOW)


@pytest.mark.parametrize("groups", [{**GROUPS, 2: b"u\x03DGX"}, {**GROUPS, 3: b"c\x00"}])
def test_a_group_changed_or_added_is_noticed(groups: dict[int, bytes]) -> None:
    assert code_of(genuine(), groups, trusted()) == Fault.CHIP_NOT_GENUINE


def test_an_unknown_state_is_not_believed() -> None:
    forged = sod("signer", "nobody")
    for document, trust in ((forged, trusted()), (genuine(), [])):
        assert code_of(document, GROUPS, list(trust)) == Fault.CHIP_NOT_GENUINE


def test_a_state_of_the_same_name_is_not_believed() -> None:
    """Its certificate bears the name, its key is another."""
    namesake = certificate("nobody", "nobody", ca=True, subject_says="csca")
    assert code_of(genuine(), GROUPS, [namesake]) == Fault.CHIP_NOT_GENUINE


def test_a_signer_may_not_vouch_for_itself() -> None:
    own = certificate("signer", "signer")
    assert code_of(sod("signer", "signer"), GROUPS, [own]) == Fault.CHIP_NOT_GENUINE


def test_expired_certificates_are_told_apart() -> None:
    assert code_of(sod(days=-1), GROUPS, trusted()) == Fault.CHIP_SIGNER_EXPIRED
    later = NOW + timedelta(days=901)
    assert code_of(genuine(), GROUPS, trusted(), later) == Fault.CHIP_SIGNER_EXPIRED


def test_a_certificate_of_no_known_version_is_unreadable() -> None:
    third = b"\xa0\x03\x02\x01\x02"  # version 3 is written as 2
    document = genuine().replace(third, third[:-1] + b"\x03")
    assert code_of(document, GROUPS, trusted()) == Fault.CHIP_UNREADABLE


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_flipped_byte_lets_another_face_pass(data: st.DataObject) -> None:
    document = bytearray(genuine())
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] ^= data.draw(st.integers(1, 255))
    try:
        verify(bytes(document), {**GROUPS, 2: b"another"}, trusted(), NOW)
    except KioskError as error:
        code = error.code
    else:
        code = "passed"
    assert code in (Fault.CHIP_NOT_GENUINE, Fault.CHIP_UNREADABLE, Fault.CHIP_SIGNER_EXPIRED)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_noise_is_unreadable(noise: bytes) -> None:
    assert code_of(b"\x77" + noise, GROUPS, trusted()) == Fault.CHIP_UNREADABLE
