"""Who gets in, who does not, and what a stranger can learn from trying."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher

from kiosk.portal import accounts as module
from kiosk.portal import logins as logins_module
from kiosk.portal import second_factor
from kiosk.portal.accounts import Accounts, May, Role, Staff, lock_after
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import Limit, Limits
from kiosk.portal.logins import Logins
from kiosk.portal.schema import open_database
from kiosk.portal.store import Store
from kiosk.portal.times import now
from tests.kiosk.portal.line import settings_in
from tests.kiosk.portal.people import PASSWORD, Person

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = settings_in(tmp_path)
    settings.state.mkdir()
    with closing(Store(open_database(settings))) as store:
        yield store


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store, b"s" * 32, "Xã Thử", Limits(store, b"s" * 32), QUICK)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Its one instant is now, for accounts and logins."""
    instants = [now()]
    for each in (module, logins_module, second_factor):
        monkeypatch.setattr(each, "now", lambda: instants[0])
    return instants


def person(accounts: Accounts, clock: list[datetime], role: Role = Role.OFFICER) -> Person:
    code = accounts.add("lan", "Lê Văn Thí Điểm", role, by="test")
    who = Person("lan", pyotp.parse_uri(accounts.begin("lan", code, PASSWORD)).secret)
    assert accounts.finish("lan", code, digits(who, clock))
    clock[0] += timedelta(minutes=1)
    return who


def digits(who: Person, clock: list[datetime]) -> str:
    return pyotp.TOTP(who.shared).at(clock[0])


def enter(accounts: Accounts, who: Person, clock: list[datetime], **changes: str) -> Staff:
    fields = {"name": "lan", "password": PASSWORD, "digits": digits(who, clock), "line": "10.0.0.1"}
    fields |= changes
    return accounts.log_in(**fields)


def fails(accounts: Accounts, who: Person, clock: list[datetime], **changes: str) -> None:
    with pytest.raises(RefusedError, match="name, password or digits"):
        enter(accounts, who, clock, **changes)


def test_password_and_digits_let_in(accounts: Accounts, clock: list[datetime]) -> None:
    who = person(accounts, clock)
    assert enter(accounts, who, clock) == Staff("lan", "Lê Văn Thí Điểm", Role.OFFICER)


@pytest.mark.parametrize(
    "changes", [{"password": "mật khẩu khác rồi"}, {"digits": "000000"}, {"name": "hoa"}]
)
def test_one_thing_wrong_keeps_out(
    accounts: Accounts, clock: list[datetime], changes: dict[str, str]
) -> None:
    fails(accounts, person(accounts, clock), clock, **changes)


def test_a_password_is_the_same_composed_and_decomposed(
    accounts: Accounts, clock: list[datetime]
) -> None:
    import unicodedata

    who = person(accounts, clock)
    assert enter(accounts, who, clock, password=unicodedata.normalize("NFD", PASSWORD))


def test_digits_are_good_once_and_for_a_slow_phone(
    accounts: Accounts, clock: list[datetime]
) -> None:
    who = person(accounts, clock)
    before = pyotp.TOTP(who.shared).at(clock[0], counter_offset=-1)
    assert enter(accounts, who, clock, digits=before)
    assert enter(accounts, who, clock)
    fails(accounts, who, clock)
    clock[0] += timedelta(seconds=90)
    fails(accounts, who, clock, digits=pyotp.TOTP(who.shared).at(clock[0], counter_offset=-2))


def test_wrong_tries_lock_for_ever_longer(accounts: Accounts, clock: list[datetime]) -> None:
    who = person(accounts, clock)
    for _ in range(5):
        fails(accounts, who, clock, password="mật khẩu khác rồi")
    fails(accounts, who, clock)  # right, but locked
    clock[0] += timedelta(seconds=31)
    fails(accounts, who, clock, password="mật khẩu khác rồi")
    clock[0] += timedelta(seconds=31)
    fails(accounts, who, clock)  # the second lock is longer
    clock[0] += timedelta(seconds=31)
    assert enter(accounts, who, clock)
    assert [lock_after(n).total_seconds() for n in (4, 5, 6, 7, 500)] == [0, 30, 60, 120, 3600]


