"""What comes through the door: whose address counts, and what a stranger may make us work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import requests

from kiosk.portal import pages
from kiosk.portal.accounts import Role
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import Limit
from offline_queue.intake import CodeAsk
from tests.kiosk.portal.line import RunningPortal, TestKiosk, problem, settings_in
from tests.kiosk.portal.people import form_token, logged_in, send

Opening = Callable[..., RunningPortal]


@pytest.fixture
def opened(tmp_path: Path, stopping: list[RunningPortal]) -> Iterator[Opening]:
    """A portal with the given settings."""
    running: list[RunningPortal] = []

    def start(**settings: Any) -> RunningPortal:
        running.append(RunningPortal(settings_in(tmp_path, **settings)))
        return running[-1]

    yield start
    for portal in running:
        portal.tell_to_stop()
        stopping.append(portal)


def tries(portal: RunningPortal, addresses: list[str]) -> list[int]:
    """A login from each address, as the header claims it."""
    url = f"{portal.address}/login"
    with requests.Session() as session:
        token = form_token(session, url)
        data = {"form_token": token, "name": "x", "password": "y", "digits": "000000"}
        return [
            session.post(
                url, data=data, headers={"X-Forwarded-For": address}, timeout=10
            ).status_code
            for address in addresses
        ]


@pytest.fixture
def two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PER_ADDRESS", Limit("login.address", 2, 900))


@pytest.mark.usefixtures("two_tries")
def test_a_caller_cannot_choose_its_address(opened: Opening) -> None:
    assert tries(opened(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) == [401, 401, 429]


@pytest.mark.usefixtures("two_tries")
def test_behind_our_proxy_each_line_counts_alone(opened: Opening) -> None:
    portal = opened(trusted_proxies=("127.0.0.1",))
    assert tries(portal, ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"]) == [401, 401, 429, 401]
    # The proxy adds what it saw behind what the caller claimed.
    assert tries(portal, ["10.9.9.9, 10.0.0.1"]) == [429]


@pytest.mark.parametrize(("address", "secure"), [("https://x.example", True), ("http://x", False)])
def test_cookies_are_secure_where_people_come_by_tls(
    opened: Opening, address: str, secure: bool
) -> None:
    answer = requests.get(f"{opened(public_address=address).address}/login", timeout=10)
    assert [cookie.secure for cookie in answer.cookies] == [secure]


@pytest.mark.parametrize(
    ("body", "status"),
    [("name=" + "a" * 16_384, 413), ("&".join(["a=1"] * 33), 400), ("a=1", 401)],
)
def test_a_form_is_small(opened: Opening, body: str, status: int) -> None:
    url = f"{opened().address}/login"
    assert requests.post(url, data=body, timeout=10).status_code == status


def test_no_nul_reaches_the_database(portal: RunningPortal, kiosk: TestKiosk) -> None:
    for path in ("/desk/%00", "/?before=%00", "/V/%00", "/desk/next?after=a%00"):
        assert requests.get(f"{portal.address}{path}", timeout=10).status_code == 404
    url = f"{portal.address}/login"
    with requests.Session() as stranger:
        assert send(stranger, url, url, name="a\0b").status_code == 400
    dossier = kiosk.dossier()
    dossier.send()
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as officer:
        assert send(officer, case, f"{case}/fee", reference="\0").status_code == 400
    refusal = {"reason": "a\0b"}
    answer = portal.desk("POST", f"/cases/{dossier.id}/refuse", json=refusal)
    assert problem(answer) == (400, "intake.bad-request")


def test_calls_at_once_send_one_message(portal: RunningPortal) -> None:
    """To nobody: no gateway is set. Who may send is told so, the others come too early."""
    asked = CodeAsk(channel="sms", to="0900000000", language="vi")

    def told(kiosk: str) -> str:
        with pytest.raises(RefusedError) as caught:
            portal.inside.confirmations.send(kiosk, asked)
        return caught.value.code

    with ThreadPoolExecutor(1) as pool:
        with portal.inside.store.transaction():
            first = told("kiosk-01")
            second = pool.submit(told, "kiosk-02")
            wait([second], timeout=0.5)  # it must not get past the first, which is under way
        assert (first, second.result(10)) == ("intake.unavailable", "intake.too-many")
