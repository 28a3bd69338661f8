"""Accounts in pages and on the command line: enrolling, logging in, roles, the administrator."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from kiosk.commands.servers import portal as portal_command
from kiosk.portal.accounts import Role
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import Limit
from kiosk.portal.second_factor import SecondFactor
from kiosk.portal.times import now
from tests.kiosk.portal.line import RunningPortal, TestKiosk, settings_in
from tests.kiosk.portal.people import PASSWORD, Person, enrolled, log_in, logged_in, send


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


def test_a_browser_is_known_after_a_login(
    portal: RunningPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = enrolled(portal.inside, "lan", Role.OFFICER)
    url = f"{portal.address}/login"
    with requests.Session() as known, requests.Session() as stranger:
        assert log_in(known, portal, who).ok
        for _ in range(6):
            send(stranger, url, url, name="lan", password="y", digits="000000")
        step = int(now().timestamp()) // 30
        monkeypatch.setattr(SecondFactor, "step", lambda *_: step + 2)  # digits not used yet
        fields = {"name": "lan", "password": PASSWORD, "digits": "123456"}
        assert send(stranger, url, url, **fields).status_code == 401
        assert send(known, url, url, **fields).url == f"{portal.address}/desk"


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

    monkeypatch.setattr(pages, "PER_ADDRESS", Limit("login.address", 3, 900))
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
        assert portal.secret not in answer.text
    finally:
        portal.tell_to_stop()
        stopping.append(portal)


def test_the_command_line_makes_accounts(tmp_path: Path) -> None:
    file = tmp_path / "portal.toml"
    settings_in(tmp_path)
    file.write_text(
        'state = "state"\nofficer = "Lê Văn Thí Điểm"\n'
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
