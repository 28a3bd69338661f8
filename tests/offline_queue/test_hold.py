"""A person decides: held dossiers wait without losing their place, and nobody waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import apsw
import pytest

from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import RECEIPT, locked_dossier, new_id, open_outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = open_outbox(tmp_path)
    yield outbox
    outbox.close()


def test_a_held_dossier_is_passed_over_and_keeps_its_place(outbox: Outbox) -> None:
    first, second = locked_dossier(outbox), locked_dossier(outbox)
    outbox.hold(first)
    entry = outbox.next_to_send()
    assert entry is not None
    assert entry.id == second
    assert outbox.get(first).held
    assert outbox.waiting() == 2
    outbox.release(first)
    entry = outbox.next_to_send()
    assert entry is not None
    assert (entry.id, entry.held, entry.sequence) == (first, False, 1)


def test_holding_changes_no_state_and_an_attempt_under_way_goes_on(outbox: Outbox) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    outbox.hold(dossier)
    assert outbox.get(dossier).state is State.SENDING
    outbox.accept(dossier, RECEIPT)
    assert outbox.get(dossier).state is State.ERASED
    assert not outbox.get(dossier).held


def test_a_held_rejected_one_may_be_retried_and_still_waits(outbox: Outbox) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    outbox.reject(dossier, "intake.conflict")
    outbox.hold(dossier)
    outbox.retry(dossier)
    assert outbox.next_to_send() is None


def test_drafts_and_erased_ones_cannot_be_held(outbox: Outbox) -> None:
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    for _ in range(2):
        with pytest.raises(QueueError) as caught:
            outbox.hold(dossier)
        assert caught.value.code == Fault.ILLEGAL_MOVE
        if outbox.get(dossier).state is State.DRAFT:
            outbox.discard(dossier)


def test_the_list_comes_in_pages(outbox: Outbox) -> None:
    dossiers = [locked_dossier(outbox, b"one", b"two") for _ in range(5)]
    first = outbox.list(limit=2)
    second = outbox.list(after=first[-1].id, limit=2)
    last = outbox.list(after=second[-1].id, limit=2)
    assert [entry.id for page in (first, second, last) for entry in page] == dossiers
    assert all(len(entry.parts) == 2 for entry in outbox.list())


def _note(plans: list[str], event: dict[str, str]) -> None:
    plans.append(event["sql"])


def test_what_is_asked_every_second_looks_at_one_row(outbox: Outbox) -> None:
    """However many wait: an index answers, and nothing is sorted."""
    for question in (outbox.next_to_send, outbox.unsigned):
        with outbox._store.reading() as db:
            plans: list[str] = []
            db.trace_v2(apsw.SQLITE_TRACE_STMT, partial(_note, plans))
        question()
        with outbox._store.reading() as db:
            db.trace_v2(0, None)
            asked = next(sql for sql in plans if sql.startswith("select id, state"))
            steps = [row[3] for row in db.execute(f"explain query plan {asked}")]
        assert not any("TEMP B-TREE" in step for step in steps)
        assert all("USING" in step for step in steps if step.startswith(("SCAN", "SEARCH")))
        assert len(steps) == 1
