"""A limit that the kernel itself keeps: real writes that come up short, and then are refused.

A small file system would have to be mounted, which not every machine that runs tests allows. A
limit on the size of files (RLIMIT_FSIZE) is there everywhere: the kernel writes up to the limit,
and then refuses with EFBIG, to Python and to SQLite, whose log is cut in the middle of a page.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.journal import Journal, read, verify
from offline_queue.clock import utc_now
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import blobs, lock, locked_dossier, new_id, open_outbox

PAGE = bytes(100_000)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond ``size`` bytes. Python ignores SIGXFSZ, so that what
    goes too far is an error of the call."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def file_one(outbox: Outbox) -> UUID:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    for number in range(3):
        outbox.put_part(dossier, f"page-{number}.jpg", "image/jpeg", PAGE)
    lock(outbox, dossier)
    return dossier


@pytest.mark.parametrize("size", [0, 1_000, 5_000, 30_000, 70_000, 99_999])
def test_no_room_for_a_dossier_costs_no_other_and_is_over_by_itself(
    tmp_path: Path, size: int
) -> None:
    outbox = open_outbox(tmp_path)
    kept = locked_dossier(outbox, PAGE)
    sent = outbox.ciphertext(kept, "page-1.jpg")
    with largest_file(size), pytest.raises(QueueError) as caught:
        file_one(outbox)
    assert (caught.value.code, caught.value.retryable) == (Fault.IO, True)
    late = file_one(outbox)
    outbox.close()
    again = open_outbox(tmp_path)
    assert again.ciphertext(kept, "page-1.jpg") == sent
    for draft in again.drafts():
        again.discard(draft.id)
    states = {entry.id: entry.state for entry in again.list()}
    assert (states.pop(kept), states.pop(late)) == (State.LOCKED, State.LOCKED)
    assert set(states.values()) <= {State.ERASED}
    assert len(blobs(tmp_path)) == 1 + 3
    again.close()


def test_a_journal_that_cannot_grow_stays_whole(tmp_path: Path) -> None:
    entries = Journal(tmp_path, "run", utc_now)
    entries.append("session-ended", how="done")
    written = (tmp_path / "run.jsonl").read_bytes()
    with largest_file(len(written) + 20), pytest.raises(QueueError) as caught:
        entries.append("session-ended", how="done")
    assert caught.value.code == Fault.IO
    assert (tmp_path / "run.jsonl").read_bytes() == written
    entries.append("session-ended", how="idle")
    entries.close()
    assert verify(tmp_path / "run.jsonl") is None
    assert [entry["how"] for entry in read(tmp_path / "run.jsonl")] == ["done", "idle"]
