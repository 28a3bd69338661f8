"""Whatever the network does, a dossier is accepted exactly once and never erased unreceipted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from offline_queue import envelope
from offline_queue.backoff import Backoff, Spread
from offline_queue.errors import Fault, QueueError
from offline_queue.intake import Problem, Receipt
from offline_queue.manifest import Manifest
from offline_queue.outbox import Outbox, State
from offline_queue.transport import IntakeClient
from offline_queue.tus import Limits
from offline_queue.uploader import Uploader
from tests.offline_queue.invented import locked_dossier, open_outbox
from tests.offline_queue.small_portal import CODE, SmallPortal

AT_ONCE = Limits(give_up=0.0)
"""Any trouble in an upload comes to the uploader: what goes on within one is in test_tus.py."""


class Line:
    """An outbox and a portal, the line between them, and a clock wound by hand."""

    def __init__(self, folder: Path, portal: SmallPortal) -> None:
        self.portal = portal
        self.seconds = 0.0
        self.outbox = open_outbox(folder)
        self.outbox.set_portal_key("portal-1", portal.envelope_key.public_key().public_bytes_raw())
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.client = IntakeClient(
            portal.address, "kiosk-01", self.key, read_seconds=2, limits=AT_ONCE
        )
        self.client.enrol(CODE)
        self.uploader = self.new_uploader(self.outbox)

    def new_uploader(self, outbox: Outbox, spread: Spread | None = None) -> Uploader:
        return Uploader(
            outbox,
            self.client,
            self.key,
            {"receipt-1": self.portal.receipt_key.public_key()}.get,
            clock=lambda: self.seconds,
            backoff=Backoff(0.5, 300.0, random.Random(7)),
            spread=spread,
        )

    def step(self) -> bool:
        """As after the pause that the uploader wants."""
        self.seconds += self.uploader.pause()
        return self.uploader.step()

    def state(self, dossier: UUID) -> State:
        return self.outbox.get(dossier).state

    def sent(self, what: str) -> int:
        return sum(what in call for call in self.portal.calls)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with SmallPortal() as portal:
        line = Line(tmp_path, portal)
        yield line
        line.outbox.close()


def test_a_dossier_arrives_whole_and_only_its_receipt_stays(line: Line) -> None:
    dossier = locked_dossier(line.outbox, b"page one", b"page two")
    assert line.step()
    held = line.portal.held[dossier]
    manifest = Manifest.decode(held.manifest.encode())
    key = envelope.unwrap(line.portal.envelope_key, dossier, manifest.key)
    plain = envelope.decrypt_part(held.parts["page-2.jpg"], key, dossier, "page-2.jpg")
    assert plain == b"page two"
    assert line.state(dossier) is State.ERASED
    assert line.outbox.get(dossier).receipt == held.receipt
    assert not line.step()


def test_nothing_waits_nothing_is_sent(line: Line) -> None:
    before = len(line.portal.calls)
    assert not line.step()
    assert len(line.portal.calls) == before


def test_a_lost_answer_to_commit_is_asked_for_and_not_sent_again(line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("commit", "lost")
    assert not line.step()
    assert line.state(dossier) is State.UNKNOWN
    assert line.outbox.get(dossier).problem == Fault.UNKNOWN
    assert line.portal.accepted == [dossier]
    assert line.step()
    assert line.state(dossier) is State.ERASED
    assert line.portal.held[dossier].commits == 1
    assert (line.sent("PUT"), line.sent("/parts/")) == (1, 1)


@pytest.mark.parametrize("place", ["PUT /v1/dossiers", "/parts/", "commit"])
@pytest.mark.parametrize("kind", ["500", "captive", "lost"])
def test_a_fault_anywhere_leads_to_one_acceptance(line: Line, place: str, kind: str) -> None:
    dossier = locked_dossier(line.outbox, b"one", b"two")
    line.portal.fault(place, kind)
    assert not line.step()
    assert line.state(dossier) is State.UNKNOWN
    assert line.outbox.waiting() == 1
    assert line.step()
    assert line.state(dossier) is State.ERASED
    assert line.portal.held[dossier].commits == 1


def test_only_missing_parts_are_sent_again(line: Line) -> None:
    locked_dossier(line.outbox, b"one", b"two", b"three")
    line.portal.fault("/parts/page-2", "500")
    line.step()
    line.step()
    assert [line.sent(f"/parts/page-{number}") for number in (1, 2, 3)] == [1, 3, 1 + 1]
    assert line.sent("HEAD") == 2  # of what may have arrived before, and was asked for


def test_a_part_lost_by_the_portal_is_sent_again(line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("commit", Problem.INCOMPLETE)
    assert not line.step()
    assert line.outbox.get(dossier).problem == Problem.INCOMPLETE
    assert line.step()
    assert line.state(dossier) is State.ERASED


def test_while_the_portal_is_down_pauses_grow_within_bounds(line: Line) -> None:
    locked_dossier(line.outbox)
    line.portal.close()
    pauses = []
    for _ in range(60):
        assert not line.step()
        pauses.append(line.uploader.pause())
        assert not line.uploader.step()  # before its time nothing is tried
    assert all(0.5 <= pause <= 300.0 for pause in pauses)
    assert all(later <= 3 * earlier + 1e-6 for earlier, later in pairwise(pauses))
    assert len(set(pauses)) > 50  # spread, not stepped
    assert max(pauses) > 50.0
    assert line.outbox.list()[0].attempts == 60


def test_a_citizen_who_waits_is_not_made_to_wait_for_the_pause(line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("PUT", "500")
    line.step()
    assert line.uploader.pause() > 0
    assert not line.uploader.step()
    assert line.uploader.step(at_once=True)
    assert line.state(dossier) is State.ERASED
    assert line.uploader.pause() == 0


def test_a_conflict_is_rejected_and_does_not_hold_up_the_next(line: Line) -> None:
    poison, good = locked_dossier(line.outbox), locked_dossier(line.outbox)
    line.portal.fault(f"PUT /v1/dossiers/{poison}", Problem.CONFLICT)
    assert line.step()
    assert line.uploader.pause() == 0
    assert line.step()
    assert line.state(good) is State.ERASED
    assert line.state(poison) is State.REJECTED
    assert line.outbox.get(poison).problem == Problem.CONFLICT
    line.outbox.retry(poison)
    assert line.step()
    assert line.state(poison) is State.ERASED


@pytest.mark.parametrize("problem", [Problem.NOT_ENROLLED, Problem.BAD_SIGNATURE])
def test_a_refusal_of_the_kiosk_rejects_no_dossier(line: Line, problem: Problem) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("PUT", problem)
    assert not line.step()
    assert line.state(dossier) is State.UNKNOWN
    assert line.outbox.get(dossier).problem == problem


def test_small_parts_go_before_large_ones(line: Line) -> None:
    locked_dossier(line.outbox, b"x" * 5000, b"x" * 50, b"x" * 500)
    assert line.step()
    sent = [call.rpartition("/")[2] for call in line.portal.calls if "/parts/" in call]
    assert sent == ["page-2.jpg", "page-3.jpg", "page-1.jpg"]


def test_a_portal_that_asks_for_time_gets_it(line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("PUT", "busy")
    assert not line.step()
    assert line.state(dossier) is State.UNKNOWN
    assert 77 <= line.uploader.pause() <= 79
    assert line.uploader.step(at_once=True)  # a citizen waits
    assert line.state(dossier) is State.ERASED


def test_a_receipt_may_say_when_the_next_dossier_is_welcome(line: Line) -> None:
    locked_dossier(line.outbox)
    locked_dossier(line.outbox)
    line.portal.more_headers = {"Retry-After": "40"}
    assert line.step()
    assert 40 <= line.uploader.pause() <= 42
    line.portal.more_headers = {}
    assert line.step()
    assert line.uploader.pause() == 0


def test_after_an_outage_one_dossier_goes_and_the_rest_is_spread(line: Line) -> None:
    for _ in range(3):
        locked_dossier(line.outbox)
    line.uploader = line.new_uploader(line.outbox, Spread(600.0, 60.0, random.Random(1)))
    line.portal.fault("PUT", *["500"] * 40)
    while not line.step():
        pass
    assert len(line.portal.accepted) == 1
    assert line.uploader.pause() > 1
    assert not line.uploader.step()
    assert line.step()
    assert line.uploader.pause() == 0


def test_a_stopped_uploader_sends_no_more_parts(line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    line.uploader.stop()
    assert not line.step()
    assert line.state(dossier) is State.UNKNOWN
    assert line.sent("/parts/") == 0


def test_a_citizen_does_not_wait_for_a_long_upload(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offline_queue.uploader.WAIT_FOR_TURN", 0.01)
    locked_dossier(line.outbox)
    under_way: list[bool] = []

    def slow(*_: object) -> None:
        with ThreadPoolExecutor(1) as other:
            under_way.append(other.submit(line.uploader.step, at_once=True).result())

    monkeypatch.setattr(Uploader, "_settle", slow)
    line.uploader.step()
    assert under_way == [False]


def test_one_that_gets_no_answer_does_not_hold_up_the_next(line: Line) -> None:
    stuck, good = locked_dossier(line.outbox), locked_dossier(line.outbox)
    line.portal.fault(str(stuck), "500", "500", "500")
    line.step()
    assert line.step()
    assert line.state(good) is State.ERASED
    assert line.state(stuck) is State.UNKNOWN


def test_a_part_damaged_on_the_kiosk_is_rejected(tmp_path: Path, line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    (file,) = (tmp_path / "outbox" / "parts").glob("*/*")
    file.write_bytes(b"rot")
    assert line.step()
    assert line.state(dossier) is State.REJECTED
    assert line.outbox.get(dossier).problem == Fault.DAMAGED


def forged(line: Line, dossier: UUID) -> Receipt:
    line.portal.receipt_signer = ec.generate_private_key(ec.SECP256R1())
    return line.portal.receipt_for(dossier, line.portal.held[dossier])


def of_another(line: Line, dossier: UUID) -> Receipt:
    return line.portal.receipt_for(UUID(int=1), line.portal.held[dossier])


def of_other_bytes(line: Line, dossier: UUID) -> Receipt:
    held = line.portal.held[dossier]
    manifest = Manifest.decode(held.manifest.encode()).model_copy(update={"copies": 9})
    return line.portal.receipt_for(dossier, type(held)(manifest.encode().decode()))


def malformed(line: Line, dossier: UUID) -> Receipt:
    return Receipt(statement="{}", signature="AAAA", key_id="receipt-1")


def no_base64(line: Line, dossier: UUID) -> Receipt:
    good = line.portal.receipt_for(dossier, line.portal.held[dossier])
    return good.model_copy(update={"signature": "!"})


@pytest.mark.parametrize("make", [forged, of_another, of_other_bytes, malformed, no_base64])
def test_a_receipt_that_does_not_verify_erases_nothing(line: Line, make: object) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("commit", "500")
    line.step()
    held = line.portal.held[dossier]
    held.receipt = make(line, dossier)  # type: ignore[operator]
    assert not line.step()
    entry = line.outbox.get(dossier)
    assert (entry.state, entry.problem) == (State.UNKNOWN, Fault.RECEIPT_INVALID)
    assert line.outbox.ciphertext(dossier, "page-1.jpg")
    line.portal.receipt_signer = line.portal.receipt_key
    held.receipt = line.portal.receipt_for(dossier, held)
    assert line.step()
    assert line.state(dossier) is State.ERASED


def test_a_sender_that_died_while_sending_asks_first(line: Line) -> None:
    dossier = locked_dossier(line.outbox)
    line.portal.fault("commit", "lost")
    line.step()
    line.outbox.retry(dossier)
    line.outbox.begin(dossier)  # and then the process was killed
    line.uploader = line.new_uploader(line.outbox)
    assert line.step()
    assert line.state(dossier) is State.ERASED
    assert line.portal.held[dossier].commits == 1
    assert (line.sent("PUT"), line.sent("/parts/")) == (1, 1)


@pytest.mark.parametrize("method", ["mark_unknown", "_erase"])
def test_a_disk_full_in_the_middle_is_made_good_later(
    line: Line, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    dossier = locked_dossier(line.outbox)
    if method == "mark_unknown":
        line.portal.fault("commit", "lost")

    def full(*_: object, **__: object) -> None:
        raise QueueError(Fault.DISK_FULL, retryable=True)

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, method, full)
        with pytest.raises(QueueError) if method == "mark_unknown" else nullcontext():
            line.step()
        assert line.state(dossier) in (State.SENDING, State.ACCEPTED)
    line.step()
    assert line.state(dossier) is State.ERASED
    assert line.portal.held[dossier].commits == 1
