"""Step kinds: one file each, ``async def run(session) -> Outcome`` that reads top to bottom."""

from __future__ import annotations

from kiosk.session import Step
from kiosk.steps import collect, confirm, consent, face, identify, issue, review, scan

STEPS: dict[str, Step] = {
    "confirm": confirm.run,
    "consent": consent.run,
    "face": face.run,
    "identify": identify.run,
    "issue": issue.run,
    "review": review.run,
    "scan": scan.run,
}
SERVICES: dict[str, Step] = {"collect": collect.run}
"""What can be done beside the procedures, without a dossier of its own."""