def test_a_stranger_locks_out_nobody_else(accounts: Accounts, clock: list[datetime]) -> None:
    who = person(accounts, clock)
    device = accounts.device_of("lan")
    for _ in range(6):
        fails(accounts, who, clock, digits="000000", line="10.6.6.6")
    assert enter(accounts, who, clock)  # from another line
    clock[0] += timedelta(minutes=1)
    for _ in range(6):
        fails(accounts, who, clock, digits="000000")
    fails(accounts, who, clock)  # the same line
    assert enter(accounts, who, clock, device=device)  # the same line, the person's own browser


def test_a_browser_that_is_known_has_its_own_count(
    accounts: Accounts, clock: list[datetime]
) -> None:
    who = person(accounts, clock)
    device, other = accounts.device_of("lan"), accounts.device_of("lan")
    for _ in range(5):
        fails(accounts, who, clock, digits="000000", device=device)
    fails(accounts, who, clock, device=device, line="10.0.0.2")
    assert enter(accounts, who, clock, device=other)


def test_many_lines_guess_no_faster_than_one(
    accounts: Accounts, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PER_ACCOUNT", Limit("login.account", 3, 3600))
    who = person(accounts, clock)
    device = accounts.device_of("lan")
    for number in range(3):
        fails(accounts, who, clock, digits="000000", line=f"10.0.1.{number}")
    fails(accounts, who, clock, line="10.0.2.1")
    fails(accounts, who, clock, line="10.0.2.2", device=device[:-1] + "x")  # made up
    assert enter(accounts, who, clock, line="10.0.2.3", device=device)


def test_a_reset_forgets_browsers(accounts: Accounts, clock: list[datetime]) -> None:
    person(accounts, clock)
    device = accounts.device_of("lan")
    code = accounts.reset("lan", by="test")
    who = Person("lan", pyotp.parse_uri(accounts.begin("lan", code, PASSWORD)).secret)
    assert accounts.finish("lan", code, digits(who, clock))
    clock[0] += timedelta(minutes=1)
    for _ in range(5):
        fails(accounts, who, clock, digits="000000")
    fails(accounts, who, clock, device=device)


def test_success_forgives_earlier_tries(accounts: Accounts, clock: list[datetime]) -> None:
    who = person(accounts, clock)
    for _ in range(2):
        for _ in range(4):
            fails(accounts, who, clock, digits="000000")
        clock[0] += timedelta(minutes=1)
        assert enter(accounts, who, clock)


def test_an_unknown_name_costs_the_same_work(
    accounts: Accounts, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    who, verified = person(accounts, clock), []
    real = PasswordHasher.verify

    def counting(self: PasswordHasher, hash: str, password: str) -> bool:
        verified.append(hash)
        return bool(real(self, hash, password))

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    fails(accounts, who, clock, name="nobody")
    fails(accounts, who, clock, password="mật khẩu khác rồi")
    assert len(verified) == 2
    assert all(each.startswith("$argon2id$") for each in verified)


def test_an_enrolment_secret_is_good_once_and_three_days(
    accounts: Accounts, clock: list[datetime]
) -> None:
    code = accounts.add("hoa", "Phạm Thị Thử", Role.CHIEF, by="test")
    with pytest.raises(RefusedError):
        accounts.begin("hoa", code[:-1], PASSWORD)
    clock[0] += timedelta(hours=73)
    with pytest.raises(RefusedError):
        accounts.begin("hoa", code, PASSWORD)
    clock[0] -= timedelta(hours=2)
    who = Person("hoa", pyotp.parse_uri(accounts.begin("hoa", code, PASSWORD)).secret)
    assert not accounts.finish("hoa", code, "000000")
    assert accounts.finish("hoa", code, digits(who, clock))
    with pytest.raises(RefusedError):
        accounts.begin("hoa", code, "mật khẩu của kẻ khác")


def test_nobody_logs_in_before_the_second_factor_is_there(
    accounts: Accounts, clock: list[datetime]
) -> None:
    code = accounts.add("lan", "Lê Văn Thí Điểm", Role.OFFICER, by="test")
    who = Person("lan", pyotp.parse_uri(accounts.begin("lan", code, PASSWORD)).secret)
    fails(accounts, who, clock)


@pytest.mark.parametrize("weak", ["ngắn quá", "lan-lan-lan-lan", "x" * 300])
def test_a_weak_password_is_not_taken(accounts: Accounts, weak: str) -> None:
    code = accounts.add("lan", "Lê Văn Thí Điểm", Role.OFFICER, by="test")
    with pytest.raises(ValueError, match="weak"):
        accounts.begin("lan", code, weak)


def test_the_database_shows_no_secret(
    accounts: Accounts, store: Store, clock: list[datetime], tmp_path: Path
) -> None:
    who = person(accounts, clock)
    store.close()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "portal").glob("portal.db*"))
    assert b"staff.enrolled" in stored
    assert PASSWORD.encode() not in stored
    assert who.shared.encode() not in stored


