"""A citizen's phone: 360 pixels wide, a thumb, and eyes of seventy years."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.portal.accounts import Role
from tests.kiosk.portal.browser.driver import Browser
from tests.kiosk.portal.browser.entering import enter
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk

SLIP, CODE = "7K3M9QW2ZX", "H26.15-261124-0001"
TOO_WIDE = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALLEST_TEXT = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const sizes = [];
while (walker.nextNode())
  if (walker.currentNode.data.trim())
    sizes.push(parseFloat(getComputedStyle(walker.currentNode.parentElement).fontSize));
return Math.min(...sizes);
"""
SMALL_TARGETS = """
return [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
  .filter(each => each.checkVisibility())
  .map(each => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44).map(([html]) => html);
"""
PALE_TEXT = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!colour.endsWith(', 0)')) return colour;
  }
  return 'rgb(255, 255, 255)';
};
return [...document.querySelectorAll('body *')].filter(each => each.innerText?.trim())
  .map(each => [each.outerHTML, light(getComputedStyle(each).color), light(behind(each))])
  .map(([html, a, b]) => [html, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)])
  .filter(([, ratio]) => ratio < 7).map(([html]) => html);
"""


def sent(kiosk: TestKiosk) -> TestDossier:
    answers = {"applicant": APPLICANT, "slip_secret": SLIP}
    dossier = kiosk.dossier(contents={"answers.json": json.dumps(answers).encode()}, code=CODE)
    dossier.send()
    return dossier


def readable(phone: Browser) -> None:
    assert not phone.run(TOO_WIDE)
    assert phone.run(SMALLEST_TEXT) >= 16
    assert phone.run(SMALL_TARGETS) == []
    assert phone.run(PALE_TEXT) == []


def waiting(portal: RunningPortal, dossier: TestDossier) -> str:
    return "Đã nhận hồ sơ"


def missing(portal: RunningPortal, dossier: TestDossier) -> str:
    words = "Quét lại trang 2, góc dưới bên phải bị che. " + "Giấy" * 30
    portal.inside.cases.ask_for_more(str(dossier.id), words, "Lê Văn Thí Điểm")
    return "Quét lại trang 2"


def refused(portal: RunningPortal, dossier: TestDossier) -> str:
    reason = "Bản chính đóng dấu mật hoặc ghi rõ không được sao chụp"
    portal.inside.cases.refuse(str(dossier.id), reason, "Lê Văn Thí Điểm")
    return "không được nhận"


@pytest.mark.parametrize("happen", [waiting, missing, refused])
def test_a_citizen_asks_and_reads(
    phone: Browser,
    portal: RunningPortal,
    kiosk: TestKiosk,
    pictures: Path,
    happen: Callable[[RunningPortal, TestDossier], str],
) -> None:
    expected = happen(portal, sent(kiosk))
    phone.open(f"{portal.address}/track")
    readable(phone)
    phone.screenshot(pictures / "track.png")
    phone.touch("input[name=code]")
    phone.type(CODE)
    phone.touch("input[name=secret]")
    phone.type(SLIP.lower())
    phone.touch("button")
    phone.wait_for(expected)
    readable(phone)
    phone.screenshot(pictures / "tracked.png")


def test_the_code_on_the_slip_fills_the_form_and_leaves_the_address(
    phone: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    sent(kiosk)
    phone.open(f"{portal.address}/track#code={CODE}&secret={SLIP}")
    assert phone.run("return document.querySelector('[name=secret]').value") == SLIP
    assert phone.url == f"{portal.address}/track"
    phone.touch("button")
    phone.wait_for("Đã nhận hồ sơ")


def test_a_second_slip_in_the_same_tab_takes_the_first_ones_place(
    phone: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    sent(kiosk)
    phone.open(f"{portal.address}/track#code={CODE}&secret={SLIP}")
    phone.touch("button")
    phone.wait_for("Đã nhận hồ sơ")
    phone.run("location.hash = '#code=H26.15-261124-0002&secret=0123456789'")
    phone.wait_for("Hồ sơ của tôi đến đâu?")
    phone.screenshot(pictures / "second.png")
    assert phone.url == f"{portal.address}/track"
    assert "Đã nhận hồ sơ" not in phone.text()
    assert phone.run("return document.querySelector('[name=secret]').value") == "0123456789"
    readable(phone)
    phone.touch("button")
    phone.wait_for("Không tìm thấy hồ sơ")


def test_a_wrong_secret_is_told_kindly(
    phone: Browser, portal: RunningPortal, kiosk: TestKiosk, pictures: Path
) -> None:
    sent(kiosk)
    phone.open(f"{portal.address}/track#code={CODE}&secret=0000000000")
    phone.touch("button")
    phone.wait_for("Không tìm thấy hồ sơ")
    readable(phone)
    phone.screenshot(pictures / "wrong.png")


def test_a_result_and_a_link_that_ended(
    phone: Browser, portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    secret = portal.inside.offices.deliveries.new_link(str(dossier.id))
    phone.open(f"{portal.address}/result#secret={secret}")
    phone.wait_for("Tải kết quả")
    assert phone.run("return document.querySelector('[name=secret]').value") == secret
    assert phone.url == f"{portal.address}/result"
    readable(phone)
    phone.touch("button")  # no copy was issued
    phone.wait_for("không còn dùng được")
    readable(phone)


@pytest.mark.parametrize(
    "path", ["/desk", "/", "/register", "/statistics", "/fleet", "/deliveries"]
)
def test_lists_of_the_staff_fit_a_phone(
    phone: Browser, portal: RunningPortal, kiosk: TestKiosk, path: str, pictures: Path
) -> None:
    dossier = sent(kiosk)
    portal.inside.cases.approve(str(dossier.id), "at-the-desk", "Lê Văn Thí Điểm")
    enter(phone, portal, Role.CHIEF)
    phone.open(f"{portal.address}{path}")
    phone.screenshot(pictures / "list.png")
    assert not phone.run(TOO_WIDE)
    over = "const main = document.querySelector('main'); return main.scrollWidth - main.clientWidth"
    assert phone.run(over) <= 0


@pytest.mark.parametrize("path", ["/login", "/enrol"])
def test_staff_may_enter_by_phone(phone: Browser, portal: RunningPortal, path: str) -> None:
    phone.open(f"{portal.address}{path}")
    readable(phone)
