"""A disk that is full, read-only or failing: told by its code, nothing lost, over by itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from offline_queue import budget
from offline_queue.budget import Disk
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox, State
from tests.faults.failing import Trouble, failing_disk
from tests.offline_queue.invented import RECEIPT, lock, locked_dossier, new_id, open_outbox
from tests.offline_queue.small_portal import SmallPortal
from tests.offline_queue.test_uploader import Line

TROUBLES = {errno.ENOSPC: Fault.DISK_FULL, errno.EROFS: Fault.READ_ONLY, errno.EIO: Fault.IO}
ALL = pytest.mark.parametrize("error", sorted(TROUBLES))


@pytest.fixture
def trouble() -> Iterator[Trouble]:
    with failing_disk() as trouble:
        yield trouble


@pytest.fixture
def outbox(tmp_path: Path, trouble: Trouble) -> Iterator[Outbox]:
    outbox = open_outbox(tmp_path)
    yield outbox
    trouble.stop()
    outbox.close()


def code_of(caught: pytest.ExceptionInfo[QueueError]) -> str:
    assert caught.value.retryable
    return caught.value.code


def codes_of(call: Callable[[], object]) -> set[str]:
    """None when it worked."""
    try:
        call()
    except QueueError as error:
        return {error.code}
    return set()


def draft(outbox: Outbox) -> UUID:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")
    return dossier


@ALL
def test_every_move_tells_it_and_leaves_all_as_it_was(
    outbox: Outbox, trouble: Trouble, error: int
) -> None:
    waiting, unfinished, sending = locked_dossier(outbox), draft(outbox), locked_dossier(outbox)
    outbox.begin(sending)
    before = outbox.list()
    trouble.start(error)
    for move in (
        lambda: outbox.can_hold(1),
        lambda: outbox.new_draft(new_id(), "certified-copy"),
        lambda: outbox.put_part(unfinished, "page-2.jpg", "image/jpeg", b"more"),
        lambda: outbox.put_part(unfinished, "page-1.jpg", "image/jpeg", b"again"),
        lambda: lock(outbox, unfinished),
        lambda: outbox.discard(unfinished),
        lambda: outbox.begin(waiting),
        lambda: outbox.hold(waiting),
        lambda: outbox.accept(sending, RECEIPT),
        lambda: outbox.mark_unknown(sending),
    ):
        with pytest.raises(QueueError) as caught:
            move()
        assert code_of(caught) == TROUBLES[error]
    assert outbox.list() == before
    assert outbox.read_part(unfinished, "page-1.jpg") == b"page"
    trouble.stop()
    lock(outbox, unfinished)
    outbox.accept(sending, RECEIPT)
    assert outbox.waiting() == 2


@ALL
@pytest.mark.parametrize("after", range(0, 24, 2))
def test_trouble_in_the_middle_of_a_dossier_ends_without_a_trace(
    tmp_path: Path, outbox: Outbox, trouble: Trouble, error: int, after: int
) -> None:
    kept = locked_dossier(outbox)
    trouble.start(error, after)
    reported: list[UUID] = []
    told = codes_of(lambda: reported.append(locked_dossier(outbox, b"one", b"two")))
    assert told <= {TROUBLES[error]}
    trouble.stop()
    outbox.close()
    again = open_outbox(tmp_path)
    states = {entry.id: entry.state for entry in again.list()}
    assert states.pop(kept) is State.LOCKED
    assert all(states.pop(dossier) is State.LOCKED for dossier in reported)
    assert set(states.values()) <= {State.DRAFT}
    files = [file for file in (tmp_path / "outbox" / "parts").rglob("*") if file.is_file()]
    assert len(files) == sum(len(entry.parts) for entry in again.list())
    again.close()


@ALL
def test_the_sender_goes_on_by_itself_and_nothing_arrives_twice(
    tmp_path: Path, trouble: Trouble, error: int
) -> None:
    with SmallPortal() as portal:
        line = Line(tmp_path, portal)
        dossier = locked_dossier(line.outbox)
        for after in range(0, 20, 3):
            trouble.start(error, after)
            assert codes_of(line.step) <= {TROUBLES[error]}
            trouble.stop()
        while line.outbox.waiting():
            line.step()
        line.step()  # an erasing that was cut short is finished first thing
        assert portal.accepted == [dossier]
        assert portal.held[dossier].commits == 1
        assert line.state(dossier) is State.ERASED
        line.outbox.close()


def test_files_that_cannot_be_removed_go_later(
    tmp_path: Path, outbox: Outbox, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    with monkeypatch.context() as patch:
        stubborn = SimpleNamespace(remove_all=_refuse)
        patch.setattr(outbox, "_parts", stubborn)
        outbox.accept(dossier, RECEIPT)
    assert outbox.get(dossier).state is State.ERASED
    assert list((tmp_path / "outbox" / "parts").rglob("*"))
    outbox.recover()
    assert list((tmp_path / "outbox" / "parts").rglob("*")) == []


def test_a_read_only_file_system_is_seen_before_anything_is_tried(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "disk_of", lambda _: Disk(free=10**9, read_only=True))
    room = outbox.can_hold(1)
    assert not room.ok
    with pytest.raises(QueueError) as caught:
        room.require()
    assert code_of(caught) == Fault.READ_ONLY


def _refuse(_: UUID) -> None:
    raise QueueError(Fault.IO, os.strerror(errno.EIO), retryable=True)
