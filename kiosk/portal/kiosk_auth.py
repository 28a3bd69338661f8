"""Who is calling: every request of a kiosk is signed by its enrolled device key.

``Kiosk-Date`` is part of what is signed, yet how near it must be depends on the request. Those
about dossiers change nothing when replayed, and a kiosk whose clock battery died must still be
able to file: any date passes. A lease or a call for staff costs something each time: there the
date must be within a day of the portal's, which the clocks of kiosks reach even when untrusted
(a replay inside that day wastes a block of numbers; it never gives a number twice).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from kiosk.portal.bodies import SmallBody
from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.errors import RefusedError
from kiosk.portal.store import Store
from kiosk.portal.times import now
from offline_queue import signatures
from offline_queue.intake import PREFIX, Problem, digest_statement

DATE_SKEW = timedelta(hours=24)
STANDING = f"{PREFIX}/devices/self"
"""The one question that a revoked kiosk is answered."""


def require_admitted(portal: Portal, kiosk_id: str) -> None:
    """Raises RefusedError (REVOKED)."""
    if portal.devices.is_revoked(kiosk_id):
        raise RefusedError(Problem.REVOKED, "this kiosk was revoked")


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose signature verified."""

    kiosk_id: str
    date: datetime
    body: bytes

    def require_recent(self) -> None:
        if abs(now() - self.date) > DATE_SKEW:
            raise RefusedError(Problem.BAD_SIGNATURE, "Kiosk-Date is more than a day off")


async def signed_call(request: Request, portal: PortalDep, body: SmallBody) -> Call:
    """The caller and the body, in memory. Raises RefusedError."""
    digest = sha256(body).hexdigest()
    kiosk_id, date = await run_in_threadpool(verify_request, portal.store, request, digest)
    if request.url.path != STANDING:
        await run_in_threadpool(require_admitted, portal, kiosk_id)
    return Call(kiosk_id, date, body)


CallDep = Annotated[Call, Depends(signed_call)]


def verify_request(store: Store, request: Request, body_sha256: str) -> tuple[str, datetime]:
    """The caller's name and date. Raises RefusedError (NOT_ENROLLED, BAD_SIGNATURE)."""
    date = request.headers.get("Kiosk-Date", "")
    statement = digest_statement(request.method, request.url.path, date, body_sha256)
    return verify_statement(store, request, statement)


def verify_statement(store: Store, request: Request, statement: bytes) -> tuple[str, datetime]:
    """As :func:`verify_request`, for what the request should have signed."""
    kiosk_id = request.headers.get("Kiosk-Id", "")
    pem = store.public_key(kiosk_id)
    if pem is None:
        raise RefusedError(Problem.NOT_ENROLLED, "Kiosk-Id is not the name of an enrolled kiosk")
    try:
        signature = base64.b64decode(request.headers.get("Kiosk-Signature", ""), validate=True)
        instant = datetime.fromisoformat(request.headers.get("Kiosk-Date", ""))
    except (binascii.Error, ValueError):
        raise RefusedError(
            Problem.BAD_SIGNATURE, "Kiosk-Date or Kiosk-Signature is malformed"
        ) from None
    key = signatures.load_public(pem)
    if instant.tzinfo is None or not signatures.verify(
        key, signatures.REQUEST, statement, signature
    ):
        raise RefusedError(Problem.BAD_SIGNATURE, "the request's signature does not verify")
    return kiosk_id, instant
