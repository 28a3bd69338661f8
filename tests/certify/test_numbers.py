"""A number exists once, whatever dies; an id code notices a slip of the pen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import CertifyError, Fault
from certify.numbers import (
    CROCKFORD,
    MAX_COUNTER,
    MAX_KIOSK,
    Burned,
    NumberStore,
    check_id_code,
    grouped,
    new_id_code,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BOOK = "01/2026-SCT/BS"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[NumberStore]:
    opened = NumberStore(tmp_path / "numbers.db")
    yield opened
    opened.close()


def lease(store: NumberStore, first: int, last: int, name: str = "a", **changes: object) -> None:
    values = {"kind": "certificate", "year": 2026, "book": BOOK, "expires": LATER} | changes
    store.add_lease(first=first, last=last, lease_id=name, **values)  # type: ignore[arg-type]


def code_of(action: object) -> str:
    with pytest.raises(CertifyError) as caught:
        action()  # type: ignore[operator]
    return caught.value.code


def test_numbers_come_in_order_and_end(store: NumberStore) -> None:
    lease(store, 7, 8)
    assert store.left("certificate", 2026, NOW) == 2
    burned = [store.burn("certificate", 2026, at=NOW) for _ in range(2)]
    assert burned == [Burned(7, BOOK), Burned(8, BOOK)]
    assert store.left("certificate", 2026, NOW) == 0
    assert code_of(lambda: store.burn("certificate", 2026, at=NOW)) == Fault.NUMBERS_EXHAUSTED


def test_kinds_and_years_are_apart(store: NumberStore) -> None:
    lease(store, 1, 9)
    assert code_of(lambda: store.burn("dossier", 2026, at=NOW)) == Fault.NUMBERS_EXHAUSTED
    assert code_of(lambda: store.burn("certificate", 2027, at=NOW)) == Fault.NUMBERS_EXHAUSTED


def test_an_expired_lease_gives_nothing(store: NumberStore) -> None:
    lease(store, 1, 9)
    assert code_of(lambda: store.burn("certificate", 2026, at=LATER)) == Fault.LEASE_EXPIRED
    assert store.left("certificate", 2026, LATER) == 0
    lease(store, 10, 19, "b", expires=LATER + timedelta(hours=1))
    assert store.burn("certificate", 2026, at=LATER).number == 10


def test_the_same_lease_may_arrive_twice_without_giving_numbers_again(store: NumberStore) -> None:
    lease(store, 1, 3)
    store.burn("certificate", 2026, at=NOW)
    lease(store, 1, 3)
    assert store.burn("certificate", 2026, at=NOW).number == 2


@pytest.mark.parametrize(("first", "last", "name"), [(3, 5, "b"), (1, 9, "b"), (1, 4, "a")])
def test_overlapping_leases_are_refused(
    store: NumberStore, first: int, last: int, name: str
) -> None:
    lease(store, 1, 3)
    assert code_of(lambda: lease(store, first, last, name)) == Fault.LEASE_CONFLICT
    assert store.left("certificate", 2026, NOW) == 3


def test_burned_numbers_stay_burned_after_a_restart(tmp_path: Path) -> None:
    store = NumberStore(tmp_path / "n.db")
    lease(store, 1, 5)
    store.burn("certificate", 2026, at=NOW)
    store.close()
    again = NumberStore(tmp_path / "n.db")
    assert again.burn("certificate", 2026, at=NOW).number == 2
    again.close()


_BURNER = """
import sys
from datetime import datetime
from pathlib import Path
from certify.numbers import NumberStore
store = NumberStore(Path(sys.argv[1]))
while True:
    burned = store.burn("certificate", 2026, at=datetime.fromisoformat(sys.argv[2]))
    print(burned.number, flush=True)
