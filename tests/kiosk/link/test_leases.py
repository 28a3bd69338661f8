"""Numbers in stock: leased before they are needed, refilled before they run out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify.numbers import NumberStore
from kiosk.link.leases import LeaseKeeper
from offline_queue.transport import IntakeClient
from tests.offline_queue.small_portal import CODE, SmallPortal

Stock = tuple[SmallPortal, IntakeClient, NumberStore]


@pytest.fixture
def stock() -> Iterator[Stock]:
    with SmallPortal() as portal, tempfile.TemporaryDirectory() as folder:
        client = IntakeClient(portal.address, "kiosk-01", ec.generate_private_key(ec.SECP256R1()))
        client.enrol(CODE)
        numbers = NumberStore(Path(folder) / "numbers.db")
        yield portal, client, numbers
        numbers.close()


def test_before_new_year_both_years_numbers_are_leased(stock: Stock) -> None:
    """Numbers start anew at midnight, and the network may be gone by then."""
    portal, client, numbers = stock
    portal.lease_days = 800
    evening = datetime.now(UTC).replace(month=12, day=31, hour=20)
    midnight = evening + timedelta(hours=5)
    keeper = LeaseKeeper(numbers, lambda: evening)
    keeper.fill(client, "dossier")
    keeper.fill(client, "dossier")
    assert numbers.left("dossier", midnight.year, midnight) == 100
    assert numbers.left("dossier", evening.year, evening) == 100
    assert portal.next_number == 201


def test_two_who_find_the_stock_low_fetch_one_block(stock: Stock) -> None:
    portal, client, numbers = stock
    keeper = LeaseKeeper(numbers, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: keeper.fill(client, "dossier"), range(4)))
    assert portal.next_number == 101


def test_an_expired_block_is_replaced(stock: Stock) -> None:
    portal, client, numbers = stock
    portal.lease_days = -1
    keeper = LeaseKeeper(numbers, lambda: datetime.now(UTC))
    keeper.fill(client, "certificate")
    assert keeper.left("certificate") == 0
    portal.lease_days = 7
    keeper.fill(client, "certificate")
    assert keeper.left("certificate") == 50


def test_a_block_is_refilled_before_it_ends_and_only_once(stock: Stock) -> None:
    portal, client, numbers = stock
    now = datetime.now(UTC).replace(month=6, day=1)
    portal.lease_days = 0.5 + (now - datetime.now(UTC)) / timedelta(days=1)  # half a day from now
    keeper = LeaseKeeper(numbers, lambda: now)
    keeper.fill(client, "certificate")
    assert portal.next_number == 51
    portal.lease_days += 7
    keeper.fill(client, "certificate")  # there are 50, but not tomorrow
    assert portal.next_number == 101
    for _ in range(3):
        keeper.fill(client, "certificate")
    assert portal.next_number == 101


def test_blocks_that_never_live_long_are_not_leased_again_and_again(stock: Stock) -> None:
    portal, client, numbers = stock
    now = datetime.now(UTC).replace(month=6, day=1)
    portal.lease_days = 0.5 + (now - datetime.now(UTC)) / timedelta(days=1)
    keeper = LeaseKeeper(numbers, lambda: now)
    for _ in range(10):
        keeper.fill(client, "certificate")
    assert portal.next_number == 101
