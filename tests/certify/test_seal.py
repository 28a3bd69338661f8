"""The seal: fits its QR code, says what it says, and only our keys make it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import segno
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.errors import CertifyError, Fault
from certify.seal import MAX_TEXT, check_seal, copy_digest, make_seal, read_seal
from certify.statement import CopyFacts
from certify.trust import TrustBundle
from tests.certify import specimens

KEY = ec.generate_private_key(ec.SECP256R1())
KID = cose.key_id(KEY.public_key())
KIOSK_KEY = ec.generate_private_key(ec.SECP256R1())
KIOSK_KID = cose.key_id(KIOSK_KEY.public_key())
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BUNDLE = TrustBundle(
    serial=1,
    issued=NOW,
    expires=NOW + timedelta(days=1),
    roots=(),
    seal_keys={KID: KEY.public_key(), KIOSK_KID: KIOSK_KEY.public_key()},
    seal_host=specimens.SEAL_HOST,
    leases={KIOSK_KID: specimens.ISSUED + timedelta(days=7)},
)
IMAGES = [b"one", b"two"]


def sealed(facts: CopyFacts, host: str = specimens.SEAL_HOST) -> str:
    return sealed_by(KEY if facts.mode == "pre-check" else KIOSK_KEY, facts, host)


def sealed_by(
    key: ec.EllipticCurvePrivateKey, facts: CopyFacts, host: str = specimens.SEAL_HOST
) -> str:
    sign, kid = cose.software_signer(key), cose.key_id(key.public_key())
    return make_seal(facts, copy_digest(IMAGES, facts), 2, host=host, sign=sign, kid=kid)


def code_of(text: str, bundle: TrustBundle = BUNDLE) -> str:
    with pytest.raises(CertifyError) as caught:
        check_seal(text, bundle)
    return caught.value.code


def test_it_says_what_the_copy_says() -> None:
    facts = specimens.facts("post-check")
    seal = check_seal(sealed(facts), BUNDLE)
    assert (seal.id_code, seal.number, seal.book) == (facts.id_code, 123, facts.book)
    assert (seal.agency, seal.agency_code) == ("UBND xã Mây Trắng", "H26.15")
    assert (seal.mode, seal.inspect_by, seal.issued) == (
        "post-check",
        facts.inspect_by,
        facts.issued,
    )
    assert (seal.pages, seal.digest) == (2, copy_digest(IMAGES, facts))
    assert check_seal(sealed(specimens.facts()), BUNDLE).inspect_by is None


def test_it_can_be_read_without_any_key() -> None:
    text = sealed(specimens.facts())
    assert read_seal(text) == check_seal(text, BUNDLE)


@pytest.mark.parametrize("agency", [specimens.AGENCY, "Ủy ban nhân dân " + "phường Rất Dài " * 12])
def test_it_fits_a_small_qr_code(agency: str) -> None:
    text = sealed(specimens.facts(agency=agency, number=999_999, dossier_code="000.15.26.H26-1-2"))
    code = segno.make(text, error="m", boost_error=False)
    assert len(text) <= MAX_TEXT
    assert (code.mode, int(code.version) <= 11) == ("alphanumeric", True)
    assert read_seal(text).agency.startswith("UBND ")


def test_a_host_that_leaves_no_room_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot fit"):
        sealed(specimens.facts(), "x" * 200)


def test_the_digest_covers_pages_their_order_and_the_facts() -> None:
    facts = specimens.facts()
    digests = {
        copy_digest(IMAGES, facts),
        copy_digest(IMAGES[::-1], facts),
        copy_digest([b"onetwo"], facts),
        copy_digest(IMAGES, replace(facts, place="nơi khác")),
    }
    assert len(digests) == 4
    assert all(len(digest) == 16 for digest in digests)


def test_look_alike_hosts_fail() -> None:
    text = sealed(specimens.facts(), "xacthuc.mot-cua.example.test")
    assert code_of(text) == Fault.SEAL_HOST
    swapped = sealed(specimens.facts()).replace("XACTHUC", "XACTHUV")
    assert code_of(swapped) == Fault.SEAL_HOST


def test_a_changed_claim_fails() -> None:
    text = sealed(specimens.facts())
    head, _, body = text.rpartition("/")
    message = bytearray(base64.b32decode(body + "=" * (-len(body) % 8)))
    message[message.index(specimens.BOOK.encode())] = ord("9")
    changed = f"{head}/{base64.b32encode(message).decode().rstrip('=')}"
    assert read_seal(changed).book == f"9{specimens.BOOK[1:]}"
    assert code_of(changed) == Fault.SEAL_ALTERED


def test_another_key_fails() -> None:
    bundle = replace(BUNDLE, seal_keys={})
    assert code_of(sealed(specimens.facts()), bundle) == Fault.SEAL_KEY_UNKNOWN


def test_a_kiosk_cannot_speak_for_an_officer_nor_a_desk_for_a_kiosk() -> None:
    assert code_of(sealed_by(KIOSK_KEY, specimens.facts())) == Fault.SEAL_RIGHT
    assert code_of(sealed_by(KEY, specimens.facts("post-check"))) == Fault.LEASE_EXPIRED


def test_a_desks_key_ends_too() -> None:
    text = sealed(specimens.facts())
    ends = {KID: specimens.ISSUED + timedelta(minutes=1)}
    assert check_seal(text, replace(BUNDLE, seal_ends=ends)).mode == "pre-check"
    ends = {KID: specimens.ISSUED - timedelta(minutes=1)}
    assert code_of(text, replace(BUNDLE, seal_ends=ends)) == Fault.LEASE_EXPIRED


def test_a_revoked_copy_is_told_as_such() -> None:
    facts = specimens.facts()
    bundle = replace(BUNDLE, revoked_codes=frozenset({facts.id_code}))
    assert code_of(sealed(facts), bundle) == Fault.COPY_REVOKED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "HTTPS://XACTHUC.MOT-CUA.EXAMPLE/V/",
        "HTTPS://XACTHUC.MOT-CUA.EXAMPLE/V/AAAA",
        "HTTPS://XACTHUC.MOT-CUA.EXAMPLE/V/not base 32",
    ],
)
def test_what_is_no_seal(text: str) -> None:
    with pytest.raises(CertifyError) as caught:
        read_seal(text)
    assert caught.value.code == Fault.SEAL_INVALID


def test_one_seal_has_one_text() -> None:
    text = sealed(specimens.facts())
    for other in (text.lower(), text + "=", text + "A", text.replace("HTTPS", "HTTP")):
        assert code_of(other) == Fault.SEAL_INVALID


def test_a_signed_message_that_is_no_seal() -> None:
    message = cose.sign1(cose.encode({1: "x"}), cose.software_signer(KEY), KID)
    body = base64.b32encode(message).decode().rstrip("=")
    assert code_of(f"HTTPS://{specimens.SEAL_HOST.upper()}/V/{body}") == Fault.SEAL_INVALID