"""


def test_no_number_twice_among_processes_that_are_killed(tmp_path: Path) -> None:
    """Three processes burn; each is killed in the middle of it, and others take its place."""
    path = tmp_path / "n.db"
    store = NumberStore(path)
    lease(store, 1, 1_000_000)
    command = [sys.executable, "-c", _BURNER, str(path), NOW.isoformat()]
    told: list[int] = []
    for _ in range(2):
        burners = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        for burner in burners:
            assert burner.stdout
            told += [int(burner.stdout.readline()) for _ in range(20)]
            os.kill(burner.pid, signal.SIGKILL)
        for burner in burners:
            assert burner.stdout
            # What was printed in full was told to somebody.
            told += [int(line) for line in burner.stdout.read().split("\n")[:-1]]
            burner.stdout.close()
            burner.wait()
    assert len(told) >= 120
    assert len(told) == len(set(told))
    assert store.burn("certificate", 2026, at=NOW).number > max(told)
    store.close()


kiosks = st.integers(0, MAX_KIOSK)
counters = st.integers(0, MAX_COUNTER)


def test_a_fixed_code() -> None:
    assert new_id_code(17, 42) == "000H000001AZ"
    assert grouped("000H000001AZ") == "000H-0000-01AZ"


@given(kiosks, counters, kiosks, counters)
def test_different_copies_have_different_codes(a: int, b: int, c: int, d: int) -> None:
    assert (new_id_code(a, b) == new_id_code(c, d)) == ((a, b) == (c, d))


@given(kiosks, counters, st.integers(0, 11), st.integers(1, 31))
def test_one_wrong_character_is_noticed(kiosk: int, counter: int, place: int, off: int) -> None:
    code = new_id_code(kiosk, counter)
    wrong = CROCKFORD[(CROCKFORD.index(code[place]) + off) % 32]
    assert code_of(lambda: check_id_code(code[:place] + wrong + code[place + 1 :])) == (
        Fault.ID_CODE_INVALID
    )


@given(kiosks, counters, st.integers(0, 11), st.integers(0, 11))
def test_two_swapped_characters_are_noticed(kiosk: int, counter: int, a: int, b: int) -> None:
    code = list(new_id_code(kiosk, counter))
    if code[a] == code[b]:
        return
    code[a], code[b] = code[b], code[a]
    assert code_of(lambda: check_id_code("".join(code))) == Fault.ID_CODE_INVALID


@pytest.mark.parametrize("typed", ["000h-0000-01az", "OOOH OOOO OIAZ", "000H00000LAZ"])
def test_codes_may_be_typed_as_people_do(typed: str) -> None:
    assert check_id_code(typed) == "000H000001AZ"


@pytest.mark.parametrize("wrong", ["", "000H000001A", "000H000001AZ0", "000H000001A*"])
def test_what_is_no_code(wrong: str) -> None:
    assert code_of(lambda: check_id_code(wrong)) == Fault.ID_CODE_INVALID


def test_numbers_that_do_not_fit_a_code() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        new_id_code(MAX_KIOSK + 1, 0)


def test_a_broken_file_is_a_typed_error(tmp_path: Path) -> None:
    file = tmp_path / "numbers.sqlite"
    file.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(CertifyError) as caught:
        NumberStore(file)
    assert (caught.value.code, caught.value.retryable) == (Fault.NUMBERS_BROKEN, False)


def test_a_store_that_another_process_holds_can_be_tried_again(tmp_path: Path) -> None:
    store, other = (NumberStore(tmp_path / "numbers.sqlite") for _ in range(2))
    store._connection.set_busy_timeout(0)
    other._connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(CertifyError) as caught:
        store.burn("certificate", 2026, at=datetime.now(UTC))
    assert (caught.value.code, caught.value.retryable) == (Fault.NUMBERS_BROKEN, True)
    other._connection.execute("ROLLBACK")
    with pytest.raises(CertifyError) as caught:
        store.burn("certificate", 2026, at=datetime.now(UTC))
    assert caught.value.code == Fault.NUMBERS_EXHAUSTED
