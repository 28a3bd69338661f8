"""The portal's keys as this kiosk holds them: given at its enrolment, changed by the portal's word.

The portal changes its keys now and then. What it holds now it says in a statement that each of its
receipt keys signs, with the number in it that was asked with: whoever sits between the two can
neither forge one nor show an old one again. So a kiosk follows a change by itself as long as it
holds one of the keys. Receipt keys that the statement no longer names count no longer.
"""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from pydantic import ValidationError

from kiosk.link.device import Enrolment
from kiosk.link.portal_client import PortalClient
from offline_queue import signatures
from offline_queue.errors import Fault, QueueError
from offline_queue.intake import KeysReply, KeysStatement, Problem
from offline_queue.outbox import Outbox

log = logging.getLogger(__name__)


class KeyRing:
    """``wanted``: a receipt came that none of the keys can have signed. Read by every thread,
    changed by the one that tends."""

    def __init__(self, file: Path, outbox: Outbox) -> None:
        """Raises KioskError (SETTINGS_INVALID) for a damaged file, QueueError."""
        self._file = file
        self._outbox = outbox
        self._held = Enrolment.load(file)
        self.wanted = False
        if self._held:
            self._hand_to_outbox(self._held)

    @property
    def enrolled(self) -> bool:
        return self._held is not None

    def receipt_key(self, key_id: str) -> EllipticCurvePublicKey | None:
        found = self._held.receipt_keys.get(key_id) if self._held else None
        self.wanted = self.wanted or found is None
        return found

    def take(self, keys: Enrolment) -> None:
        """Durably. Raises QueueError."""
        keys.save(self._file)
        self._hand_to_outbox(keys)
        self._held = keys
        self.wanted = False

    def refresh(self, client: PortalClient) -> None:
        """Ask what the keys are now. Raises QueueError: RECEIPT_INVALID when no key that is held
        has signed the answer, and what the client raises."""
        assert self._held is not None
        nonce = secrets.token_hex(16)
        try:
            reply = client.keys(nonce)
        except QueueError as error:
            if error.detail != Problem.NOT_FOUND:  # an older portal
                raise
            return
        keys = _verified(reply, nonce, self._held.receipt_keys)
        if keys.answer != self._held.answer.model_copy(update={"certificate": ""}):
            self.take(keys)
            log.info("the portal's keys have changed")
        self.wanted = False

    def _hand_to_outbox(self, keys: Enrolment) -> None:
        self._outbox.set_portal_key(keys.envelope_key_id, keys.envelope_key)


def _verified(
    reply: KeysReply, nonce: str, held: Mapping[str, EllipticCurvePublicKey]
) -> Enrolment:
    text = reply.statement.encode()
    if not any(
        _signed(text, signature, held[key_id])
        for key_id, signature in reply.signatures.items()
        if key_id in held
    ):
        raise QueueError(Fault.RECEIPT_INVALID, "keys: signed by none that is held")
    try:
        statement = KeysStatement.model_validate_json(text)
        keys = Enrolment(statement.keys)
    except (ValidationError, ValueError):
        raise QueueError(Fault.UNREACHABLE, "keys of another shape", retryable=True) from None
    if statement.nonce != nonce:
        raise QueueError(Fault.UNREACHABLE, "an old statement of keys", retryable=True)
    return keys


def _signed(text: bytes, signature: str, key: EllipticCurvePublicKey) -> bool:
    try:
        return signatures.verify(key, signatures.KEYS, text, base64.b64decode(signature))
    except ValueError:  # no base64
        return False
