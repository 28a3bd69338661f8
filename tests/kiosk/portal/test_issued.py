"""A kiosk gets the picture of an issued page for the seal's whole text, and for nothing less."""

from __future__ import annotations

import base64
import io
import json
from datetime import timedelta

import pytest
import requests
from PIL import Image

from certify.picture import picture_of
from kiosk.portal import issued
from kiosk.portal.accounts import Role, Staff
from kiosk.portal.limits import Limit
from kiosk.portal.times import this_year
from tests.kiosk.portal.line import RunningPortal, TestKiosk, problem
from tests.kiosk.portal.soft_signers import (
    SoftAuthority,
    contents_of,
    drawn_page,
    post_check_facts,
    seal_of,
)

_APART = round(69.5 / 25.4 * 200)
"""Pixels between the officer's field and the agency's."""


@pytest.fixture
def authority(portal: RunningPortal) -> SoftAuthority:
    return SoftAuthority(portal.settings)


@pytest.fixture
def copy(portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority) -> bytes:
    """Issued at a kiosk, and arrived."""
    portal.inside.register.lease("kiosk-01", "certificate", this_year(), 9, timedelta(days=1))
    page = drawn_page()
    pdf = authority.post_check_copy(page)
    dossier = kiosk.dossier(contents=contents_of(page, pdf), mode="post-check")
    dossier.send()
    assert dossier.state()["number"] == "01"
    return pdf


def ask(kiosk: TestKiosk, seal: str, page: int = 1) -> requests.Response:
    return kiosk.call("POST", "/v1/issued-pages", json.dumps({"seal": seal, "page": page}).encode())


def test_the_page_comes_as_it_was_printed(
    portal: RunningPortal, kiosk: TestKiosk, copy: bytes
) -> None:
    answer = ask(kiosk, seal_of(copy))
    assert answer.ok, answer.text
    body = answer.json()
    picture = Image.open(io.BytesIO(base64.b64decode(body["jpeg"])))
    assert (picture.mode, picture.size) == ("L", (1654, 2339))
    assert body["ignored"] == []  # no officer has signed: ink in his box was not issued
    assert body["inspect_by"] == post_check_facts(portal.settings).inspect_by.isoformat()
    later = picture_of(copy, 1, inspected_later=True)
    assert later is not None
    ((left, top, width, height),) = later.open_boxes
    assert width > 300
    assert 0 < left < left + width < 1654
    assert 0 < top < top + height < 2339
    agencys = picture.crop((left + _APART, top, left + _APART + width, top + height))
    assert agencys.getextrema()[0] < 120  # it was signed, and printers print that
    officers = picture.crop((left + 3, top + 3, left + width - 3, top + height - 3))
    assert officers.getextrema()[0] > 200
    assert problem(ask(kiosk, seal_of(copy), body["pages"] + 1)) == (404, "intake.not-found")


def test_a_seal_that_is_not_this_very_one_opens_nothing(
    kiosk: TestKiosk, copy: bytes, authority: SoftAuthority
) -> None:
    seal = seal_of(copy)
    altered = seal[:-9] + ("A" if seal[-9] != "A" else "B") + seal[-8:]
    same_code = seal_of(authority.post_check_copy(drawn_page("KHÁC")))  # genuine, other pages
    look_alike = seal.replace("XACTHUC", "XACTHVC")
    for other in (altered, same_code, look_alike, "HTTPS://"):
        assert problem(ask(kiosk, other))[0] in (400, 404), other


def test_the_officers_box_does_not_count_once_he_has_signed(
    portal: RunningPortal, kiosk: TestKiosk, copy: bytes
) -> None:
    ((dossier,),) = portal.inside.store.rows("SELECT id FROM dossiers")
    staff = Staff("thu", portal.settings.officer, Role.OFFICER)
    portal.desk_secret("11" * 32, staff.name)
    portal.inside.inspections.confirm(dossier, "at-the-desk", staff)
    assert ask(kiosk, seal_of(copy)).json()["ignored"] == []  # confirmed, and not signed yet
    with portal.inside.store.transaction() as db:
        db.execute("UPDATE inspections SET signed_at = at")
    body = ask(kiosk, seal_of(copy)).json()
    assert (len(body["ignored"]), body["inspect_by"]) == (1, None)


def test_a_copy_revoked_at_the_desk_is_told_as_such_at_once(
    portal: RunningPortal, kiosk: TestKiosk, copy: bytes
) -> None:
    ((dossier,),) = portal.inside.store.rows("SELECT id FROM dossiers")
    portal.inside.inspections.revoke(dossier, "Bản sao không đúng với bản chính", "Lê Văn A")
    assert problem(ask(kiosk, seal_of(copy))) == (410, "intake.copy-revoked")


def test_a_copy_revoked_by_the_bundle_is_told_as_such(
    portal: RunningPortal, kiosk: TestKiosk, copy: bytes, authority: SoftAuthority
) -> None:
    authority.publish(revoked=frozenset({post_check_facts(portal.settings).id_code}))
    assert problem(ask(kiosk, seal_of(copy))) == (410, "intake.copy-revoked")


def test_a_portal_without_a_bundle_says_that_it_cannot_tell(
    portal: RunningPortal, kiosk: TestKiosk, copy: bytes
) -> None:
    (portal.settings.trust_dir / "bundle.cose").unlink()
    assert problem(ask(kiosk, seal_of(copy)))[0] == 503


@pytest.mark.parametrize("name", ["PER_SEAL", "PER_KIOSK"])
def test_it_is_asked_for_so_often_and_no_more(
    kiosk: TestKiosk, copy: bytes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(issued, name, Limit(f"test.{name}", most=2, seconds=3600))
    seal = seal_of(copy)
    assert [ask(kiosk, seal).status_code for _ in range(3)] == [200, 200, 429]


def test_an_unknown_field_of_a_page_without_it_is_none(copy: bytes) -> None:
    picture = picture_of(copy, 1, inspected_later=False)
    assert picture is not None
    assert picture.open_boxes == ()
