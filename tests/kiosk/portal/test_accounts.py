"""Who gets in, who does not, and what a stranger can learn from trying."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pyotp
import pytest
import requests
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from kiosk.commands.servers import portal as portal_command
from kiosk.portal import accounts as module
from kiosk.portal import logins as logins_module
from kiosk.portal.accounts import Accounts, May, Role, Staff, lock_after
from kiosk.portal.errors import RefusedError
from kiosk.portal.logins import Logins
from kiosk.portal.schema import open_database
from kiosk.portal.store import Store
from kiosk.portal.times import now
from tests.kiosk.portal.line import SECRET, RunningPortal, TestKiosk, settings_in
from tests.kiosk.portal.people import PASSWORD, Person, enrolled, log_in, logged_in, send

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = settings_in(tmp_path)
    settings.state.mkdir()
    with closing(Store(open_database(settings))) as store:
        yield store


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store, b"s" * 32, "Xã Thử", QUICK)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Its one instant is now, for accounts and logins."""
    instants = [now()]
    for each in (module, logins_module):
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
    fields = {"name": "lan", "password": PASSWORD, "digits": digits(who, clock)} | changes
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


# In pages


def test_enrolling_in_the_page(portal: RunningPortal) -> None:
    code = portal.inside.offices.accounts.add("lan", "Lê Văn Thí Điểm", Role.OFFICER, by="test")
    url = f"{portal.address}/enrol"
    with requests.Session() as session:
        fields = {"name": "lan", "code": code, "password": PASSWORD}
        failed = send(session, url, url, **fields, again="khác")
        assert failed.status_code == 422
        for kept in ("lan", code):  # 26 letters are typed once
            assert f'value="{kept}"' in failed.text
        assert PASSWORD not in failed.text
        answer = send(session, url, url, **fields, again=PASSWORD)
        assert "<svg" in answer.text
        shared = answer.text.partition('class="shared">')[2].partition("<")[0].replace(" ", "")
        who = Person("lan", shared)
        digits_url = f"{url}/digits"
        wrong = send(session, url, digits_url, name="lan", code=code, digits="000000")
        assert wrong.status_code == 422
        assert shared in wrong.text.replace(" ", "")  # the same authenticator still counts
        done = send(session, url, digits_url, name="lan", code=code, digits=who.digits())
        assert done.url == f"{portal.address}/login"
        assert log_in(session, portal, who).url == f"{portal.address}/desk"


def test_the_login_cookie_is_out_of_reach(portal: RunningPortal) -> None:
    with logged_in(portal, "lan", Role.OFFICER) as session:
        (cookie,) = [cookie for cookie in session.cookies if cookie.name == "desk"]
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite", "").lower() == "strict"


def test_a_login_form_of_another_page_is_refused(portal: RunningPortal) -> None:
    who = enrolled(portal.inside, "lan", Role.OFFICER)
    fields = {"name": who.name, "password": PASSWORD, "digits": who.digits(1)}
    bare = requests.post(f"{portal.address}/login", data=fields, timeout=10)
    assert bare.status_code == 401
    with requests.Session() as session:
        session.get(f"{portal.address}/login", timeout=10)
        forged = {**fields, "form_token": "0" * 64}
        assert session.post(f"{portal.address}/login", data=forged, timeout=10).status_code == 401
        assert "desk" not in session.cookies
        assert log_in(session, portal, who).ok


