"""Whoever is too many gets a moment of its own, and every process keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.portal.admission import Admission
from kiosk.portal.schema import open_database
from kiosk.portal.store import Store
from tests.kiosk.portal.backends import Storage
from tests.kiosk.portal.line import RunningPortal, TestKiosk, problem, settings_in


class HandClock:
    now = datetime(2026, 11, 24, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(storage: Storage, tmp_path: Path) -> Iterator[Store]:
    settings = settings_in(tmp_path, **storage.settings)
    settings.state.mkdir()
    opened = Store(open_database(settings))
    yield opened
    opened.close()


def press(admission: Admission) -> None:
    """Until somebody is sent away."""
    for number in range(1000):
        if admission.enter(f"another-{number}"):
            return
    pytest.fail("nobody is ever sent away")


def test_those_who_are_too_many_get_a_moment_of_their_own(store: Store, clock: HandClock) -> None:
    admission = Admission(10.0, store, clock)
    assert not any(admission.enter(name) for name in "uvwxyz")  # as given away in a second
    waits = {name: admission.enter(name) for name in "defg"}
    assert list(waits.values()) == sorted(waits.values())
    assert min(waits.values()) >= 1
    assert admission.enter("g") == waits["g"]  # asking again wins nothing and loses nothing
    clock.go_on(waits["g"])
    assert admission.enter("g") == 0


def test_a_moment_is_good_for_one_dossier(store: Store, clock: HandClock) -> None:
    admission = Admission(1.0, store, clock)
    press(admission)
    wait = admission.enter("a")
    clock.go_on(wait)
    press(admission)
    assert admission.enter("a") == 0
    assert admission.enter("a") > 0


def test_a_moment_long_gone_is_forgotten(store: Store, clock: HandClock) -> None:
    admission = Admission(1.0, store, clock)
    press(admission)
    clock.go_on(admission.enter("a") + 120)
    press(admission)
    assert admission.enter("a") > 0
    assert store.rows("SELECT COUNT(*) FROM moments WHERE at < ?", (clock.now.isoformat(),)) == [
        (0,)
    ]


def test_who_delivers_while_others_wait_is_told_when_to_come_next(
    store: Store, clock: HandClock
) -> None:
    admission = Admission(1.0, store, clock)
    assert admission.next_after("a") == 0
    press(admission)
    wait = admission.next_after("a")
    assert wait >= 1
    clock.go_on(wait)
    assert admission.enter("a") == 0


def test_a_promise_counts_at_every_process_and_after_a_restart(
    store: Store, clock: HandClock
) -> None:
    one, other = Admission(1.0, store, clock), Admission(1.0, store, clock)
    press(one)
    press(other)
    wait = one.enter("a")
    assert other.enter("a") == wait
    anew = Admission(1.0, store, clock)
    assert anew.enter("b") > wait  # what was given away is not given away again
    clock.go_on(wait)
    assert other.enter("a") == 0


def test_a_clock_that_was_years_ahead_shuts_nobody_out(store: Store, clock: HandClock) -> None:
    clock.go_on(10 * 365 * 86_400)
    admission = Admission(1.0, store, clock)
    press(admission)
    admission.enter("a")
    clock.go_on(-10 * 365 * 86_400)
    assert admission.enter("a") <= 2
    assert Admission(1.0, store, clock).enter("a") <= 2


def test_no_rate_is_no_limit(store: Store) -> None:
    admission = Admission(0.0, store)
    assert not any(admission.enter("a") or admission.next_after("a") for _ in range(100))


def test_a_kiosk_that_is_sent_away_is_told_when(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = kiosk.dossier()
    monkeypatch.setattr(Admission, "enter", lambda *_: 7)
    answer = waiting.put()
    assert problem(answer) == (503, "intake.unavailable")
    assert answer.headers["Retry-After"] == "7"
    monkeypatch.undo()
    assert waiting.put().status_code == 200
    monkeypatch.setattr(Admission, "enter", lambda *_: 7)
    monkeypatch.setattr(Admission, "next_after", lambda *_: 9)
    waiting.upload()  # what was begun may be ended
    assert waiting.commit().headers["Retry-After"] == "9"
