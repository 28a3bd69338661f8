"""What the portal publishes and itself believes: ``bundle.cose``, ``policy.cose``, ``anchor.pem``,
and the procedure packs that the policy names, as ``SHA256.pack``.

The files are signed elsewhere, with a key that this server does not have; they are read anew each
time, so that a newer bundle counts at once. The one thing that the portal adds is a list of revoked
copies, signed by a key of its own that can do nothing else.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose, packs
from certify.errors import CertifyError
from certify.packs import Pack
from certify.trust import (
    Policy,
    Revocations,
    TrustBundle,
    load_bundle,
    load_policy,
    sign_revocations,
)
from kiosk.portal.times import now
from offline_queue.signatures import load_public

log = logging.getLogger(__name__)

BUNDLE = "bundle.cose"
POLICY = "policy.cose"
ANCHOR = "anchor.pem"


def read_bundle(folder: Path) -> TrustBundle:
    """Raises CertifyError (BUNDLE_INVALID, BUNDLE_EXPIRED), OSError, or ValueError (anchor)."""
    return _load(folder, (folder / BUNDLE).read_bytes(), now())


def published_bundle(folder: Path, key: ec.EllipticCurvePrivateKey, codes: frozenset[str]) -> bytes:
    """The bundle for kiosks, and behind it the revoked ``codes``, if the bundle names ``key``.

    Raises FileNotFoundError before a bundle was published.
    """
    data = (folder / BUNDLE).read_bytes()
    try:
        bundle = _load(folder, data, datetime.fromtimestamp(0, UTC))  # kiosks judge its life
    except (CertifyError, OSError, ValueError) as error:
        log.error("no revocations are published: %s", error)
        return data
    if bundle.revocation_key != key.public_key():
        return data  # what that leaves unsaid, unpublished() tells
    sign, kid = cose.software_signer(key), cose.key_id(key.public_key())
    return data + sign_revocations(Revocations(now(), codes), sign, kid)


def unpublished(
    folder: Path, key: ec.EllipticCurvePrivateKey, codes: frozenset[str]
) -> frozenset[str]:
    """The revoked ``codes`` that no verifier learns: the bundle neither lists them nor believes
    this portal's list, or there is no bundle that can be read."""
    try:
        bundle = _load(folder, (folder / BUNDLE).read_bytes(), datetime.fromtimestamp(0, UTC))
    except (CertifyError, OSError, ValueError):
        return codes
    is_believed = bundle.revocation_key == key.public_key()
    return frozenset() if is_believed else codes - bundle.revoked_codes


def read_policy(folder: Path) -> Policy | None:
    """What kiosks may do now. None without a valid policy: an invalid one is logged."""
    try:
        anchor = load_public((folder / ANCHOR).read_text("ascii"))
        return load_policy((folder / POLICY).read_bytes(), anchor, at=now())
    except FileNotFoundError:
        return None
    except (CertifyError, OSError, ValueError) as error:
        log.error("no policy: %s", error)
        return None


def _load(folder: Path, data: bytes, at: datetime) -> TrustBundle:
    return load_bundle(data, load_public((folder / ANCHOR).read_text("ascii")), at=at)


def begun_packs(folder: Path) -> list[Pack]:
    """All packs named by the policy whose day has come, those in force last. What is missing or
    damaged is logged and left out."""
    try:
        anchor = load_public((folder / ANCHOR).read_text("ascii"))
        named = packs.named_by((folder / POLICY).read_bytes(), anchor)
    except FileNotFoundError:
        return []
    except (CertifyError, OSError, ValueError) as error:
        log.error("no procedure packs: %s", error)
        return []
    current = packs.in_force(named, now())
    earlier = [each for each in named if each not in current and packs.in_force([each], now())]
    found: list[Pack] = []
    for each in [*earlier, *current]:
        try:
            found.append(
                packs.open_named((folder / packs.file_name(each.sha256)).read_bytes(), each)
            )
        except (CertifyError, OSError) as error:
            log.error("procedure pack %s is left out: %s", each.name, error)
    return found
