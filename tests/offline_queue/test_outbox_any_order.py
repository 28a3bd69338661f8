"""Calls and re-openings in any order: whatever happens, the rules of the outbox hold."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from offline_queue.errors import Fault, QueueError
from offline_queue.manifest import Manifest
from offline_queue.outbox import State
from offline_queue.store import MOVES
from tests.offline_queue.invented import RECEIPT, lock, new_id, open_outbox

NAMES = st.sampled_from(["page-1.jpg", "page-2.jpg", "answers.json"])


class OutboxRules(RuleBasedStateMachine):
    """``model``: the parts each draft should have; ``states``: what each dossier was last."""

    dossiers: Bundle[UUID] = Bundle("dossiers")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.outbox = open_outbox(self.folder)
        self.model: dict[UUID, dict[str, bytes]] = {}
        self.states: dict[UUID, State] = {}
        self.sequences: list[int] = []

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.folder)

    @rule(target=dossiers)
    def new_draft(self) -> UUID:
        dossier = new_id()
        self.outbox.new_draft(dossier, "certified-copy")
        self.model[dossier], self.states[dossier] = {}, State.DRAFT
        return dossier

    @rule(dossier=dossiers, name=NAMES, data=st.binary(max_size=40))
    def put_part(self, dossier: UUID, name: str, data: bytes) -> None:
        if self.states[dossier] is State.DRAFT:
            self.outbox.put_part(dossier, name, "image/jpeg", data)
            self.model[dossier][name] = data
        else:
            self.refused(lambda: self.outbox.put_part(dossier, name, "image/jpeg", data))

    @rule(dossier=dossiers, name=NAMES)
    def drop_part(self, dossier: UUID, name: str) -> None:
        if self.states[dossier] is State.DRAFT and name in self.model[dossier]:
            self.outbox.drop_part(dossier, name)
            del self.model[dossier][name]
        else:
            self.refused(lambda: self.outbox.drop_part(dossier, name))

    @rule(dossier=dossiers)
    def lock(self, dossier: UUID) -> None:
        if self.states[dossier] is State.DRAFT and self.model[dossier]:
            lock(self.outbox, dossier)
            self.moved(dossier, State.LOCKED)
        elif self.states[dossier] is not State.DRAFT:
            self.refused(lambda: lock(self.outbox, dossier))

    @rule(dossier=dossiers)
    def discard(self, dossier: UUID) -> None:
        self.move(dossier, State.ERASED, lambda: self.outbox.discard(dossier), {State.DRAFT})

    @rule(dossier=dossiers)
    def begin(self, dossier: UUID) -> None:
        self.move(dossier, State.SENDING, lambda: self.outbox.begin(dossier))

    @rule(dossier=dossiers)
    def mark_unknown(self, dossier: UUID) -> None:
        self.move(dossier, State.UNKNOWN, lambda: self.outbox.mark_unknown(dossier))

    @rule(dossier=dossiers)
    def reject(self, dossier: UUID) -> None:
        self.move(dossier, State.REJECTED, lambda: self.outbox.reject(dossier, "x"))

    @rule(dossier=dossiers)
    def retry(self, dossier: UUID) -> None:
        sent = {State.UNKNOWN, State.REJECTED}
        self.move(dossier, State.LOCKED, lambda: self.outbox.retry(dossier), sent)

    @rule(dossier=dossiers)
    def accept(self, dossier: UUID) -> None:
        if (self.states[dossier], State.ACCEPTED) in MOVES:
            self.outbox.accept(dossier, RECEIPT)
            self.moved(dossier, State.ERASED)
        else:
            self.refused(lambda: self.outbox.accept(dossier, RECEIPT))

    @rule()
    def reopen(self) -> None:
        self.outbox.close()
        self.outbox = open_outbox(self.folder)

    @rule()
    def restart_sender(self) -> None:
        self.outbox.recover()
        for dossier, state in self.states.items():
            if state is State.SENDING:
                self.moved(dossier, State.UNKNOWN)

    @invariant()
    def states_are_as_moved(self) -> None:
        assert {entry.id: entry.state for entry in self.outbox.list()} == self.states

    @invariant()
    def drafts_read_as_written_and_nothing_else_reads(self) -> None:
        for dossier, parts in self.model.items():
            if self.states[dossier] is State.DRAFT:
                assert {name: self.outbox.read_part(dossier, name) for name in parts} == parts
            else:
                self.refused(partial(self.outbox.read_part, dossier, "page-1.jpg"))

    @invariant()
    def locked_dossiers_are_whole_and_erased_ones_empty(self) -> None:
        files = 0
        for entry in self.outbox.list():
            files += len(entry.parts)
            if entry.state is State.ERASED:
                assert (entry.manifest, entry.signature, entry.parts) == (None, None, ())
            elif entry.state is not State.DRAFT:
                assert Manifest.decode(entry.manifest or b"").parts == entry.parts
                assert {part.name for part in entry.parts} == set(self.model[entry.id])
        assert (
            len([f for f in (self.folder / "outbox" / "parts").rglob("*") if f.is_file()]) == files
        )

    @invariant()
    def sequence_rises_with_locking(self) -> None:
        assert self.sequences == sorted(set(self.sequences))

    def move(
        self,
        dossier: UUID,
        to: State,
        call: Callable[[], None],
        only_from: set[State] | None = None,
    ) -> None:
        state = self.states[dossier]
        if (state, to) in MOVES and (only_from is None or state in only_from):
            call()
            self.moved(dossier, to)
        else:
            self.refused(call)

    def moved(self, dossier: UUID, to: State) -> None:
        if self.states[dossier] is State.DRAFT and to is State.LOCKED:
            sequence = self.outbox.get(dossier).sequence
            assert sequence is not None
            self.sequences.append(sequence)
        self.states[dossier] = to

    def refused(self, call: Callable[[], object]) -> None:
        with pytest.raises(QueueError) as caught:
            call()
        assert caught.value.code in {Fault.LOCKED, Fault.ILLEGAL_MOVE, Fault.NOT_FOUND}


TestOutboxRules = OutboxRules.TestCase
TestOutboxRules.settings = settings(
    max_examples=50,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
