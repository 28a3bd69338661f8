"""An officer at a real browser, without a mouse."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from certify.pages import encode_text
from kiosk.portal.accounts import Role, Staff
from kiosk.portal.desk_api import approve_as
from offline_queue.manifest import Applicant, Fee
from tests.kiosk.portal.browser.driver import Browser
from tests.kiosk.portal.browser.entering import enter
from tests.kiosk.portal.browser.papers import diploma
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import NAMES, PASSWORD, enrolled
from tests.kiosk.portal.soft_signers import SoftAuthority, post_check

WHO = ("Trần Thị Mẫu", "001192000000", "Tự khai", "4.000 đ", "Nhận tại quầy", "kiosk-01")
IN_SIGHT = """
const inside = (box, frame) => box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1
  && box.left >= frame.left - 1 && box.right <= frame.right + 1;
const isSeen = (range) => {
  const box = range.getBoundingClientRect();
  const screen = {top: 0, left: 0, bottom: innerHeight, right: innerWidth};
  if (!box.height || !inside(box, screen)) return false;
  for (let each = range.commonAncestorContainer.parentElement; each; each = each.parentElement)
    if (getComputedStyle(each).overflowY !== 'visible' && each !== document.documentElement
        && !inside(box, each.getBoundingClientRect())) return false;
  return true;
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, start = text.data.indexOf(arguments[0]);
  if (start < 0) continue;
  const range = document.createRange();
  range.setStart(text, start);
  range.setEnd(text, start + arguments[0].length);
  if (isSeen(range)) return true;
}
return false;
"""
"""Is this text on the screen, with nothing of it cut off by a pane that scrolls?"""
BROKEN = """
return [...document.querySelectorAll('td.whole, a.row')].filter(each => !each.querySelector('br'))
  .filter(each => { const range = document.createRange(); range.selectNodeContents(each);
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1; })
  .map(each => each.innerText);
