"""What a desk tells the portal: that it is at work, and what it could not sign."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kiosk.portal import desks
from kiosk.portal.accounts import Role
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import PortalError
from tests.kiosk.portal.line import RunningPortal, TestKiosk
from tests.kiosk.portal.people import logged_in, send
from tests.kiosk.portal.soft_signers import contents_of, drawn_page


def test_what_a_desk_could_not_sign_is_shown_and_tried_again(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = kiosk.dossier()  # its page is not a picture
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 0
    assert client.approved() == []  # it is not tried for ever
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        case = f"{portal.address}/desk/{dossier.id}"
        for page in (f"{portal.address}/desk", case):
            text = browser.get(page, timeout=10).text
            assert "ưa ký được" in text
            assert "certify.page-unreadable" in text
        assert send(browser, case, f"{case}/again").ok
    assert client.approved() == [str(dossier.id)]
    assert portal.inside.offices.desks.troubles() == {}


def test_a_desk_that_is_not_at_work_is_told_to_the_officer(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        pages = (f"{portal.address}/desk", f"{portal.address}/desk/{dossier.id}")

        def told() -> list[bool]:
            return ["chưa chạy" in browser.get(page, timeout=10).text for page in pages]

        assert told() == [True, True]
        desk.beat()
        assert told() == [False, False]


def test_a_desk_tells_of_its_own_cases_only(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient
) -> None:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    with pytest.raises(PortalError, match=r"desk\.not-found"):
        client.not_signed(str(dossier.id), "certify.page-unreadable")
    client.approve(str(dossier.id), "at-the-desk")
    with pytest.raises(PortalError, match=r"intake\.bad-request"):
        client.not_signed(str(dossier.id), "Trần Thị Mẫu")


def test_an_officer_is_there_as_long_as_the_desk_says_so(
    kiosk: TestKiosk, client: DeskClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attended() -> bool:
        return bool(kiosk.call("GET", "/v1/office").json()["attended"])

    assert not attended()
    desk.beat()
    assert attended()
    told: list[None] = []
    monkeypatch.setattr(client, "beat", lambda: told.append(None))
    desk.beat()
    assert told == []  # not with every look at the list
    later = datetime.now(UTC) + desks.PRESENT_FOR
    monkeypatch.setattr(desks, "now", lambda: later)
    assert not attended()
