"""Somebody was handed a copy and scans its seal with a phone."""

from __future__ import annotations

import json
from pathlib import Path

from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from tests.kiosk.portal.browser.driver import Browser
from tests.kiosk.portal.browser.papers import diploma
from tests.kiosk.portal.browser.test_phone import readable
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestKiosk
from tests.kiosk.portal.soft_signers import SoftAuthority, contents_of
from tests.kiosk.portal.test_seal_pages import address_of

SLIP = "7K3M9QW2ZX"
PICTURES = "return [...document.images].map(each => each.naturalWidth)"


def test_a_seal_leads_to_the_book_the_pages_and_a_check_of_ones_own(
    phone: Browser,
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    desk: Desk,
    pictures: Path,
) -> None:
    answers = json.dumps({"applicant": APPLICANT, "slip_secret": SLIP}).encode()
    dossier = kiosk.dossier(contents={**contents_of(diploma()), "answers.json": answers})
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 1
    phone.open(address_of(portal, kiosk, dossier))
    phone.wait_for("có trong sổ chứng thực")
    readable(phone)
    phone.screenshot(pictures / "seal.png")
    phone.touch("input[name=secret]")
    phone.type(SLIP.lower())
    phone.touch("form button")
    phone.wait_for("Trang 1 / 1")
    assert phone.run(PICTURES) == [320]
    readable(phone)
    phone.screenshot(pictures / "pages.png")
    phone.touch("a.button")
    phone.wait_for("Mã kiểm tra hợp lệ: số 1")
    phone.screenshot(pictures / "own.png")
    assert phone.url.partition("#")[0] == f"{portal.address}/seal/"
    assert "HTTPS" not in phone.url
    assert authority.seal.key_id  # its bundle is the one that the page fetched