"""
NO_SCROLLING = "return document.documentElement.scrollHeight <= innerHeight"
FOCUS = "return document.activeElement.innerText || document.activeElement.value || ''"


def sent(kiosk: TestKiosk, number: int = 1, confidence: int = 93, **changes: Any) -> TestDossier:
    pages = [diploma(confidence)]
    contents = {
        "answers.json": json.dumps({"applicant": APPLICANT}).encode(),
        "page-001.jpg": pages[0].jpeg,
        "text.json": encode_text(pages),
    }
    dossier = kiosk.dossier(contents=contents, code=f"H26.15-261124-{number:04}", **changes)
    dossier.send()
    return dossier


def focused(browser: Browser) -> str:
    return str(browser.run(FOCUS))


def test_from_login_to_approval_by_keyboard_alone(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    first, second = sent(kiosk), sent(kiosk, 2)
    person = enrolled(portal.inside, "lan", Role.OFFICER)
    desktop.open(f"{portal.address}/login")
    desktop.screenshot(pictures / "login.png")
    desktop.type("lan")
    desktop.press("Tab")
    desktop.type(PASSWORD)
    desktop.press("Tab")
    desktop.type(person.digits(1))
    desktop.press("Enter")
    desktop.wait_for("Chờ đối chiếu")
    desktop.screenshot(pictures / "desk.png")
    desktop.press("n")
    desktop.wait_for("Duyệt và cấp số")
    assert desktop.url == f"{portal.address}/desk/{first.id}"
    desktop.press("2", "Enter")
    desktop.wait_for("Đang xử lý, số chứng thực 01")
    assert first.state()["processing"] == 4
    assert desktop.url.startswith(f"{portal.address}/desk/{second.id}")  # the next one, at once
    held = portal.inside.store.dossier(str(first.id))
    assert held is not None
    assert held.original_seen == "at-the-desk"
    assert held.facts is not None
    assert json.loads(held.facts)["officer"] == NAMES["lan"]


def test_nothing_is_approved_before_the_officer_says_how_it_was_seen(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("Enter")
    assert desktop.url == f"{portal.address}/desk/{dossier.id}"
    assert dossier.state()["processing"] == 2  # opened, and no more


def test_tab_alone_reaches_every_decision(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    seen = []
    for _ in range(5):
        desktop.press("Tab")
        seen.append(focused(desktop))
    reached = "\n".join(seen)
    for words in ("Duyệt và cấp số", "Bổ sung", "Từ chối"):
        assert words in reached


def test_refusing_by_keyboard(desktop: Browser, portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("t", "Down", "Tab", "Enter")
    desktop.wait_for("Không có hồ sơ nào đang chờ")
    state = dossier.state()
    assert (state["processing"], state["note"]) == (
        3,
        "Bản chính bị hư hỏng, không đọc được nội dung",
    )


def test_asking_for_a_rescan_by_keyboard(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("b")
    desktop.type("Quét lại, trang 1 mờ.")  # its letters are text, not decisions
    desktop.press("Tab", "Enter")
    desktop.wait_for("Chờ công dân bổ sung")
    state = dossier.state()
    assert (state["processing"], state["note"]) == (5, "Quét lại, trang 1 mờ.")


def test_a_duty_and_its_receipt_by_keyboard(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("p")
    desktop.type("Nộp 1.200.000 đ tại kho bạc.")
    desktop.screenshot(pictures / "duty.png")
    desktop.press("Tab", "Enter")
    desktop.wait_for("Chờ công dân nộp tiền")
    assert dossier.state()["processing"] == 6
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.type("BL-000123")
    desktop.press("Enter")
    desktop.wait_for("Duyệt và cấp số")
    assert dossier.state()["processing"] == 2


def test_a_withdrawal_by_keyboard(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("r", "Tab")
    desktop.type("Công dân không cần nữa.")
    desktop.press("Tab", "Enter")
    desktop.wait_for("Không có hồ sơ nào đang chờ")
    assert dossier.state()["processing"] == 7


def issued(portal: RunningPortal, kiosk: TestKiosk, **facts: Any) -> TestDossier:
    """By the kiosk itself; an officer has yet to inspect it."""
    return post_check(kiosk, SoftAuthority(portal.settings), **facts)


def test_inspecting_a_copy_by_keyboard(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    dossier = issued(portal, kiosk, inspect_by=date(2026, 1, 5))
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk")
    desktop.wait_for("1 quá hạn")
    desktop.screenshot(pictures / "overdue.png")
    desktop.press("n")
    desktop.wait_for("Xác nhận và ký")
    desktop.screenshot(pictures / "inspect.png")
    assert desktop.run(NO_SCROLLING)
    for words in ("Trần Thị Mẫu", "Xem bản sao", "Quá hạn", "Xác nhận và ký", "Thu hồi"):
        assert desktop.run(IN_SIGHT, words), words
    desktop.press("Enter")  # nobody has said how the original was seen
    assert portal.inside.inspections.may_inspect(portal.inside.cases.case(str(dossier.id)))
    desktop.press("2", "Enter")
    desktop.wait_for("Đã duyệt, đang ký")
    attested = portal.inside.attestations.of(str(dossier.id))
    assert attested is not None
    assert attested.original_seen == "at-the-desk"


def test_revoking_a_copy_by_keyboard(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    dossier = issued(portal, kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("h", "Escape", "h", "Down", "Down", "Tab", " ", "Tab")
    assert desktop.run(NO_SCROLLING)
    desktop.screenshot(pictures / "revoke.png")
    desktop.press("Enter")
    desktop.wait_for("Bản sao đã bị thu hồi lúc")
    desktop.screenshot(pictures / "revoked.png")
    assert dossier.state()["note"] == "Bản chính bị hư hỏng, không đọc được nội dung"


def test_what_could_not_be_signed_is_told_and_signed_again_by_keyboard(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    lan = Staff("lan", NAMES["lan"], Role.OFFICER)
    approve_as(portal.inside, lan, str(dossier.id), "at-the-desk")
    desks = portal.inside.offices.desks
    desks.not_signed(str(dossier.id), "certify.signer-refused")
    desktop.open(f"{portal.address}/desk")
    desktop.wait_for("Thiết bị ký không nhận mã PIN")
    desktop.screenshot(pictures / "not-signed.png")
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.wait_for("chưa ký được")
    desktop.screenshot(pictures / "again.png")
    desktop.press("l")
    desktop.wait_for("Đang xử lý")
    assert desks.trouble(str(dossier.id)) is None


def test_escape_leads_back_and_changes_nothing(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("t", "Escape", "Escape")
    desktop.wait_for("Chờ đối chiếu")
    assert dossier.state()["processing"] == 2  # opened, and no more


def test_an_open_panel_takes_the_keys_and_closing_it_gives_them_back(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.press("r", "Tab", "Tab", "2")  # on the button, where no letter is typed
    ticked = "return document.querySelectorAll('input:checked').length"
    assert desktop.run(ticked) == 0
    desktop.press("Escape", "Enter")
    assert desktop.run("return document.querySelectorAll('[open]').length") == 0
    desktop.press("2", "Enter")
    desktop.wait_for("số chứng thực 01")
    assert dossier.state()["processing"] == 4


def test_the_case_shows_all_an_officer_needs_at_once(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    dossier = sent(
        kiosk,
        confidence=41,
        clock_trusted=False,
        applicants=(Applicant(grade="claimed", method="qr-card", face_match=False),),
        fee=Fee(rule="tt226", amount=4000, state="due-at-desk"),
    )
    enter(desktop, portal)
    desktop.open(f"{portal.address}/desk/{dossier.id}")
    desktop.screenshot(pictures / "case.png")
    assert desktop.run("return innerHeight") <= 640  # what a browser leaves of 768
    for words in (
        *WHO, "BẰNG TỐT NGHIỆP", "Trang 1 khó đọc (41 %)", "Đồng hồ của kiosk",
        "Chưa xác thực người yêu cầu", "Thu lệ phí 4.000 đ", "Duyệt và cấp số",
    ):  # fmt: skip
        assert desktop.run(IN_SIGHT, words), words
    image = "return document.querySelector('.sheet img').naturalWidth"
    assert desktop.run(image) == 827
    assert desktop.run(NO_SCROLLING)
    desktop.open(f"{portal.address}/desk/{dossier.id}?after={dossier.id}")  # with the banner
    for key in "btpr":
        desktop.press(key)
        assert desktop.run(NO_SCROLLING), key
        bottom = "return document.querySelector('[open] button').getBoundingClientRect().bottom"
        assert desktop.run(bottom) <= desktop.run("return innerHeight"), key
        desktop.screenshot(pictures / f"panel-{key}.png")
        assert all(desktop.run(IN_SIGHT, words) for words in WHO), key
        desktop.press("Escape")
    box = "return document.querySelector('%s').getBoundingClientRect().%s"
    assert desktop.run(box % ("h1", "top")) >= 0
    assert desktop.run(box % ("details:last-of-type", "bottom")) <= desktop.run(
        "return innerHeight"
    )


@pytest.mark.parametrize(
    "path", ["/desk", "/", "/register", "/deliveries", "/statistics", "/fleet"]
)
def test_pages_break_no_rule_of_their_own(
    desktop: Browser, portal: RunningPortal, kiosk: TestKiosk, path: str, pictures: Path
) -> None:
    """What the content security policy stops would be missing; nothing may overflow, and no code
    or date of a list stands on two lines."""
    note = "Quét lại trang 2, góc dưới bên phải bị che, và mang theo bản chính đã đóng dấu."
    portal.inside.store.change(str(sent(kiosk).id), note=note)
    approved = sent(kiosk, 2)
    portal.inside.cases.approve(str(approved.id), "at-the-desk", NAMES["lan"])
    enter(desktop, portal, Role.CHIEF)
    desktop.open(f"{portal.address}{path}")
    desktop.screenshot(pictures / "page.png")
    assert desktop.run("return document.documentElement.scrollWidth <= innerWidth")
    assert desktop.run(BROKEN) == []
    font = "return document.fonts.ready.then(() => document.fonts.check('16px \"Be Vietnam Pro\"'))"
    assert desktop.run(font)
    assert (
        desktop.run("return getComputedStyle(document.body).backgroundColor")
        == "rgb(251, 246, 236)"
    )
