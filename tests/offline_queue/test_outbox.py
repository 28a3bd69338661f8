"""The outbox by its rules: drafts open, locked dossiers do not, accepted ones leave nothing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import apsw
import pytest

from offline_queue import envelope, files, store
from offline_queue.errors import Fault, QueueError
from offline_queue.manifest import Manifest, Part, WrappedKey
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import (
    PORTAL_KEY,
    RECEIPT,
    HandClock,
    lock,
    locked_dossier,
    manifest_of,
    new_id,
    open_outbox,
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: HandClock) -> Iterator[Outbox]:
    outbox = open_outbox(tmp_path, clock)
    yield outbox
    outbox.close()


def draft(outbox: Outbox) -> UUID:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    return dossier


def blobs(folder: Path) -> list[Path]:
    return sorted(f for f in (folder / "outbox" / "parts").rglob("*") if f.is_file())


def code_of(caught: pytest.ExceptionInfo[QueueError]) -> str:
    return caught.value.code


def test_a_kiosk_that_is_not_enrolled_begins_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox", machine_key=tmp_path / "machine.key")
    with pytest.raises(QueueError) as caught:
        outbox.new_draft(new_id(), "certified-copy")
    assert code_of(caught) == Fault.NOT_ENROLLED
    assert outbox.list() == ()


def test_a_draft_survives_a_restart_and_reads_as_written(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "answers.json", "application/json", memoryview(b'{"copies": 2}'))
    outbox.close()
    again = open_outbox(tmp_path)
    assert [entry.id for entry in again.drafts()] == [dossier]
    assert again.drafts()[0].procedure == "certified-copy"
    assert again.read_part(dossier, "answers.json") == b'{"copies": 2}'
    again.close()


def test_nothing_of_a_part_is_on_disk_in_clear(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "answers.json", "application/json", b"Invented Person" * 100)
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or b"Invented Person" not in file.read_bytes()


def test_files_and_machine_key_are_private(tmp_path: Path, outbox: Outbox) -> None:
    outbox.put_part(draft(outbox), "page-1.jpg", "image/jpeg", b"page")
    for file in [tmp_path / "machine.key", *blobs(tmp_path)]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len((tmp_path / "machine.key").read_bytes()) == 32


def test_a_part_put_again_replaces_the_earlier_one(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"blurred")
    outbox.put_part(dossier, "page-2.jpg", "image/jpeg", b"second")
    newer = outbox.put_part(dossier, "page-1.jpg", "image/png", b"sharp")
    assert outbox.read_part(dossier, "page-1.jpg") == b"sharp"
    assert outbox.get(dossier).parts[0] == newer
    assert [part.name for part in outbox.get(dossier).parts] == ["page-1.jpg", "page-2.jpg"]
    assert len(blobs(tmp_path)) == 2


def test_a_dropped_part_is_gone(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")
    outbox.drop_part(dossier, "page-1.jpg")
    assert outbox.get(dossier).parts == ()
    assert blobs(tmp_path) == []
    for lost in (outbox.drop_part, outbox.read_part):
        with pytest.raises(QueueError) as caught:
            lost(dossier, "page-1.jpg")
        assert code_of(caught) == Fault.NOT_FOUND


def test_a_name_the_manifest_would_not_take_leaves_nothing(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    with pytest.raises(ValueError, match="name"):
        outbox.put_part(dossier, "../escape", "image/jpeg", b"page")
    assert outbox.get(dossier).parts == ()
    assert blobs(tmp_path) == []


def test_a_discarded_draft_leaves_neither_key_nor_file(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")
    outbox.discard(dossier)
    entry = outbox.get(dossier)
    assert (entry.state, entry.parts, entry.manifest) == (State.ERASED, (), None)
    assert blobs(tmp_path) == []
    with pytest.raises(QueueError):
        outbox.discard(dossier)


def test_a_locked_dossier_opens_for_the_portal_and_never_again_here(outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page one")
    manifest = lock(outbox, dossier)
    assert outbox.get(dossier).manifest == manifest.encode()
    data_key = envelope.unwrap(PORTAL_KEY, dossier, manifest.key)
    ciphertext = outbox.ciphertext(dossier, "page-1.jpg")
    assert envelope.decrypt_part(ciphertext, data_key, dossier, "page-1.jpg") == b"page one"
    for refused in (
        lambda: outbox.read_part(dossier, "page-1.jpg"),
        lambda: outbox.put_part(dossier, "page-2.jpg", "image/jpeg", b"late"),
        lambda: outbox.drop_part(dossier, "page-1.jpg"),
        lambda: lock(outbox, dossier),
    ):
        with pytest.raises(QueueError) as caught:
            refused()
        assert code_of(caught) == Fault.LOCKED
    with pytest.raises(QueueError) as caught:
        outbox.discard(dossier)
    assert code_of(caught) == Fault.ILLEGAL_MOVE
    assert outbox.get(dossier).state is State.LOCKED


def test_locking_wipes_the_drafts_wrap_from_every_file(tmp_path: Path, outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page one")
    with outbox._store.reading() as db:
        draft_key = db.execute("select draft_key from dossier").get
    database = tmp_path / "outbox"

    def kept() -> bool:
        return any(draft_key in file.read_bytes() for file in database.glob("outbox.db*"))

    assert kept()
    lock(outbox, dossier)
    assert not kept()


def test_a_failing_build_leaves_a_draft(outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")

    def other(key: WrappedKey, parts: tuple[Part, ...]) -> Manifest:
        return manifest_of(new_id(), key, parts)

    with pytest.raises(ValueError, match="another dossier"):
        outbox.lock(dossier, other)
    assert outbox.get(dossier).state is State.DRAFT
    assert outbox.read_part(dossier, "page-1.jpg") == b"page"


def test_a_dossier_without_parts_cannot_be_locked(outbox: Outbox) -> None:
    dossier = draft(outbox)
    with pytest.raises(ValueError, match="parts"):
        lock(outbox, dossier)
    assert outbox.get(dossier).state is State.DRAFT


def test_a_draft_is_wrapped_to_the_key_that_is_current_when_locked(outbox: Outbox) -> None:
    dossier = draft(outbox)
    outbox.put_part(dossier, "page-1.jpg", "image/jpeg", b"page")
    outbox.set_portal_key("portal-2", PORTAL_KEY.public_key().public_bytes_raw())
    assert lock(outbox, dossier).key.key_id == "portal-2"


def test_a_portal_key_of_another_length_is_refused(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        outbox.set_portal_key("portal-2", b"short")


def test_an_accepted_dossier_keeps_its_receipt_and_nothing_else(
    tmp_path: Path, outbox: Outbox
) -> None:
    dossier = locked_dossier(outbox, b"one", b"two")
    assert outbox.waiting() == 1
    outbox.begin(dossier)
    outbox.store_signature(dossier, b"signature")
    wrapped = Manifest.decode(outbox.get(dossier).manifest or b"").key.wrapped.encode()
    outbox.accept(dossier, RECEIPT)
    entry = outbox.get(dossier)
    assert (entry.state, entry.receipt) == (State.ERASED, RECEIPT)
    assert (entry.manifest, entry.signature, entry.parts) == (None, None, ())
    assert outbox.waiting() == 0
    assert blobs(tmp_path) == []
    for file in (tmp_path / "outbox").glob("outbox.db*"):
        assert wrapped not in file.read_bytes()


@pytest.mark.parametrize("removed", [True, False])
def test_an_erase_cut_short_is_finished_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outbox: Outbox, removed: bool
) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    # Power goes either before the key is destroyed, or after that and before the files are.
    monkeypatch.setattr(Outbox, "_sweep" if removed else "_erase", cut)
    with pytest.raises(KeyboardInterrupt):
        outbox.accept(dossier, RECEIPT)
    monkeypatch.undo()
    assert outbox.get(dossier).state is (State.ERASED if removed else State.ACCEPTED)
    assert len(blobs(tmp_path)) == 1
    again = open_outbox(tmp_path)
    assert again.get(dossier).state is State.ERASED
    assert blobs(tmp_path) == []
    again.close()


def test_files_without_a_row_are_removed_at_the_next_opening(
    tmp_path: Path, outbox: Outbox
) -> None:
    unfinished = draft(outbox)
    outbox.put_part(unfinished, "page-1.jpg", "image/jpeg", b"page")
    kept = locked_dossier(outbox)
    folder = tmp_path / "outbox" / "parts" / str(unfinished)
    (folder / "orphan").write_bytes(b"never committed")
    assert len(blobs(tmp_path)) == 3
    again = open_outbox(tmp_path)
    assert len(blobs(tmp_path)) == 2
    assert again.read_part(unfinished, "page-1.jpg") == b"page"
    assert again.ciphertext(kept, "page-1.jpg")
    again.close()


def test_what_was_being_sent_when_the_sender_died_is_unknown(
    tmp_path: Path, outbox: Outbox
) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    other = open_outbox(tmp_path)  # the screen process opening it must not disturb the sender
    assert other.get(dossier).state is State.SENDING
    other.recover()
    assert outbox.get(dossier).state is State.UNKNOWN
    other.close()


def test_dossiers_are_sent_in_the_order_of_locking_whatever_the_clock_says(
    outbox: Outbox, clock: HandClock
) -> None:
    first = locked_dossier(outbox)
    clock.wall = clock.wall.replace(year=1970)
    second = locked_dossier(outbox)
    entry = outbox.next_to_send()
    assert entry is not None
    assert entry.id == first
    assert outbox.get(second).changed_at < entry.changed_at
    assert (outbox.get(second).sequence, entry.sequence) == (2, 1)
    assert entry.boot_id == outbox.get(second).boot_id
    assert entry.monotonic < outbox.get(second).monotonic


def test_one_without_an_answer_stands_behind_the_others(outbox: Outbox) -> None:
    first, second = locked_dossier(outbox), locked_dossier(outbox)
    outbox.begin(first)
    outbox.mark_unknown(first, "queue.unreachable")
    entry = outbox.next_to_send()
    assert entry is not None
    assert entry.id == second
    assert outbox.get(first).problem == "queue.unreachable"
    assert outbox.waiting() == 2


def test_a_rejected_dossier_waits_for_a_person(outbox: Outbox) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    outbox.store_signature(dossier, b"signature")
    outbox.reject(dossier, "intake.conflict")
    assert outbox.next_to_send() is None
    assert outbox.get(dossier).problem == "intake.conflict"
    outbox.retry(dossier)
    entry = outbox.next_to_send()
    assert entry is not None
    assert (entry.id, entry.state, entry.signature) == (dossier, State.LOCKED, None)


@pytest.mark.parametrize(
    "name", ["begin", "mark_unknown", "retry", "recover", "store_signature", "accept", "reject"]
)
def test_an_illegal_move_changes_nothing(outbox: Outbox, name: str) -> None:
    dossier = draft(outbox)
    arguments = {
        "recover": [],
        "store_signature": [dossier, b"x"],
        "accept": [dossier, RECEIPT],
        "reject": [dossier, "x"],
    }
    before = outbox.get(dossier)
    if name != "recover":
        with pytest.raises(QueueError) as caught:
            getattr(outbox, name)(*arguments.get(name, [dossier]))
        assert code_of(caught) == Fault.ILLEGAL_MOVE
    else:
        outbox.recover()
    assert outbox.get(dossier) == before


def test_the_database_itself_refuses_what_the_program_must_not_do(outbox: Outbox) -> None:
    dossier = locked_dossier(outbox)
    for statement in (
        "update dossier set state = 'draft'",
        "update dossier set state = 'erased', manifest = null",
        "update dossier set sequence = 7",
        "update part set sha256 = ''",
        "delete from part",
        "delete from dossier",
        "insert into dossier (id, state, procedure, manifest, sequence, created_at, changed_at,"
        " boot_id, monotonic) values ('x', 'locked', '', x'00', 9, '', '', '', 0)",
    ):
        with pytest.raises(QueueError) as caught, outbox._store.writing() as db:
            db.execute(statement)
        assert code_of(caught) == Fault.ILLEGAL_MOVE, statement
    assert outbox.get(dossier).state is State.LOCKED


def test_an_unknown_id_is_not_found(outbox: Outbox) -> None:
    for call in (outbox.get, outbox.begin, outbox.discard, outbox.retry):
        with pytest.raises(QueueError) as caught:
            call(new_id())
        assert code_of(caught) == Fault.NOT_FOUND


def test_an_id_is_used_once(outbox: Outbox) -> None:
    dossier = draft(outbox)
    with pytest.raises(QueueError) as caught:
        outbox.new_draft(dossier, "certified-copy")
    assert code_of(caught) == Fault.ILLEGAL_MOVE


def test_a_day_key_ends_with_its_last_draft(outbox: Outbox, clock: HandClock) -> None:
    def day_keys() -> int:
        with outbox._store.reading() as db:
            count: int = db.execute("select count(*) from day_key").get
            return count

    early, late = draft(outbox), draft(outbox)
    outbox.put_part(early, "page-1.jpg", "image/jpeg", b"page")
    assert day_keys() == 1
    clock.wind(24 * 3600)
    tomorrow = draft(outbox)
    assert day_keys() == 2
    outbox.discard(late)
    assert outbox.read_part(early, "page-1.jpg") == b"page"
    lock(outbox, early)
    assert day_keys() == 1
    outbox.put_part(tomorrow, "page-1.jpg", "image/jpeg", b"page")
    assert outbox.read_part(tomorrow, "page-1.jpg") == b"page"


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
