"""COSE_Sign1 against fixed bytes, and what must never verify."""

from __future__ import annotations

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.errors import CertifyError, Fault

# The key of RFC 6979, A.2.5. The signature below was made once with it; ECDSA draws a fresh nonce
# each time, so the vector fixes verification and the bytes around the signature.
KEY = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
PUBLIC = KEY.public_key()
KID = bytes.fromhex("0102030405060708")
SIGNED = bytes.fromhex(
    "d2844da2012604480102030405060708a04a6e69656d2070686f6e6758401f57dddc0d7faa207993"
    "56009df19629f0b8219cc5fa69393c30ac3c9aba818eab03f6a0a2c096adca4bd8a99095226ab588"
    "dbaeddff21374dac142be0f722e2"
)


def rejected(data: bytes, purpose: bytes = b"") -> bool:
    try:
        cose.verify1(data, {KID: PUBLIC}, purpose=purpose)
    except CertifyError as error:
        return error.code in (Fault.SIGNATURE_INVALID, Fault.KEY_UNKNOWN)
    return False


def test_a_fixed_message_verifies() -> None:
    assert cose.verify1(SIGNED, {KID: PUBLIC}) == b"niem phong"


def test_the_message_has_the_fixed_form() -> None:
    signature = bytes(64)
    made = cose.sign1(b"niem phong", lambda _: signature, KID)
    assert made == SIGNED[:-64] + signature


def test_what_is_signed_is_the_sig_structure_of_rfc_9052() -> None:
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return bytes(64)

    cose.sign1(b"\x01", sign, KID, purpose=b"aad")
    protected = cbor2.dumps({1: -7, 4: KID}, canonical=True)
    assert seen == [cbor2.dumps(["Signature1", protected, b"aad", b"\x01"])]


def test_every_changed_bit_is_noticed() -> None:
    for position in range(len(SIGNED) * 8):
        changed = bytearray(SIGNED)
        changed[position // 8] ^= 1 << position % 8
        assert rejected(bytes(changed)), f"bit {position}"


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    made = cose.sign1(b"x", cose.software_signer(KEY), KID, purpose=b"one")
    assert cose.verify1(made, {KID: PUBLIC}, purpose=b"one") == b"x"
    assert rejected(made, b"two")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xd2",
        SIGNED + b"\x00",
        cbor2.dumps([1, 2, 3]),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"x"])),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {4: KID}, b"x", bytes(64)])),
        cbor2.dumps(cbor2.CBORTag(17, [b"", {}, b"x", bytes(64)])),
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -8, 4: KID}), {}, b"x", bytes(64)])),
    ],
)
def test_nonsense_is_rejected(data: bytes) -> None:
    assert rejected(data)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(CertifyError, match="0102030405060708"):
        cose.verify1(SIGNED, {b"other": PUBLIC})


def test_public_keys_survive_a_round_trip_and_other_curves_are_refused() -> None:
    assert cose.key_id(cose.decode_public(cose.encode_public(PUBLIC))) == cose.key_id(PUBLIC)
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(ValueError, match="P-256"):
        cose.decode_public(cose.encode_public(other))
