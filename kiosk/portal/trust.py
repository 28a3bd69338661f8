"""What the portal publishes and itself believes: ``bundle.cose``, ``policy.cose``, ``anchor.pem``.

The files are signed elsewhere, with a key that this server does not have; they are read anew each
time, so that a newer bundle counts at once.
"""

from __future__ import annotations

from pathlib import Path

from certify.trust import TrustBundle, load_bundle
from kiosk.portal.times import now
from offline_queue.signatures import load_public

BUNDLE = "bundle.cose"
POLICY = "policy.cose"
ANCHOR = "anchor.pem"


def read_bundle(folder: Path) -> TrustBundle:
    """Raises CertifyError (BUNDLE_INVALID, BUNDLE_EXPIRED), OSError, or ValueError (anchor)."""
    anchor = load_public((folder / ANCHOR).read_text("ascii"))
    return load_bundle((folder / BUNDLE).read_bytes(), anchor, at=now())
