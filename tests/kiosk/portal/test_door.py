"""What comes through the door: whose address counts, and what a stranger may make us work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from kiosk.portal import pages
from kiosk.portal.limits import Limit
from tests.kiosk.portal.line import RunningPortal, settings_in
from tests.kiosk.portal.people import form_token

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
