"""The outbox in trouble: damage, a full disk, two processes, another version."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import apsw
import pytest

from offline_queue import files, store
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import (
    blobs,
    code_of,
    draft,
    locked_dossier,
    manifest_of,
    new_id,
    open_outbox,
)


def test_another_machine_cannot_open_a_draft(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")
    stolen = Outbox(tmp_path / "outbox", machine_key=tmp_path / "other.key")
    with pytest.raises(QueueError) as caught:
        stolen.read_part(dossier, "page-1.jpg")
    assert code_of(caught) == Fault.DAMAGED
    stolen.close()


def test_a_damaged_or_missing_part_is_told(tmp_path: Path, outbox: Outbox) -> None:
    dossier = locked_dossier(outbox)
    (file,) = blobs(tmp_path)
    for spoil in (lambda: file.write_bytes(b"other"), file.unlink):
        spoil()
        with pytest.raises(QueueError) as caught:
            outbox.ciphertext(dossier, "page-1.jpg")
        assert code_of(caught) == Fault.DAMAGED


def test_a_disk_full_while_a_part_is_written_leaves_the_earlier_part(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"earlier")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(QueueError) as caught:
        outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"later")
    monkeypatch.undo()
    assert code_of(caught) == Fault.DISK_FULL
    assert caught.value.retryable
    assert outbox.read_part(dossier, "page-1.jpg") == b"earlier"
    assert len(blobs(tmp_path)) == 1


def test_a_database_that_cannot_grow_leaves_a_draft(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")
    outbox._store._db.pragma("max_page_count", 1)  # SQLite keeps it at what is used already
    large = "x" * 100_000
    with pytest.raises(QueueError) as caught:
        outbox.lock(
            dossier,
            lambda key, parts: manifest_of(dossier, key, parts).model_copy(
                update={"procedure": large}
            ),
        )
    assert code_of(caught) == Fault.DISK_FULL
    assert outbox.get(dossier).state is State.DRAFT
    assert outbox.read_part(dossier, "page-1.jpg") == b"page"
    with pytest.raises(QueueError):
        outbox.new_draft(new_id(), large)
    assert len(outbox.list()) == 1


def test_two_processes_wait_for_each_other_and_say_when_it_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outbox: Outbox
) -> None:
    monkeypatch.setattr(store, "BUSY_MILLISECONDS", 20)
    dossier = locked_dossier(outbox)
    other = Outbox(tmp_path / "outbox", machine_key=tmp_path / "machine.key")
    with outbox._store.writing():
        assert other.get(dossier).state is State.LOCKED
        with pytest.raises(QueueError) as caught:
            other.begin(dossier)
    assert code_of(caught) == Fault.BUSY
    other.begin(dossier)
    assert outbox.get(dossier).state is State.SENDING
    other.close()


def test_a_database_of_another_version_or_kind_is_told(tmp_path: Path, outbox: Outbox) -> None:
    outbox.close()
    database = tmp_path / "outbox" / "outbox.db"
    apsw.Connection(str(database)).pragma("user_version", 99)
    with pytest.raises(QueueError, match="version 99"):
        open_outbox(tmp_path)
    database.write_bytes(b"no database" * 1000)
    with pytest.raises(QueueError) as caught:
        open_outbox(tmp_path)
    assert code_of(caught) == Fault.DAMAGED


def test_a_machine_key_made_by_two_processes_at_once_is_one(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "machine.key"
    assert files.make_once(file, b"first") == b"first"
    assert files.make_once(file, b"second") == b"first"
    assert [entry.name for entry in file.parent.iterdir()] == ["machine.key"]
