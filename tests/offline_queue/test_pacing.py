"""How much at once, how much in an hour, and when again."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from offline_queue.backoff import LONGEST_ASKED, Backoff, Spread, retry_after
from offline_queue.pacing import LARGEST, SMALLEST, HourlyBudget, Pace

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_a_piece_takes_the_time_it_should() -> None:
    pace = Pace(target=10.0, first=64 * 1024)
    for _ in range(10):
        pace.acknowledged(pace.size, pace.size / 8000)
    assert pace.size == pytest.approx(80_000, rel=0.01)
    assert pace.expected(16_000) == pytest.approx(2.0)


def test_size_changes_by_half_or_double_at_most_and_has_ends() -> None:
    pace = Pace(target=10.0, first=64 * 1024)
    pace.acknowledged(pace.size, 1e-9)
    assert pace.size == 128 * 1024
    pace.acknowledged(pace.size, 1e9)
    assert pace.size == 64 * 1024
    for _ in range(20):
        pace.lost()
    assert pace.size == SMALLEST
    for _ in range(20):
        pace.acknowledged(pace.size, 0.0)
    assert pace.size == LARGEST


def test_a_short_last_piece_does_not_shrink_the_next() -> None:
    pace = Pace(target=10.0, first=64 * 1024)
    pace.acknowledged(100, 1.0)
    assert pace.size == 64 * 1024


def test_no_hour_gets_more_than_its_budget() -> None:
    clock = [0.0]
    budget = HourlyBudget(1000, lambda: clock[0])
    rng, sent = random.Random(3), []
    for _ in range(3000):
        clock[0] += rng.uniform(0, 30)
        size = budget.allows(rng.randrange(1, 200))
        if size:
            budget.spend(size)
            sent.append((clock[0], size))
    for start, _ in sent:
        assert sum(size for at, size in sent if start <= at < start + 3600) <= 1000
    assert sum(size for _, size in sent) > 0.8 * 1000 * clock[0] / 3600


def test_after_the_wait_it_may_go() -> None:
    clock = [10.0]
    budget = HourlyBudget(1000, lambda: clock[0])
    budget.spend(700)
    clock[0] += 600
    budget.spend(300)
    assert budget.allows(1) == 0
    for wanted in (500, 5000):
        wait = budget.wait(wanted)
        clock[0] += wait
        assert wait > 0
        assert budget.allows(wanted) == min(wanted, 700 if wanted == 500 else 1000) or wanted == 500
    assert budget.wait(1000) == 0.0


def test_without_a_budget_all_may_go() -> None:
    budget = HourlyBudget()
    budget.spend(10**12)
    assert (budget.allows(10**9), budget.wait(10**9)) == (10**9, 0.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        ("0", 0.0),
        ("-5", None),
        ("soon", None),
        ("999999", LONGEST_ASKED),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2037 12:00:00 GMT", LONGEST_ASKED),
        ("Tue, 24 Nov 2026 12:01:30", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_pauses_at_their_longest_still_differ() -> None:
    backoff = Backoff(0.5, 60.0, random.Random(1))
    pauses = [backoff.failed() for _ in range(200)][20:]
    assert max(pauses) <= 60.0
    assert sum(pause > 50 for pause in pauses) < len(pauses) / 2
    assert 0.5 <= Backoff(0.5, 60.0).failed() <= 1.5


def test_what_was_asked_for_is_kept_and_a_little_more() -> None:
    backoff = Backoff(0.5, 60.0, random.Random(1))
    assert all(30.0 <= backoff.asked(30.0) <= 32.0 for _ in range(100))
    assert len({backoff.asked(30.0) for _ in range(100)}) == 100


def test_only_after_a_long_outage_the_backlog_is_spread() -> None:
    spread = Spread(600.0, 60.0, random.Random(1))
    assert spread.succeeded(5.0) == 0.0
    spread.failed(10.0)
    spread.failed(60.0)
    assert spread.succeeded(69.0) == 0.0
    spread.failed(100.0)
    spread.failed(500.0)
    assert 0.0 < spread.succeeded(500.0) <= 600.0
    assert spread.succeeded(501.0) == 0.0  # once
