"""Bundle and policy: only the anchor signs them, they expire and they never go back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose, trust
from certify.errors import CertifyError, Fault
from certify.trust import NamedPack, Policy, Revocations, SignerRight, TrustBundle

ANCHOR = ec.generate_private_key(ec.SECP256R1())
PUBLIC = ANCHOR.public_key()
SIGN, KID = cose.software_signer(ANCHOR), cose.key_id(PUBLIC)
SEAL_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BUNDLE = TrustBundle(
    serial=5,
    issued=NOW,
    expires=NOW + timedelta(days=7),
    roots=(b"der one", b"der two"),
    seal_keys={cose.key_id(SEAL_KEY): SEAL_KEY},
    seal_host="xacthuc.mot-cua.example",
    revoked_codes=frozenset({"000H000001AZ"}),
    revoked_certificates={4096: NOW, 2**100: NOW},
    leases={b"12345678": NOW},
    chip_roots=(b"der state",),
    staff_roots=(b"der staff",),
    revoked_signers=frozenset({(b"r" * 32, 7), (b"s" * 32, 2**100)}),
)
POLICY = Policy(
    serial=3,
    issued=NOW,
    expires=NOW + timedelta(days=7),
    modes=frozenset({"pre-check"}),
    thresholds={"face-distance": 0.5},
    post_check_papers=frozenset({"diploma"}),
    post_check_inspect_days=3,
    procedure_packs=(NamedPack("civil-status", date(2026, 12, 1), "0a" * 32),),
)


def signed(body: object, purpose: bytes = b"mot-cua/trust-bundle/1") -> bytes:
    return cose.sign1(cose.encode(body), SIGN, KID, purpose=purpose)


def code_of(data: bytes, **changes: object) -> str:
    arguments = {"anchor": PUBLIC, "at": NOW} | changes
    with pytest.raises(CertifyError) as caught:
        trust.load_bundle(data, **arguments)  # type: ignore[arg-type]
    return caught.value.code


def test_a_bundle_survives() -> None:
    assert trust.load_bundle(trust.sign_bundle(BUNDLE, SIGN, KID), PUBLIC, at=NOW) == BUNDLE


def test_a_bundle_from_before_cards_names_no_states() -> None:
    body = cose.decode(cose.verify1(trust.sign_bundle(BUNDLE, SIGN, KID), {KID: PUBLIC},
                                    purpose=b"mot-cua/trust-bundle/1"))  # fmt: skip
    for name in ("chip_roots", "staff_roots", "revoked_signers"):
        del body[name]
    older = trust.load_bundle(signed(body), PUBLIC, at=NOW)
    assert (older.chip_roots, older.staff_roots, older.revoked_signers) == ((), (), frozenset())


def test_a_policy_survives() -> None:
    assert trust.load_policy(trust.sign_policy(POLICY, SIGN, KID), PUBLIC, at=NOW) == POLICY


def test_they_expire() -> None:
    bundle = trust.sign_bundle(BUNDLE, SIGN, KID)
    assert trust.load_bundle(bundle, PUBLIC, at=BUNDLE.expires - timedelta(seconds=1))
    assert code_of(bundle, at=BUNDLE.expires) == Fault.BUNDLE_EXPIRED
    with pytest.raises(CertifyError) as caught:
        trust.load_policy(trust.sign_policy(POLICY, SIGN, KID), PUBLIC, at=POLICY.expires)
    assert caught.value.code == Fault.BUNDLE_EXPIRED


def test_a_stranger_cannot_sign_one() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    for kid in (KID, cose.key_id(other.public_key())):
        forged = trust.sign_bundle(BUNDLE, cose.software_signer(other), kid)
        assert code_of(forged) == Fault.BUNDLE_INVALID


def test_a_changed_byte_is_noticed() -> None:
    bundle = trust.sign_bundle(BUNDLE, SIGN, KID)
    place = bundle.index(b"xacthuc")
    changed = bundle[:place] + b"z" + bundle[place + 1 :]
    assert code_of(changed) == Fault.BUNDLE_INVALID


def test_a_policy_is_no_bundle() -> None:
    assert code_of(trust.sign_policy(POLICY, SIGN, KID)) == Fault.BUNDLE_INVALID


def test_an_older_serial_is_refused() -> None:
    bundle = trust.sign_bundle(BUNDLE, SIGN, KID)
    assert trust.load_bundle(bundle, PUBLIC, at=NOW, at_least=5) == BUNDLE
    assert code_of(bundle, at_least=6) == Fault.BUNDLE_INVALID


@pytest.mark.parametrize("body", [[], "x", {}, {"serial": 1, "expires": 2**40}, {"serial": "1"}])
def test_signed_nonsense(body: object) -> None:
    assert code_of(signed(body)) == Fault.BUNDLE_INVALID


def test_a_seal_key_of_another_curve_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    bundle = replace(BUNDLE, seal_keys={b"12345678": key})
    assert code_of(trust.sign_bundle(bundle, SIGN, KID)) == Fault.BUNDLE_INVALID


def test_the_anchor_is_a_p256_key() -> None:
    pem = PUBLIC.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    assert cose.key_id(trust.load_anchor(pem)) == KID
    with pytest.raises(CertifyError):
        trust.load_anchor("not a key")


REVOKER = ec.generate_private_key(ec.SECP256R1())
GRANTED = replace(BUNDLE, revocation_key=REVOKER.public_key())
LISTED = Revocations(NOW, frozenset({"000H000002BC"}))


def listed_by(key: ec.EllipticCurvePrivateKey) -> bytes:
    return trust.sign_revocations(LISTED, cose.software_signer(key), cose.key_id(key.public_key()))


def test_a_list_adds_to_the_revoked_codes() -> None:
    data = trust.sign_bundle(GRANTED, SIGN, KID)
    assert trust.load_bundle(data, PUBLIC, at=NOW) == GRANTED
    loaded = trust.load_bundle(data + listed_by(REVOKER), PUBLIC, at=NOW)
    assert loaded.revoked_codes == BUNDLE.revoked_codes | LISTED.codes
    assert loaded.listed == LISTED


def test_only_the_key_of_the_bundle_may_list() -> None:
    data = trust.sign_bundle(GRANTED, SIGN, KID)
    assert code_of(data + listed_by(ANCHOR)) == Fault.BUNDLE_INVALID
    assert code_of(trust.sign_bundle(BUNDLE, SIGN, KID) + listed_by(REVOKER)) == (
        Fault.BUNDLE_INVALID
    )
    assert code_of(data + listed_by(REVOKER)[:-1]) == Fault.BUNDLE_INVALID
    assert code_of(data + data) == Fault.BUNDLE_INVALID


def test_the_key_of_the_list_can_sign_nothing_else() -> None:
    sign, kid = cose.software_signer(REVOKER), cose.key_id(REVOKER.public_key())
    assert code_of(trust.sign_bundle(GRANTED, sign, kid)) == Fault.BUNDLE_INVALID


def test_rights_and_reasons_survive() -> None:
    right = SignerRight("officer", NOW, NOW + timedelta(days=30))
    full = replace(GRANTED, signers={b"d" * 32: right}, revocation_reasons={4096: "key-compromise"})
    assert trust.load_bundle(trust.sign_bundle(full, SIGN, KID), PUBLIC, at=NOW) == full


def test_a_right_of_an_unknown_kind_is_refused() -> None:
    right = SignerRight("judge", NOW, NOW)  # type: ignore[arg-type]
    bundle = trust.sign_bundle(replace(BUNDLE, signers={b"d" * 32: right}), SIGN, KID)
    assert code_of(bundle) == Fault.BUNDLE_INVALID
