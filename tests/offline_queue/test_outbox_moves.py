"""The outbox's order and moves: what is legal, whose turn it is, and when day keys end."""

from __future__ import annotations

from pathlib import Path

import pytest

from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import (
    RECEIPT,
    HandClock,
    code_of,
    draft,
    lock,
    locked_dossier,
    new_id,
    open_outbox,
)


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
