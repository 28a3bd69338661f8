"""Pages for staff stay closed to others."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from kiosk.portal.accounts import Role
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import logged_in
from tests.kiosk.portal.soft_signers import contents_of, drawn_page


@pytest.fixture
def browser(portal: RunningPortal) -> Iterator[requests.Session]:
    """Logged in, as an officer's is."""
    with logged_in(portal, "lan", Role.OFFICER) as session:
        yield session


def sent(kiosk: TestKiosk) -> TestDossier:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    return dossier


def show(browser: requests.Session, portal: RunningPortal, path: str) -> str:
    answer = browser.get(f"{portal.address}{path}", timeout=10)
    answer.raise_for_status()
    return answer.text


def press(
    browser: requests.Session, portal: RunningPortal, case: str, action: str, **fields: str
) -> requests.Response:
    """Fill in a form of the case's page and send it."""
    found = re.search(r'name="form_token" value="(\w+)"', show(browser, portal, case))
    assert found
    data = {"form_token": found[1]} | fields
    return browser.post(f"{portal.address}{case}/{action}", data=data, timeout=10)


def test_pages_lead_a_stranger_to_the_login(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    for path in ("/", "/desk", "/register", f"/desk/{dossier.id}"):
        answer = requests.get(f"{portal.address}{path}", timeout=10)
        assert answer.url == f"{portal.address}/login"
        assert dossier.manifest.code not in answer.text


def test_page_images_are_not_for_strangers(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    api = f"{portal.address}/desk/api/cases/{dossier.id}/pages/page-001.jpg"
    assert requests.get(api, timeout=10).status_code == 401
    page = f"{portal.address}/desk/{dossier.id}/pages/page-001.jpg"
    assert requests.get(page, timeout=10).url == f"{portal.address}/login"


def test_the_list_shows_dossiers_and_calls(
    portal: RunningPortal, kiosk: TestKiosk, browser: requests.Session
) -> None:
    dossier = sent(kiosk)
    kiosk.call("POST", "/v1/staff-calls", b'{"reason": "device.scanner.jam"}')
    page = show(browser, portal, "/")
    assert dossier.manifest.code in page
    assert "Mới tiếp nhận" in page
    assert "device.scanner.jam" in page


def test_an_officer_approves_in_the_page(
    portal: RunningPortal, kiosk: TestKiosk, browser: requests.Session
) -> None:
    dossier = sent(kiosk)
    case = f"/desk/{dossier.id}"
    page = show(browser, portal, case)
    assert "Trần Thị Mẫu" in page
    assert "BẰNG TỐT NGHIỆP" in page
    image = browser.get(f"{portal.address}{case}/pages/page-001.jpg", timeout=10)
    assert image.content == drawn_page().jpeg
    assert press(browser, portal, case, "approve", original_seen="at-the-desk").ok
    assert dossier.state()["processing"] == 4
    assert "Trần Thị Mẫu" in show(browser, portal, "/register")
    assert "tại quầy" in show(browser, portal, case)


def test_an_officer_refuses_in_the_page(
    portal: RunningPortal, kiosk: TestKiosk, browser: requests.Session
) -> None:
    dossier = sent(kiosk)
    reason = "Bản chính bị hư hỏng, không đọc được nội dung"
    assert press(browser, portal, f"/desk/{dossier.id}", "refuse", reason=reason).ok
    state = dossier.state()
    assert (state["processing"], state["note"]) == (3, reason)


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("approve", {"original_seen": "not-seen"}),
        ("approve", {}),
        ("refuse", {"reason": "vì không thích"}),
        ("approve", {"original_seen": "at-the-desk", "form_token": "0" * 64}),
        ("refuse", {"form_token": ""}),
    ],
)
def test_a_form_that_is_not_right_changes_nothing(
    portal: RunningPortal,
    kiosk: TestKiosk,
    browser: requests.Session,
    action: str,
    fields: dict[str, str],
) -> None:
    dossier = sent(kiosk)
    assert not press(browser, portal, f"/desk/{dossier.id}", action, **fields).ok
    assert dossier.state()["processing"] == 2  # opened, and no more


def test_names_are_not_markup(
    portal: RunningPortal, kiosk: TestKiosk, browser: requests.Session
) -> None:
    hostile = drawn_page("<script>alert(1)</script>")
    dossier = kiosk.dossier(contents=contents_of(hostile))
    dossier.send()
    page = show(browser, portal, f"/desk/{dossier.id}")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_logging_out_ends_it(portal: RunningPortal, browser: requests.Session) -> None:
    found = re.search(r'name="form_token" value="(\w+)"', show(browser, portal, "/"))
    assert found
    browser.post(f"{portal.address}/logout", data={"form_token": found[1]}, timeout=10)
    answer = browser.get(f"{portal.address}/", timeout=10)
    assert answer.url == f"{portal.address}/login"
