"""What the portal publishes and itself believes: ``bundle.cose``, ``policy.cose``, ``anchor.pem``,
and the procedure packs that the policy names, as ``SHA256.pack``.

The files are signed elsewhere, with a key that this server does not have; they are read anew each
time, so that a newer bundle counts at once.
"""

from __future__ import annotations

import logging
from pathlib import Path

from certify import packs
from certify.errors import CertifyError
from certify.packs import Pack
from certify.trust import TrustBundle, load_bundle
from kiosk.portal.times import now
from offline_queue.signatures import load_public

log = logging.getLogger(__name__)

BUNDLE = "bundle.cose"
POLICY = "policy.cose"
ANCHOR = "anchor.pem"


def read_bundle(folder: Path) -> TrustBundle:
    """Raises CertifyError (BUNDLE_INVALID, BUNDLE_EXPIRED), OSError, or ValueError (anchor)."""
    anchor = load_public((folder / ANCHOR).read_text("ascii"))
    return load_bundle((folder / BUNDLE).read_bytes(), anchor, at=now())


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
