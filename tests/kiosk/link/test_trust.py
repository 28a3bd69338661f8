"""What a kiosk keeps of trust: the newest bundle, and no revocation less than it had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose, trust
from certify.errors import CertifyError, Fault
from certify.trust import Policy, Revocations, TrustBundle
from kiosk.link.trust import TrustKeeper

ANCHOR, REVOKER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
SIGN, KID = cose.software_signer(ANCHOR), cose.key_id(ANCHOR.public_key())
NOW = datetime(2026, 11, 24, tzinfo=UTC)
POLICY = trust.sign_policy(
    Policy(1, NOW, NOW, frozenset(), {}, frozenset(), 1, ()),
    SIGN,
    KID,
)


def bundle(serial: int = 1, *codes: str) -> bytes:
    made = TrustBundle(
        serial=serial,
        issued=NOW,
        expires=NOW + timedelta(days=30),
        roots=(),
        seal_keys={},
        seal_host="xacthuc.example",
        revoked_codes=frozenset(codes),
        revocation_key=REVOKER.public_key(),
    )
    return trust.sign_bundle(made, SIGN, KID)


def listing(*codes: str, at: datetime = NOW) -> bytes:
    sign, kid = cose.software_signer(REVOKER), cose.key_id(REVOKER.public_key())
    return trust.sign_revocations(Revocations(at, frozenset(codes)), sign, kid)


class Keeper:
    """A keeper and the portal that it asks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = TrustKeeper(folder, ANCHOR.public_key())

    def offered(self, data: bytes) -> bytes | None:
        client: Any = SimpleNamespace(trust_bundle=lambda: data, policy=lambda: POLICY)
        self.kept.refresh(client)
        return self.kept.bundle

    def codes(self) -> frozenset[str]:
        """As the next start reads them from the disk."""
        kept = TrustKeeper(self.folder, ANCHOR.public_key()).bundle
        assert kept is not None
        return trust.load_bundle(kept, ANCHOR.public_key(), at=NOW).revoked_codes


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def test_a_list_comes_with_its_bundle(keeper: Keeper) -> None:
    keeper.offered(bundle())
    keeper.offered(bundle() + listing("A"))
    assert keeper.codes() == {"A"}


def test_a_revocation_is_not_taken_back(keeper: Keeper) -> None:
    first = bundle()
    keeper.offered(first + listing("A", "B"))
    for worse in (first, first + listing(), first + listing("A")):
        with pytest.raises(CertifyError) as caught:
            keeper.offered(worse)
        assert caught.value.code == Fault.BUNDLE_INVALID
    assert keeper.codes() == {"A", "B"}
    # But by the anchor, in a newer bundle.
    keeper.offered(bundle(2, "B"))
    assert keeper.codes() == {"B"}


def test_a_list_that_says_the_same_is_written_once_a_day(keeper: Keeper) -> None:
    first = bundle()
    kept = keeper.offered(first + listing("A"))
    assert keeper.offered(first + listing("A", at=NOW + timedelta(hours=23))) == kept
    assert keeper.offered(first + listing("A", at=NOW + timedelta(hours=24))) != kept


def test_a_strangers_list_is_refused_with_its_bundle(keeper: Keeper) -> None:
    kept = keeper.offered(bundle())
    sign = cose.software_signer(ANCHOR)
    forged = trust.sign_revocations(Revocations(NOW, frozenset({"A"})), sign, KID)
    with pytest.raises(CertifyError):
        keeper.offered(bundle() + forged)
    assert keeper.kept.bundle == kept