def test_logins_end(accounts: Accounts, store: Store, clock: list[datetime]) -> None:
    who = person(accounts, clock)
    staff = enter(accounts, who, clock)
    logins = Logins(store, hours=1, idle_minutes=20)
    idle, used, left = logins.open(staff), logins.open(staff), logins.open(staff)
    logins.close(left)
    assert logins.staff_of(left) is None
    for _ in range(3):
        clock[0] += timedelta(minutes=19)
        assert logins.staff_of(used) == staff
    assert logins.staff_of(idle) is None
    clock[0] += timedelta(minutes=4)
    assert logins.staff_of(used) is None  # after an hour, however busy
    assert logins.staff_of("made up") is None


@pytest.mark.parametrize("change", ["reset", "disable"])
def test_a_changed_account_ends_its_logins(
    accounts: Accounts, store: Store, clock: list[datetime], change: str
) -> None:
    who = person(accounts, clock)
    logins = Logins(store, hours=1, idle_minutes=20)
    token = logins.open(enter(accounts, who, clock))
    getattr(accounts, change)("lan", by="test")
    assert logins.staff_of(token) is None
    clock[0] += timedelta(minutes=1)
    fails(accounts, who, clock)


def test_roles_hold_apart() -> None:
    staff = {role: Staff("x", "X", role) for role in Role}
    assert {role for role in Role if staff[role].may(May.DECIDE)} == {Role.OFFICER, Role.CHIEF}
    assert {role for role in Role if staff[role].may(May.EXPORT)} == {Role.CHIEF, Role.AUDITOR}
    assert not staff[Role.ADMIN].may(May.LOOK)
    assert {role for role in Role if staff[role].may(May.STAFF)} == {Role.ADMIN}


def test_the_last_administrator_stays(accounts: Accounts, clock: list[datetime]) -> None:
    role = Role.ADMIN
    person(accounts, clock, role)
    accounts.add("hoa", "Phạm Thị Thử", role, by="test")  # has never come, so cannot help
    with pytest.raises(RefusedError, match="last-administrator"):
        accounts.disable("lan", by="command-line")
    with pytest.raises(RefusedError, match="own-account"):
        accounts.disable("lan", by="lan")
    accounts.disable("hoa", by="lan")
    code = accounts.add("minh", "Đỗ Văn Mẫu", role, by="test")
    shared = pyotp.parse_uri(accounts.begin("minh", code, PASSWORD)).secret
    assert accounts.finish("minh", code, digits(Person("minh", shared), clock))
    accounts.disable("lan", by="minh")
