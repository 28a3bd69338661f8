"""Room is asked for before a citizen starts; a wrong clock neither shuts the kiosk nor opens it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from offline_queue import budget, clock, outbox
from offline_queue.budget import Budget, Disk, Shortage
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox, State
from tests.offline_queue.invented import (
    PORTAL_KEY,
    RECEIPT,
    HandClock,
    lock,
    locked_dossier,
    new_id,
)

DAY = 86_400.0
LIMITS = Budget(bytes=10_000, reserve=5_000, oldest=7 * DAY, receipts=30 * DAY)


@dataclass
class Machine:
    """Boots, seconds since boot and free bytes, all set by hand."""

    wall: HandClock
    boot: str = "boot-1"
    uptime: float = 60.0
    free: int = 1_000_000

    def runs(self, seconds: float) -> None:
        self.uptime += seconds
        self.wall.wind(seconds)

    def is_off(self, seconds: float) -> None:
        self.wall.wind(seconds)
        self.boot, self.uptime = f"{self.boot}+", 30.0
        self.wall.wind(30.0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(HandClock())
    for module in (clock, outbox):
        monkeypatch.setattr(module, "boot_id", lambda: machine.boot)
        monkeypatch.setattr(module, "since_boot", lambda: machine.uptime)
    monkeypatch.setattr(budget, "disk_of", lambda _: Disk(machine.free, read_only=False))
    return machine


def open_limited(folder: Path, machine: Machine) -> Outbox:
    opened = Outbox(
        folder / "outbox", machine_key=folder / "key", clock=machine.wall, budget=LIMITS
    )
    opened.set_portal_key("portal-1", PORTAL_KEY.public_key().public_bytes_raw())
    return opened


@pytest.fixture
def box(tmp_path: Path, machine: Machine) -> Iterator[Outbox]:
    opened = open_limited(tmp_path, machine)
    yield opened
    opened.close()


def accept(box: Outbox, dossier: UUID) -> None:
    box.begin(dossier)
    box.accept(dossier, RECEIPT)


def test_an_empty_outbox_has_room_up_to_its_budget(box: Outbox) -> None:
    assert box.can_hold(10_000).ok
    room = box.can_hold(10_001)
    assert (room.ok, room.shortage) == (False, Shortage.BUDGET)
    with pytest.raises(QueueError, match="budget") as caught:
        room.require()
    assert caught.value.code == Fault.NO_ROOM


def test_what_waits_counts_and_what_is_erased_does_not(box: Outbox) -> None:
    dossier = locked_dossier(box, bytes(6_000))
    assert box.can_hold(3_000).used == box.get(dossier).size > 6_000
    assert box.can_hold(5_000).shortage is Shortage.BUDGET
    accept(box, dossier)
    assert box.can_hold(5_000).ok


def test_the_reserve_is_never_taken(box: Outbox, machine: Machine) -> None:
    machine.free = 6_000
    assert box.can_hold(1_000).ok
    assert box.can_hold(1_001).shortage is Shortage.DISK
    dossier = new_id()
    box.new_draft(dossier, "certified-copy")
    box.put_part(dossier, "page-1.jpg", "image/jpeg", bytes(1_000))
    with pytest.raises(QueueError) as caught:
        box.put_part(dossier, "page-2.jpg", "image/jpeg", bytes(1_001))
    assert caught.value.code == Fault.NO_ROOM
    machine.free = 0
    lock(box, dossier)  # what is here can still be finished and sent
    accept(box, dossier)


def test_a_portal_silent_for_too_long_shuts_the_door_until_it_signs_again(
    box: Outbox, machine: Machine
) -> None:
    first, second = locked_dossier(box), locked_dossier(box)
    machine.runs(7 * DAY)
    assert box.can_hold(1).ok
    machine.runs(60)
    room = box.can_hold(1)
    assert room.shortage is Shortage.AGE
    assert room.stalled == pytest.approx(7 * DAY + 60)
    accept(box, second)
    assert box.get(first).state is State.LOCKED
    assert box.can_hold(1).ok  # the first alone is a poison dossier, not an outage


def test_a_held_dossier_shuts_nothing(box: Outbox, machine: Machine) -> None:
    assert box.oldest() == 0
    dossier = locked_dossier(box)
    box.hold(dossier)
    machine.runs(20 * DAY)
    assert box.oldest() == pytest.approx(20 * DAY)
    assert box.can_hold(1).ok
    box.release(dossier)
    assert box.can_hold(1).shortage is Shortage.AGE


@pytest.mark.parametrize("years", [-56, -1, 1, 30])
def test_a_jump_of_years_ages_nothing_and_rejuvenates_nothing(
    tmp_path: Path, box: Outbox, machine: Machine, years: int
) -> None:
    locked_dossier(box)
    machine.runs(3 * DAY)
    machine.wall.wall = machine.wall.wall.replace(year=2026 + years)
    assert box.can_hold(1).stalled == box.oldest() == pytest.approx(3 * DAY)
    machine.runs(3 * DAY)
    box.recover()  # the sender writes the meter down, every few minutes
    box.close()
    machine.is_off(-years * 365 * DAY)  # the clock battery died, or was replaced
    again = open_limited(tmp_path, machine)
    assert 6 * DAY <= again.can_hold(1).stalled <= 6 * DAY + 60
    machine.runs(2 * DAY)
    assert again.can_hold(1).shortage is Shortage.AGE
    again.close()


def test_nights_without_power_count(tmp_path: Path, box: Outbox, machine: Machine) -> None:
    locked_dossier(box)
    box.close()
    machine.is_off(4 * DAY)
    again = open_limited(tmp_path, machine)
    assert again.can_hold(1).stalled == pytest.approx(4 * DAY + 30)
    again.close()


def test_order_is_by_sequence_whatever_boots_and_clocks_say(
    tmp_path: Path, box: Outbox, machine: Machine
) -> None:
    order = [locked_dossier(box)]
    for year in (1970, 2061, 1999):
        machine.is_off(3600)
        machine.wall.wall = machine.wall.wall.replace(year=year)
        order.append(locked_dossier(box))
    sent = []
    while entry := box.next_to_send():
        sent.append(entry.id)
        accept(box, entry.id)
    assert sent == order


def test_facts_of_erased_dossiers_go_after_their_time_and_numbers_go_on(
    box: Outbox, machine: Machine
) -> None:
    old, waiting = locked_dossier(box), locked_dossier(box)
    accept(box, old)
    machine.runs(29 * DAY)
    box.recover()
    assert box.get(old).receipt == RECEIPT
    newer = locked_dossier(box)
    accept(box, newer)
    machine.runs(2 * DAY)
    box.recover()
    with pytest.raises(QueueError) as caught:
        box.get(old)
    assert caught.value.code == Fault.NOT_FOUND
    assert box.get(newer).receipt == RECEIPT
    assert box.get(waiting).state is State.LOCKED
    machine.runs(60 * DAY)
    box.recover()
    accept(box, waiting)
    assert box.get(locked_dossier(box)).sequence == 4