def test_many_tries_from_one_line_are_stopped(
    portal: RunningPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiosk.portal import pages

    monkeypatch.setattr(pages, "PER_ADDRESS", pages.Limit("login.address", 3, 900))
    url = f"{portal.address}/login"
    with requests.Session() as session:
        tries = [
            send(session, url, url, name="x", password="y", digits="000000").status_code
            for _ in range(4)
        ]
    assert tries == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("role", "open_pages"),
    [
        (Role.OFFICER, {"/desk", "/", "/register", "/deliveries", "/statistics", "/fleet"}),
        (Role.AUDITOR, {"/desk", "/", "/register", "/deliveries", "/statistics"}),
        (Role.ADMIN, {"/statistics", "/fleet", "/staff"}),
    ],
)
def test_pages_are_for_their_roles(portal: RunningPortal, role: Role, open_pages: set[str]) -> None:
    paths = ("/desk", "/", "/register", "/deliveries", "/statistics", "/fleet", "/staff")
    with logged_in(portal, "hoa", role) as session:
        got = {path: session.get(f"{portal.address}{path}", timeout=10) for path in paths}
        assert {path for path, answer in got.items() if answer.ok} == open_pages
        assert {answer.status_code for answer in got.values()} <= {200, 403}
        shown = got["/statistics"].text
        assert all((f'href="{path}"' in shown) == (path in open_pages) for path in paths)


def test_an_auditor_looks_and_decides_nothing(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.send()
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "hoa", Role.AUDITOR) as session:
        assert "Duyệt và cấp số" not in session.get(case, timeout=10).text
        answer = send(session, case, f"{case}/approve", original_seen="at-the-desk")
        assert answer.status_code == 403
    assert dossier.state()["processing"] == 1


def test_an_administrator_keeps_accounts_in_the_page(portal: RunningPortal) -> None:
    url = f"{portal.address}/staff"
    with logged_in(portal, "hoa", Role.ADMIN) as session:
        made = send(session, url, url, name="minh", full_name="Đỗ Văn Mẫu", role="officer")
        code = made.text.partition('class="shared">')[2].partition("<")[0]
        assert portal.inside.offices.accounts.begin("minh", code, PASSWORD)
        again = send(session, url, url, name="minh", full_name="Đỗ Văn Mẫu", role="officer")
        assert "Tên đã có" in again.text
        assert send(session, url, f"{url}/minh/disable").ok
        assert "/staff/hoa/disable" not in session.get(url, timeout=10).text
        assert send(session, url, f"{url}/hoa/disable").status_code == 409
        assert send(session, url, f"{url}/nobody/reset").status_code == 404
        page = session.get(url, timeout=10).text
    assert "Đã ngừng" in page
    assert "Ngừng tài khoản" in page
    assert "staff." not in page
    with pytest.raises(RefusedError):
        portal.inside.offices.accounts.begin("minh", code, PASSWORD)


def test_the_machine_secret_decides_nothing(tmp_path: Path, stopping: list[RunningPortal]) -> None:
    portal = RunningPortal(settings_in(tmp_path, scripted_officer=False))
    try:
        kiosk = TestKiosk(portal, "kiosk-01")
        kiosk.enrol()
        dossier = kiosk.dossier()
        dossier.send()
        answer = portal.desk(
            "POST", f"/cases/{dossier.id}/approve", json={"original_seen": "at-the-desk"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "desk.not-your-role")
        assert portal.desk("GET", "/cases").ok
        assert SECRET not in answer.text
    finally:
        portal.tell_to_stop()
        stopping.append(portal)


def test_the_command_line_makes_accounts(tmp_path: Path) -> None:
    file = tmp_path / "portal.toml"
    settings_in(tmp_path)
    file.write_text(
        'state = "state"\nofficer = "Lê Văn Thí Điểm"\ndesk_token_file = "desk.token"\n'
        'enrolment_codes_file = "codes"\ntrust_dir = "trust"\n'
    )

    def run(*arguments: str) -> Result:
        command = ["staff", *arguments, "--settings", str(file)]
        return CliRunner().invoke(portal_command, command)

    made = run("add", "lan", "--role", "officer", "--full-name", "Lê Văn Thí Điểm")
    assert len(made.stdout.strip()) == 26
    assert run("add", "lan", "--role", "admin", "--full-name", "Ai đó").exit_code != 0
    assert run("list").stdout == "lan officer waiting\n"
    assert run("disable", "lan").exit_code == 0
    assert run("list").stdout == "lan officer disabled\n"
    assert len(run("reset", "lan").stdout.strip()) == 26
    assert run("list").stdout == "lan officer waiting\n"
