"""The newest trust bundle and policy that the portal has signed, as files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from certify.errors import CertifyError
from certify.errors import Fault as CertifyFault
from certify.trust import Policy, TrustBundle, load_bundle, load_policy
from kiosk.failures import Fault, KioskError
from kiosk.link.packs import PackKeeper
from kiosk.link.portal_client import PortalClient
from offline_queue import files, signatures
from offline_queue.transport import IntakeClient

log = logging.getLogger(__name__)

# Expiry is judged by whoever uses a document, by a clock he trusts. Here the question is only
# whether the portal signed it and whether it is newer: asked as of 1970, nothing has expired.
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_LIST_KEPT = timedelta(days=1)


def load_anchor(file: Path | None) -> EllipticCurvePublicKey:
    """Raises KioskError (SETTINGS_INVALID)."""
    if file is None:
        raise KioskError(Fault.SETTINGS_INVALID, "link.trust_anchor_file is not set")
    try:
        return signatures.load_public(file.read_text())
    except (OSError, ValueError) as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"link.trust_anchor_file: {error}") from None


class TrustKeeper:
    """``bundle`` and ``policy``: the signed bytes, None until the portal was reached once."""

    def __init__(self, folder: Path, anchor: EllipticCurvePublicKey) -> None:
        self._anchor = anchor
        self._bundle_file = folder / "trust-bundle.cose"
        self._policy_file = folder / "policy.cose"
        self.bundle = self._stored(self._bundle_file, self._read_bundle)
        self.policy = self._stored(self._policy_file, self._read_policy)
        self.packs = PackKeeper(folder / "packs", anchor)

    def refresh(self, client: IntakeClient) -> None:
        """Fetch both and keep what is newer. Raises QueueError, CertifyError (BUNDLE_INVALID)
        for what the anchor has not signed or what is older than what is here."""
        self.bundle = self._newer(
            self._bundle_file, self.bundle, client.trust_bundle(), self._read_bundle
        )
        self.policy = self._newer(
            self._policy_file, self.policy, client.policy(), self._read_policy
        )

    def fetch_packs(self, client: PortalClient) -> None:
        """Bring in the procedure packs that the policy names. Raises QueueError."""
        if self.policy is not None:
            self.packs.keep(self.policy, client)

    def serials(self) -> tuple[int, int]:
        """Of bundle and policy; 0 for what is not there."""
        bundle = self._read_bundle(self.bundle, 0).serial if self.bundle else 0
        policy = self._read_policy(self.policy, 0).serial if self.policy else 0
        return bundle, policy

    def allows_post_check(self, at: datetime) -> bool:
        if self.policy is None:
            return False
        policy = self._read_policy(self.policy, 0)
        return "post-check" in policy.modes and at < policy.expires

    def _newer(
        self,
        file: Path,
        held: bytes | None,
        offered: bytes,
        read: Callable[[bytes, int], TrustBundle | Policy],
    ) -> bytes:
        if offered == held:
            return offered
        before = read(held, 0) if held else None
        document = read(offered, before.serial if before else 0)
        if isinstance(before, TrustBundle) and isinstance(document, TrustBundle):
            _require_no_fewer_revocations(before, document)
            if held and _says_the_same(before, document):
                return held
        with files.translated(file.name):
            files.write_durably(file, [offered])
        log.info("%s: serial %d", file.name, document.serial)
        return offered

    def _stored(
        self, file: Path, read: Callable[[bytes, int], TrustBundle | Policy]
    ) -> bytes | None:
        try:
            data = file.read_bytes()
            read(data, 0)
        except FileNotFoundError:
            return None
        except (OSError, CertifyError) as error:
            why = getattr(error, "code", type(error).__name__)
            log.error("%s is not used: %s", file.name, why)
            return None
        return data

    def _read_bundle(self, data: bytes, at_least: int) -> TrustBundle:
        return load_bundle(data, self._anchor, at=_ANY_TIME, at_least=at_least)

    def _read_policy(self, data: bytes, at_least: int) -> Policy:
        return load_policy(data, self._anchor, at=_ANY_TIME, at_least=at_least)


def _require_no_fewer_revocations(before: TrustBundle, offered: TrustBundle) -> None:
    """Only the anchor may take a revocation back, in a newer bundle. Raises CertifyError."""
    if offered.serial == before.serial and not before.revoked_codes <= offered.revoked_codes:
        raise CertifyError(CertifyFault.BUNDLE_INVALID, "revocations are missing")


def _says_the_same(before: TrustBundle, offered: TrustBundle) -> bool:
    """A list is signed anew for each request; the disk takes one a day, and each change."""
    if before.serial != offered.serial or before.revoked_codes != offered.revoked_codes:
        return False
    if before.listed is None or offered.listed is None:
        return before.listed is offered.listed
    return offered.listed.issued - before.listed.issued < _LIST_KEPT
