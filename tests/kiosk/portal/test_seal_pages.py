"""Where seals lead: the truth for anybody and no more, and the pages for whoever has the slip."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import date, timedelta

import pytest
import requests
from PIL import Image

from certify.trust import load_anchor, load_bundle
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.seal_pages import thumbnail
from kiosk.portal.times import now, this_year
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import send
from tests.kiosk.portal.soft_signers import (
    SoftAuthority,
    contents_of,
    drawn_page,
    post_check_facts,
    seal_of,
)

SLIP = "7K3M9QW2ZX"


def look_up(portal: RunningPortal, seal: str) -> requests.Response:
    return requests.get(f"{portal.address}/V/{seal.partition('/V/')[2]}", timeout=10)


def test_the_seal_page_knows_a_copy_in_the_book(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 1
    seal = seal_of(kiosk.call("GET", f"{dossier.path}/copy").content)
    answer = look_up(portal, seal)
    assert answer.status_code == 200
    assert "có trong sổ chứng thực" in answer.text
    assert "Trần Thị Mẫu" not in answer.text


def test_the_seal_page_knows_a_copy_whose_dossier_is_still_offline(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    seal = seal_of(authority.post_check_copy(drawn_page()))
    assert look_up(portal, seal).status_code == 404  # no kiosk was ever given its number
    portal.inside.register.lease("kiosk-01", "certificate", this_year(), 2, timedelta(days=1))
    answer = look_up(portal, seal)
    assert answer.status_code == 200
    assert "chưa về tới cổng" in answer.text


def test_a_copy_that_never_came_is_good_until_its_day_and_no_longer(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    portal.inside.register.lease("kiosk-01", "certificate", this_year(), 2, timedelta(days=1))
    late = authority.post_check_copy(drawn_page(), inspect_by=date.today() - timedelta(days=2))  # noqa: DTZ011
    answer = look_up(portal, seal_of(late))
    assert answer.status_code == 404
    assert "quá hạn kiểm tra" in answer.text


def test_the_seal_page_knows_a_revoked_copy(
    portal: RunningPortal, authority: SoftAuthority
) -> None:
    copy = authority.post_check_copy(drawn_page())
    authority.publish(revoked=frozenset({post_check_facts(portal.settings).id_code}))
    answer = look_up(portal, seal_of(copy))
    assert answer.status_code == 404
    assert "đã bị thu hồi" in answer.text


def test_the_seal_page_knows_no_other_seal(portal: RunningPortal, authority: SoftAuthority) -> None:
    seal = seal_of(authority.post_check_copy(drawn_page()))
    other = SoftAuthority(portal.settings)  # a bundle without that seal key
    for text in (seal, seal[:-8], "HTTPS://X/V/AAAA"):
        answer = look_up(portal, text)
        assert answer.status_code == 404
        assert "không phải là mã" in answer.text
    assert other.seal.key_id != authority.seal.key_id


@pytest.fixture
def issued(kiosk: TestKiosk, client: DeskClient, desk: Desk) -> TestDossier:
    """With a secret on its slip."""
    answers = json.dumps({"applicant": APPLICANT, "slip_secret": SLIP}).encode()
    dossier = kiosk.dossier(contents={**contents_of(drawn_page()), "answers.json": answers})
    dossier.send()
    client.approve(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 1
    return dossier


def address_of(portal: RunningPortal, kiosk: TestKiosk, dossier: TestDossier) -> str:
    seal = seal_of(kiosk.call("GET", f"{dossier.path}/copy").content)
    return f"{portal.address}/V/{seal.partition('/V/')[2]}"


def pictures(page: str) -> list[bytes]:
    found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page)
    return [base64.b64decode(picture) for picture in found]


def test_pages_are_shown_to_whoever_has_the_slip_and_to_nobody_else(
    portal: RunningPortal, kiosk: TestKiosk, issued: TestDossier
) -> None:
    url = address_of(portal, kiosk, issued)
    anybody = requests.get(url, timeout=10)
    assert (anybody.status_code, pictures(anybody.text)) == (200, [])
    wrong = send(requests.Session(), url, url, secret="0" * 10)
    assert (wrong.status_code, pictures(wrong.text)) == (404, [])
    assert "Mã tra cứu không đúng" in wrong.text
    shown = send(requests.Session(), url, url, secret="7k3m9-qw2zx")
    (picture,) = pictures(shown.text)
    assert Image.open(io.BytesIO(picture)).size == (320, 452)
    assert "img-src data:" in shown.headers["Content-Security-Policy"]
    assert "Trần Thị Mẫu" not in shown.text


def test_nobody_tries_all_secrets(
    portal: RunningPortal, kiosk: TestKiosk, issued: TestDossier
) -> None:
    url = address_of(portal, kiosk, issued)
    session = requests.Session()
    answers = [send(session, url, url, secret=f"{number:010}") for number in range(11)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    assert send(session, url, url, secret=SLIP).status_code == 429


def test_a_revoked_copy_shows_no_pages(
    portal: RunningPortal, kiosk: TestKiosk, issued: TestDossier
) -> None:
    url = address_of(portal, kiosk, issued)
    reason = "Bản sao không đúng với bản chính"
    portal.inside.inspections.revoke(str(issued.id), reason, "Lê Văn Thí Điểm")
    answer = send(requests.Session(), f"{portal.address}/track", url, secret=SLIP)
    assert (answer.status_code, pictures(answer.text)) == (404, [])
    assert reason in answer.text


def test_a_thumbnail_is_for_telling_apart_and_not_for_reading() -> None:
    wide = io.BytesIO()
    Image.new("L", (3508, 2480), 200).save(wide, "JPEG")
    small = Image.open(io.BytesIO(thumbnail(wide.getvalue())))
    assert (small.size, small.format) == ((320, 226), "JPEG")


def test_the_portal_publishes_the_page_that_checks_by_itself_with_the_bundle_beside_it(
    portal: RunningPortal, authority: SoftAuthority
) -> None:
    away = requests.get(f"{portal.address}/seal", timeout=10, allow_redirects=False)
    assert (away.status_code, away.headers["Location"]) == (307, "/seal/"), "whatever the scheme"
    page = requests.get(f"{portal.address}/seal/", timeout=10)
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" in page.headers["Content-Security-Policy"]
    bundle = requests.get(f"{portal.address}/seal/bundle.cose", timeout=10)
    anchor = requests.get(f"{portal.address}/seal/anchor.pem", timeout=10)
    assert load_bundle(bundle.content, load_anchor(anchor.text), at=now()).serial == 1
    (portal.settings.trust_dir / "bundle.cose").unlink()
    missing = requests.get(f"{portal.address}/seal/bundle.cose", timeout=10)
    assert (missing.status_code, missing.json()["code"]) == (404, "intake.not-found")
    assert (
        authority.seal.key_id
        in load_bundle(bundle.content, load_anchor(anchor.text), at=now()).seal_keys
    )
