"""Bundles on a stick take the same way in as dossiers over the wire, and get the same receipt.

A bundle is known by the dossier's id, so it may be imported twice, or after the network has brought
the dossier already. The kiosk learns of it when it next asks for that id.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from kiosk.portal.composition import Portal
from kiosk.portal.kiosk_auth import require_admitted
from offline_queue.bundle import Reader
from offline_queue.intake import Receipt


def take_in(portal: Portal, file: Path) -> Receipt:
    """Raises RefusedError as for a dossier from the network, REVOKED among them: a stick proves
    no date, so nobody can tell what a kiosk signed before it was stolen. QueueError (DAMAGED),
    OSError."""
    intake = portal.intake
    with file.open("rb") as source:
        bundle = Reader(source)
        manifest = bundle.manifest
        if receipt := _receipt_of(portal, manifest.id, bundle.signed.manifest):
            return receipt
        require_admitted(portal, manifest.kiosk_id)
        answer = intake.open(manifest.kiosk_id, manifest.id, bundle.signed)
        for part, pieces in bundle.parts():
            if part.name in answer.missing:
                with portal.vault.receive() as incoming:
                    for piece in pieces:
                        incoming.write(piece)
                    intake.take_part(manifest.id, part, incoming)
    return intake.commit(manifest.kiosk_id, manifest.id)


def _receipt_of(portal: Portal, dossier_id: UUID, manifest: str) -> Receipt | None:
    """Of a dossier that was accepted before, whatever has become of its kiosk."""
    held = portal.store.dossier(str(dossier_id))
    if held is None or held.receipt is None or held.manifest != manifest:
        return None
    return Receipt.model_validate_json(held.receipt)
