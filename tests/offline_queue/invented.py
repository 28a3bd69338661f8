"""Invented dossiers, a clock that is wound by hand, and an outbox ready for drafts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import uuid_utils
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from offline_queue.errors import QueueError
from offline_queue.intake import Receipt
from offline_queue.manifest import Applicant, Fee, Manifest, Paper, Part, WrappedKey
from offline_queue.outbox import Outbox

PORTAL_KEY = X25519PrivateKey.generate()
RECEIPT = Receipt(statement="{}", signature="", key_id="receipt-1")


class HandClock:
    """A wall clock that moves only when told to."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.wall

    def wind(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def new_id() -> UUID:
    return UUID(str(uuid_utils.uuid7()))


def manifest_of(id: UUID, key: WrappedKey, parts: tuple[Part, ...]) -> Manifest:
    return Manifest(
        id=id,
        code="H26.15-261124-0001",
        kiosk_id="kiosk-01",
        agency="H26.15",
        procedure="certified-copy",
        procedure_version=1,
        mode="pre-check",
        applicants=(Applicant(grade="proven", method="vneid", face_match=True),),
        papers=(Paper(paper_class="diploma", pages=tuple(part.name for part in parts)),),
        copies=1,
        fee=Fee(rule="none", amount=0, state="free"),
        locked_at=datetime(2026, 11, 24, 8, 5, tzinfo=UTC),
        clock_trusted=True,
        journal_head="0" * 64,
        key=key,
        parts=parts,
    )


def lock(outbox: Outbox, id: UUID) -> Manifest:
    return outbox.lock(id, lambda key, parts: manifest_of(id, key, parts))


def locked_dossier(outbox: Outbox, *pages: bytes) -> UUID:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    for number, page in enumerate(pages or (b"page one",), start=1):
        outbox.put_part(dossier, f"page-{number}.jpg", "image/jpeg", page)
    lock(outbox, dossier)
    return dossier


def open_outbox(folder: Path, clock: HandClock | None = None) -> Outbox:
    outbox = Outbox(
        folder / "outbox", machine_key=folder / "machine.key", clock=clock or HandClock()
    )
    outbox.set_portal_key("portal-1", PORTAL_KEY.public_key().public_bytes_raw())
    return outbox


def draft(outbox: Outbox) -> UUID:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    return dossier


def blobs(folder: Path) -> list[Path]:
    return sorted(f for f in (folder / "outbox" / "parts").rglob("*") if f.is_file())


def code_of(caught: pytest.ExceptionInfo[QueueError]) -> str:
    return caught.value.code
