"""Sending what waits: one dossier a step, and nothing is erased without a signed receipt."""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)

from offline_queue import signatures
from offline_queue.backoff import Backoff, Spread
from offline_queue.errors import Fault, QueueError
from offline_queue.intake import Problem, Receipt, ReceiptStatement, SignedManifest
from offline_queue.outbox import Dossier, Outbox, State
from offline_queue.transport import IntakeClient

log = logging.getLogger(__name__)

_HOPELESS = frozenset(
    {Problem.BAD_MANIFEST, Problem.CONFLICT, Problem.TOO_LARGE, Problem.UNKNOWN_KEY}
)
"""Refusals of this very dossier, which sending again cannot mend. The others are about the kiosk
(not enrolled, a clock too far off) or about this attempt (a part lost on the way)."""


WAIT_FOR_TURN = 10.0
"""Seconds that a citizen's dossier waits for another one that is being sent."""


class Uploader:
    """Owner of every move from locked on. One at a time per outbox.

    ``receipt_keys`` answers the portal's key of that id, None for one that is not known (yet);
    ``clock`` answers seconds that never go back; ``backoff`` spreads the attempts during an outage,
    ``spread`` the backlog after it.
    """

    def __init__(
        self,
        outbox: Outbox,
        client: IntakeClient,
        device_key: EllipticCurvePrivateKey,
        receipt_keys: Callable[[str], EllipticCurvePublicKey | None],
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
        spread: Spread | None = None,
    ) -> None:
        self._outbox = outbox
        self._client = client
        self._device_key = device_key
        self._receipt_keys = receipt_keys
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._spread = spread or Spread()
        self._not_before = 0.0
        self._one_step = threading.Lock()

    def pause(self) -> float:
        """Seconds until :meth:`step` will try again; 0 when it would now."""
        return max(0.0, self._not_before - self._clock())

    def step(self, *, at_once: bool = False) -> bool:
        """Send the next waiting dossier. True when one was settled, accepted or rejected: then
        there may be more to do right now. ``at_once``: a citizen waits, do not pause.

        Raises QueueError when the outbox itself is in trouble (BUSY, DISK_FULL, DAMAGED).
        """
        self._sign_waiting()
        if not self._one_step.acquire(timeout=WAIT_FOR_TURN):
            return False  # a long upload is under way
        try:
            if self.pause() > 0 and not at_once:
                return False
            self._outbox.recover()
            dossier = self._outbox.next_to_send()
            return dossier is not None and self._settle(dossier)
        finally:
            self._one_step.release()

    def stop(self) -> None:
        """Interrupt an upload under way; for another thread, before the process ends."""
        self._client.stop()

    def _sign_waiting(self) -> None:
        """Whatever the network does: a dossier may be carried by hand once it is signed."""
        while dossier := self._outbox.unsigned():
            self._sign(dossier)

    def _sign(self, dossier: Dossier) -> bytes:
        signature = signatures.sign(self._device_key, signatures.MANIFEST, _manifest(dossier))
        self._outbox.store_signature(dossier.id, signature)
        return signature

    def _settle(self, dossier: Dossier) -> bool:
        try:
            self._deliver(dossier)
        except QueueError as error:
            if not _hopeless(error):
                self._put_off(dossier.id, error)
                return False
            problem = error.detail if error.code == Fault.REJECTED else error.code
            self._outbox.reject(dossier.id, problem)
            log.warning("a dossier was rejected: %s", problem)
        self._backoff.succeeded()
        rest = self._spread.succeeded(self._clock())
        if asked := self._client.next_after:  # the portal knows how many have come back
            rest = self._backoff.asked(asked)
        self._not_before = self._clock() + rest if rest else 0.0
        return True

    def _deliver(self, dossier: Dossier) -> None:
        """What is unknown is asked for first: it may have been accepted, its answer lost."""
        if dossier.state is State.UNKNOWN:
            known = self._client.state(dossier.id)
            if known is not None and known.state == "accepted":
                self._finish(dossier)
                return
            self._outbox.retry(dossier.id)
        self._outbox.begin(dossier.id)
        self._send(dossier)
        self._finish(dossier)

    def _send(self, dossier: Dossier) -> None:
        manifest = _manifest(dossier)
        signature = self._sign(dossier)
        signed = SignedManifest(
            manifest=manifest.decode(), signature=base64.b64encode(signature).decode()
        )
        answer = self._client.put_manifest(dossier.id, signed)
        sizes = {part.name: part.size for part in dossier.parts}
        for name in sorted(answer.missing, key=lambda name: sizes.get(name, 0)):
            part = self._outbox.ciphertext(dossier.id, name)
            self._client.send_part(dossier.id, name, part, resume=dossier.attempts > 0)

    def _finish(self, dossier: Dossier) -> None:
        receipt = self._client.commit(dossier.id)
        self._check(receipt, dossier)
        self._outbox.accept(dossier.id, receipt)
        log.info("a dossier was accepted by the portal")

    def _check(self, receipt: Receipt, dossier: Dossier) -> None:
        """Raises QueueError (RECEIPT_INVALID): not signed by the portal, or for other bytes."""
        try:
            signature = base64.b64decode(receipt.signature, validate=True)
            statement = ReceiptStatement.model_validate_json(receipt.statement)
        except ValueError:  # no base64, not even ASCII, no statement
            raise QueueError(Fault.RECEIPT_INVALID, "malformed", retryable=True) from None
        signed, key = receipt.statement.encode(), self._receipt_keys(receipt.key_id)
        if key is None or not signatures.verify(key, signatures.RECEIPT, signed, signature):
            raise QueueError(Fault.RECEIPT_INVALID, "signature", retryable=True)
        digest = hashlib.sha256(_manifest(dossier)).hexdigest()
        if (statement.id, statement.manifest_sha256) != (dossier.id, digest):
            raise QueueError(Fault.RECEIPT_INVALID, "of another dossier", retryable=True)

    def _put_off(self, id: UUID, error: QueueError) -> None:
        problem = error.detail if error.code == Fault.REJECTED else error.code
        log.info("a dossier is put off: %s", problem)
        if self._outbox.get(id).state in (State.SENDING, State.UNKNOWN):
            self._outbox.mark_unknown(id, problem)
        if error.retry_after:  # it is there, and has kept this moment for us
            pause = self._backoff.asked(error.retry_after)
        else:
            self._spread.failed(self._clock())
            pause = self._backoff.failed()
        self._not_before = self._clock() + pause


def _hopeless(error: QueueError) -> bool:
    refused = error.code == Fault.REJECTED and error.detail in _HOPELESS
    return refused or error.code == Fault.DAMAGED


def _manifest(dossier: Dossier) -> bytes:
    assert dossier.manifest is not None  # the database keeps it until the dossier is erased
    return dossier.manifest
