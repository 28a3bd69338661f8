"""The outbox by its rules: drafts open, locked dossiers do not, accepted ones leave nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from offline_queue import envelope
from offline_queue.errors import Fault, QueueError
from offline_queue.manifest import Manifest, Part, WrappedKey
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import (
    PORTAL_KEY,
    RECEIPT,
    blobs,
    code_of,
    draft,
    lock,
    locked_dossier,
    manifest_of,
    new_id,
    open_outbox,
)


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
