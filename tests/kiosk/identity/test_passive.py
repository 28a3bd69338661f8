"""Passive authentication of an invented state's chip: genuine, tampered, forged, expired."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.failures import Fault, KioskError
from kiosk.identity.passive import IssuerTrust, verify
from kiosk.sandbox.card_state import CardState

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GROUPS = {1: b"a\x03DG1", 2: b"u\x03DG2", 13: b"m\x04DG13"}
STATE = CardState(NOW)


@cache
def genuine() -> bytes:
    return STATE.signed(GROUPS)


def code_of(
    document: bytes,
    groups: Mapping[int, bytes] = GROUPS,
    trust: IssuerTrust = STATE.trust,
    at: datetime = NOW,
) -> str:
    with pytest.raises(KioskError) as caught:
        verify(document, groups, trust, at)
    return caught.value.code


@pytest.mark.parametrize("signer", ["ec", "rsa", "pss"])
def test_a_genuine_chip_passes_with_all_or_some_of_its_groups(signer: str) -> None:
    state = CardState(NOW, signer)
    document = state.signed(GROUPS)
    assert verify(document, GROUPS, state.trust, NOW) == {1, 2, 13}
    assert verify(document, {1: GROUPS[1]}, state.trust, NOW) == {1, 2, 13}


def test_certificates_whose_curves_are_spelt_out() -> None:
    state = CardState(NOW, spelt_out=True)
    with pytest.raises(UnsupportedAlgorithm):
        state.root.public_key()  # which is why passive authentication does not ask for it
    assert verify(state.signed(GROUPS), GROUPS, state.trust, NOW) == {1, 2, 13}
    namesake = CardState(NOW, spelt_out=True)
    assert code_of(state.signed(GROUPS), trust=namesake.trust) == Fault.CHIP_NOT_GENUINE


@pytest.mark.parametrize("groups", [{**GROUPS, 2: b"u\x03DGX"}, {**GROUPS, 3: b"c\x00"}])
def test_a_group_changed_or_added_is_noticed(groups: dict[int, bytes]) -> None:
    assert code_of(genuine(), groups) == Fault.CHIP_NOT_GENUINE


def test_an_unknown_state_is_not_believed() -> None:
    """Its certificates bear the same names, its keys are others."""
    assert code_of(CardState(NOW).signed(GROUPS)) == Fault.CHIP_NOT_GENUINE
    assert code_of(genuine(), trust=IssuerTrust()) == Fault.CHIP_NOT_GENUINE


def test_a_signer_may_not_vouch_for_itself() -> None:
    own = IssuerTrust((STATE.signer_certificate,))
    assert code_of(genuine(), trust=own) == Fault.CHIP_NOT_GENUINE


def test_a_signer_that_was_taken_back_is_not_believed() -> None:
    assert code_of(genuine(), trust=STATE.trust_without_signer) == Fault.CHIP_NOT_GENUINE


def test_expired_certificates_are_told_apart() -> None:
    old = CardState(NOW, signer_life=timedelta(days=-1))
    assert code_of(old.signed(GROUPS), trust=old.trust) == Fault.CHIP_SIGNER_EXPIRED
    later = NOW + timedelta(days=901)
    assert code_of(genuine(), at=later) == Fault.CHIP_SIGNER_EXPIRED


def test_roots_come_as_bytes_and_a_broken_one_is_left_out() -> None:
    der = STATE.root.public_bytes(serialization.Encoding.DER)
    trust = IssuerTrust.of_der((b"broken", der), ())
    assert trust.roots == (x509.load_der_x509_certificate(der),)


def test_a_certificate_of_no_known_version_is_unreadable() -> None:
    third = b"\xa0\x03\x02\x01\x02"  # version 3 is written as 2
    document = genuine().replace(third, third[:-1] + b"\x03")
    assert code_of(document) == Fault.CHIP_UNREADABLE


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_flipped_byte_lets_another_face_pass(data: st.DataObject) -> None:
    document = bytearray(genuine())
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] ^= data.draw(st.integers(1, 255))
    code = code_of(bytes(document), {**GROUPS, 2: b"another"})
    assert code in (Fault.CHIP_NOT_GENUINE, Fault.CHIP_UNREADABLE, Fault.CHIP_SIGNER_EXPIRED)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_noise_is_unreadable(noise: bytes) -> None:
    assert code_of(b"\x77" + noise) == Fault.CHIP_UNREADABLE
