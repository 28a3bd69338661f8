"""Manifest v1 is a promise to every portal: its bytes, and what is done with unknown fields."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from offline_queue import signatures
from offline_queue.manifest import Manifest

VECTOR = (
    '{"agency":"H26.15","applicants":[{"face_match":true,"grade":"proven","method":"vneid"}],'
    '"clock_trusted":true,"code":"H26.15-261124-0042","copies":1,'
    '"fee":{"amount":0,"rule":"free","state":"free"},"for_whom":"self",'
    '"id":"0190b2c4-7000-7000-8000-000000000001","journal_head":"' + "0" * 64 + '",'
    '"key":{"key_id":"portal-1","suite":"X25519-HKDF-SHA256-AES-256-GCM","wrapped":"AAAA"},'
    '"kiosk_id":"kiosk-01","locked_at":"2026-11-24T09:41:00+07:00","mode":"pre-check",'
    '"papers":[{"pages":["page-001.jpg"],"paper_class":"original"}],"parent":null,'
    '"parts":[{"media_type":"image/jpeg","name":"page-001.jpg","sha256":"' + "a" * 64 + '",'
    '"size":1234}],"procedure":"certified-copy","procedure_version":1,"version":1}'
)


def test_the_canonical_bytes_of_version_1() -> None:
    manifest = Manifest.decode(VECTOR.encode())
    assert manifest.encode().decode() == VECTOR
    assert (
        hashlib.sha256(manifest.encode()).hexdigest()
        == "3980316f6e0c3512dcf53ed069a8cfecda0ed315c781b2a58a87d51e3ff308c3"
    )


def test_unknown_fields_are_kept_at_every_depth() -> None:
    newer = json.loads(VECTOR)
    newer["colour"] = "teal"
    newer["parts"][0]["pages"] = 2
    kept = json.loads(Manifest.decode(json.dumps(newer).encode()).encode())
    assert kept == newer


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("id", "not-a-uuid"),
        ("mode", "no-check"),
        ("copies", 0),
        ("applicants", []),
        ("parts", []),
        ("parts", [{"name": "../etc", "media_type": "x", "size": 1, "sha256": "a" * 64}]),
        ("parts", [{"name": "a.jpg", "media_type": "x", "size": -1, "sha256": "a" * 64}]),
        ("parts", [{"name": "a.jpg", "media_type": "x", "size": 1, "sha256": "A" * 64}]),
    ],
)
def test_what_is_no_manifest_is_refused(field: str, value: object) -> None:
    wrong = {**json.loads(VECTOR), field: value}
    with pytest.raises(ValidationError, match=field):
        Manifest.decode(json.dumps(wrong).encode())


def test_no_personal_field_has_a_place_in_clear() -> None:
    names = {"name", "full_name", "citizen_number", "birth_date", "phone", "address"}
    assert names.isdisjoint(Manifest.model_fields)


def test_a_signature_is_good_for_its_purpose_only() -> None:
    key = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
    statement = VECTOR.encode()
    signature = signatures.sign(key, signatures.MANIFEST, statement)
    public = key.public_key()
    assert signatures.verify(public, signatures.MANIFEST, statement, signature)
    assert not signatures.verify(public, signatures.RECEIPT, statement, signature)
    assert not signatures.verify(public, signatures.MANIFEST, statement + b" ", signature)
    other = ec.derive_private_key(0xBEEF, ec.SECP256R1()).public_key()
    assert not signatures.verify(other, signatures.MANIFEST, statement, signature)
