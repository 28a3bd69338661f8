"""The portal-signed policy: what this kiosk may do, and how strict it must be."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from certify.errors import CertifyError
from certify.trust import Policy, load_policy
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient

__all__ = ["Policy", "current_policy", "current_trust"]


async def current_policy(link: LinkClient, anchor: EllipticCurvePublicKey, at: datetime) -> Policy:
    """Raises KioskError (POLICY_FORBIDS) when no valid policy is on this kiosk."""
    answer = await _trust_answer(link)
    try:
        return load_policy(answer.policy, anchor, at=at)
    except CertifyError as error:
        raise KioskError(Fault.POLICY_FORBIDS, error.code) from error


async def _trust_answer(link: LinkClient) -> messages.TrustAnswer:
    return await link.call(verbs.TRUST, messages.Empty())


async def current_trust(link: LinkClient) -> bytes:
    """The signed trust bundle as link holds it; whoever uses it checks it."""
    return (await _trust_answer(link)).bundle
