"""An officer's word counts for one dossier, with a card that a known root issued and nobody took
back."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kiosk.sandbox.staff_card import StaffAuthority
from offline_queue.vouching import Vouch, VouchError, checked

AUTHORITY = StaffAuthority()
KEY = ec.generate_private_key(ec.SECP256R1())
WORD = Vouch(
    dossier=UUID("0190b2c4-7000-7000-8000-000000000001"),
    kiosk_id="kiosk-01",
    citizen_number="001192000000",
    reason="no-phone",
    at=datetime.now(UTC),
)


def given(authority: StaffAuthority = AUTHORITY, word: Vouch = WORD, **how: Any) -> Vouch:
    certificate = authority.card("Lê Văn Cán Bộ", key=KEY, **how)._certificate
    digest = hashlib.sha256(word.statement).digest()
    signature = KEY.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    return word.model_copy(
        update={
            "certificate": base64.b64encode(certificate).decode(),
            "signature": base64.b64encode(signature).decode(),
        }
    )


def refusal(vouch: Vouch, roots: tuple[bytes, ...] = (AUTHORITY.root_der,), **how: Any) -> str:
    with pytest.raises(VouchError) as caught:
        checked(vouch, roots, how.get("revoked", ()))
    return str(caught.value)


def test_a_word_is_believed_and_names_the_officer() -> None:
    vouch = Vouch.model_validate_json(given().model_dump_json())
    assert checked(vouch, [b"broken", AUTHORITY.root_der], ()) == "Lê Văn Cán Bộ"
    assert len(vouch.card) == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"dossier": UUID(int=1)},
        {"citizen_number": "031085000000"},
        {"reason": "face"},
        {"kiosk_id": "kiosk-02"},
        {"at": WORD.at + timedelta(seconds=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_word_is_good_for_what_it_says_alone(changes: dict[str, Any]) -> None:
    assert refusal(given().model_copy(update=changes)) == "signature"


def test_cards_that_do_not_count() -> None:
    assert refusal(given(StaffAuthority())) == "issuer"
    assert refusal(given(), roots=()) == "issuer"
    assert refusal(given(life=-timedelta(hours=1))) == "expired"
    root = AUTHORITY.root.fingerprint(hashes.SHA256())
    assert refusal(given(serial=9), revoked={(root, 9)}) == "revoked"


@pytest.mark.parametrize("text", ["", "!", "AAAA", base64.b64encode(b"0" * 99).decode()])
def test_what_is_no_certificate(text: str) -> None:
    assert refusal(given().model_copy(update={"certificate": text})) in ("certificate", "base64")


def test_a_key_of_another_kind() -> None:
    certificate = AUTHORITY._certified(
        rsa.generate_private_key(65537, 2048).public_key(), "RSA"
    ).public_bytes(serialization.Encoding.DER)
    vouch = given().model_copy(update={"certificate": base64.b64encode(certificate).decode()})
    assert refusal(vouch) == "kind of key"
