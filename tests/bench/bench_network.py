"""A dossier over a line as bad as it gets: 64 kbit/s, 600 ms, 5 % loss, forgotten every 20 s.

The kiosk's uploader, the shaping relay (:mod:`tests.bench.relay`) and the real portal. Time runs
16 times faster than it would: the line's, the uploader's and the portal's alike.
``NETWORK_SCALE=1`` takes the 20 minutes or so that it takes. Beside it the same client against
npm's ``@tus/server``.
"""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import tempfile
import time
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from kiosk.portal import uploads
from offline_queue import signatures, tus
from offline_queue.backoff import Backoff
from offline_queue.outbox import Outbox, State
from offline_queue.pacing import FIRST, Pace
from offline_queue.transport import IntakeClient
from offline_queue.uploader import Uploader
from tests.bench.measure import Row
from tests.bench.relay import Counts, Line, Relay
from tests.kiosk.portal.backends import running_cluster, running_s3, shared_storage
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestKiosk, settings_in
from tests.offline_queue.invented import manifest_of, new_id, open_outbox

PAYLOAD = 5 * 1024 * 1024
SCALE = 16.0
SHARED_SCALE = 8.0
"""The database's and the store's own time cannot run faster: less of it is missing this way."""
HANDSHAKE = 3 * 40 + 2 * 20
"""Bytes of headers in the packets that open a TCP connection; TLS would add about 2,500."""


@dataclass(frozen=True, slots=True)
class Sent:
    """``payload``: bytes of the encrypted parts; ``seconds`` of the line's own time."""

    payload: int
    counts: Counts
    seconds: float
    accepted: bool


def run() -> list[Row]:
    from tests.bench.tus_server import interop

    scale = float(os.environ.get("NETWORK_SCALE", SCALE))
    with tempfile.TemporaryDirectory() as folder:
        sent = send(Path(folder), PAYLOAD, Line(), scale, attempts=20)
    shared = _send_to_shared_storage(min(scale, SHARED_SCALE))
    counts = sent.counts
    return [
        Row("accepted by the portal", sent.accepted, "", f"time ran {scale:g} times faster"),
        Row("time", sent.seconds, "s", f"at best {sent.payload * 8 / Line().rate:.0f} s"),
        Row("cuts", counts.cuts, ""),
        Row("application bytes that arrived / payload", counts.arrived / sent.payload, "ratio"),
        Row("the same, and what the cuts swallowed", counts.sent / sent.payload, "ratio"),
        Row("TCP handshakes", counts.connections, "", f"{counts.connections * HANDSHAKE} bytes"),
        Row("PostgreSQL, S3 (moto): accepted", shared.accepted, ""),
        Row(
            "PostgreSQL, S3 (moto): arrived / payload",
            shared.counts.arrived / shared.payload,
            "ratio",
        ),
        *interop.rows(),
    ]


def _send_to_shared_storage(scale: float) -> Sent:
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    with (
        patch.dict(os.environ, keys),
        running_cluster() as cluster,
        running_s3() as s3,
        tempfile.TemporaryDirectory() as folder,
    ):
        storage = shared_storage(cluster, s3).settings
        return send(Path(folder), PAYLOAD, Line(), scale, attempts=20, **storage)


def send(folder: Path, size: int, line: Line, scale: float, attempts: int, **storage: Any) -> Sent:
    """One dossier with a page of ``size`` bytes, from the outbox to the receipt."""
    running = RunningPortal(settings_in(folder, **storage))
    try:
        lots = patch.object(uploads, "LOT_SECONDS", uploads.LOT_SECONDS / scale)
        with lots, closing(open_outbox(folder)) as outbox:
            relay = Relay(running.address, line.faster(scale))
            return _over(running, outbox, relay, size, scale, attempts)
    finally:
        running.stop()


def _over(
    portal: RunningPortal, outbox: Outbox, relay: Relay, size: int, scale: float, attempts: int
) -> Sent:
    kiosk = TestKiosk(portal, "kiosk-01")
    kiosk.enrol()
    key = base64.b64decode(kiosk.keys["envelope_key"])
    outbox.set_portal_key(kiosk.keys["envelope_key_id"], key)
    dossier = _locked(outbox, size)
    payload = sum(part.size for part in outbox.get(dossier).parts)
    with relay, closing(_client(relay.address, kiosk, scale)) as client:
        uploader = Uploader(
            outbox,
            client,
            kiosk.key,
            lambda _: signatures.load_public(kiosk.keys["receipt_key"]),
            backoff=Backoff(0.5 / scale, 60 / scale, random.Random(1)),
        )
        started = time.monotonic()
        for _ in range(attempts):
            if uploader.step(at_once=True):
                break
            time.sleep(uploader.pause())
        seconds = (time.monotonic() - started) * scale
    accepted = outbox.get(dossier).state is State.ERASED
    return Sent(payload, relay.counts, seconds, accepted)


def _client(address: str, kiosk: TestKiosk, scale: float) -> IntakeClient:
    return IntakeClient(
        address,
        kiosk.name,
        kiosk.key,
        read_seconds=30 / scale,
        limits=tus.Limits(*(seconds / scale for seconds in astuple(tus.Limits()))),
        pace=Pace(15.0 / scale, FIRST),
    )


def _locked(outbox: Outbox, size: int) -> UUID:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    answers = json.dumps({"applicant": APPLICANT, "answers": {}}).encode()
    outbox.put_part(dossier, "answers.json", "application/json", answers)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", secrets.token_bytes(size))
    outbox.lock(
        dossier,
        lambda key, parts: manifest_of(dossier, key, parts).model_copy(
            update={"mode": "filing", "papers": ()}
        ),
    )
    return dossier
