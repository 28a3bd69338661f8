"""Copies issued at a kiosk: an officer inspects and signs them, or revokes them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from PIL import Image

from certify.issue import sign_copy
from certify.pages import SourcePage, encode_text
from certify.statement import CopyFacts
from certify.verify import State, verify
from kiosk.portal.accounts import Role, Staff
from kiosk.portal.attestations import scan_digest
from kiosk.portal.copies import CopyVerifier
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import PortalError
from kiosk.portal.times import this_year
from kiosk.portal.trust import read_bundle
from tests.certify.forgeries import FORGERIES, Forgery, overpainted
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import logged_in, send
from tests.kiosk.portal.soft_signers import (
    SoftAuthority,
    contents_of,
    drawn_page,
    post_check,
    post_check_facts,
    seal_of,
)

REASON = "Bản sao không đúng với bản chính"


def copy_of(kiosk: TestKiosk, dossier: TestDossier) -> bytes:
    return kiosk.call("GET", f"{dossier.path}/copy").content


def look_up(portal: RunningPortal, pdf: bytes) -> requests.Response:
    return requests.get(f"{portal.address}/V/{seal_of(pdf).partition('/V/')[2]}", timeout=10)


def revoke(portal: RunningPortal, dossier: TestDossier) -> None:
    portal.inside.inspections.revoke(str(dossier.id), REASON, "Lê Văn Thí Điểm")


def test_an_inspection_signs_the_open_field_of_the_copy_that_the_citizen_has(
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    desk: Desk,
) -> None:
    dossier = post_check(kiosk, authority)
    before = copy_of(kiosk, dossier)
    assert "Cán bộ chưa kiểm tra" in look_up(portal, before).text
    client.inspect(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 1
    after = copy_of(kiosk, dossier)
    assert after.startswith(before)
    assert verify(after, read_bundle(portal.settings.trust_dir)).state == State.OFFICER_AND_AGENCY
    assert dossier.state()["processing"] == 9
    (entry,) = portal.inside.register.entries(this_year())
    assert entry.officer == portal.settings.officer
    assert "cán bộ đã kiểm tra" in look_up(portal, after).text
    assert portal.inside.inspections.due() == []
    assert desk.sign_approved() == 0
    client.put_copy(str(dossier.id), b"again")  # the first good one stays
    assert copy_of(kiosk, dossier) == after


def test_what_was_said_of_the_original_is_bound_to_the_scan(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority, client: DeskClient
) -> None:
    dossier = post_check(kiosk, authority)
    client.inspect(str(dossier.id), "by-video")
    attested = portal.inside.attestations.of(str(dossier.id))
    assert attested is not None
    assert (attested.original_seen, attested.scan) == (
        "by-video",
        scan_digest([drawn_page().jpeg]),
    )
    assert scan_digest([b"a", b"b"]) not in (scan_digest([b"b", b"a"]), scan_digest([b"ab"]))


def test_nobody_inspects_without_the_original(
    kiosk: TestKiosk, authority: SoftAuthority, client: DeskClient
) -> None:
    dossier = post_check(kiosk, authority)
    with pytest.raises(PortalError, match=r"desk\.original-not-seen"):
        client.inspect(str(dossier.id), "not-seen")
    assert client.approved() == []


def other_page() -> SourcePage:
    out = io.BytesIO()
    Image.new("RGB", (827, 1169), "gray").save(out, "JPEG", dpi=(100, 100))
    return replace(drawn_page(), jpeg=out.getvalue())


def attest_other_pages(portal: RunningPortal, dossier: TestDossier) -> None:
    with portal.inside.store.transaction() as db:
        db.execute(
            "UPDATE attestations SET scan = ? WHERE dossier = ?", ("00" * 32, str(dossier.id))
        )


@pytest.mark.parametrize("mode", ["pre-check", "post-check"])
def test_pages_that_the_officer_did_not_speak_of_are_neither_signed_nor_taken(
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    desk: Desk,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if mode == "post-check":
        dossier = post_check(kiosk, authority)
        client.inspect(str(dossier.id), "at-the-desk")
    else:
        dossier = kiosk.dossier(contents=contents_of(drawn_page()))
        dossier.send()
        client.approve(str(dossier.id), "at-the-desk")
    attest_other_pages(portal, dossier)
    assert desk.sign_approved() == 0
    trouble = portal.inside.offices.desks.trouble(str(dossier.id))
    assert trouble is not None
    assert trouble.code == "copy.other-pages"
    case = client.case(str(dossier.id)) | {"scan": scan_digest([drawn_page().jpeg])}
    monkeypatch.setattr(client, "case", lambda _: case)  # a desk that was told otherwise
    with pytest.raises(PortalError, match=r"desk\.bad-copy copy\.other-pages"):
        desk.sign(str(dossier.id))
    assert dossier.state()["processing"] == 4


@pytest.mark.parametrize("forge", FORGERIES)
def test_an_officer_never_signs_what_is_drawn_over_the_pages(
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    forge: Forgery,
) -> None:
    """Not even where the portal would have it signed."""
    dossier = post_check(kiosk, authority)
    client.inspect(str(dossier.id), "at-the-desk")
    facts = client.case(str(dossier.id))["facts"]
    forged = authority.forged_copy(drawn_page(), forge, CopyFacts.from_dict(facts))
    monkeypatch.setattr(client, "copy", lambda _: forged)
    with pytest.raises(PortalError, match=r"desk-refused: copy\.other-look"):
        desk.sign(str(dossier.id))


def test_a_forged_copy_from_a_kiosk_enters_no_book(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    page = drawn_page()
    facts = post_check_facts(portal.settings)
    forged = authority.forged_copy(page, overpainted, facts)
    assert verify(forged, read_bundle(portal.settings.trust_dir)).state == State.INSPECTION_DUE
    verifier = CopyVerifier(portal.settings.trust_dir)
    assert verifier.check(forged, [page.jpeg], encode_text([page])).fault == "copy.other-look"
    dossier = kiosk.dossier(contents=contents_of(page, forged), mode="post-check")
    dossier.send()
    assert portal.inside.register.entries(this_year()) == []
    assert dossier.state()["processing"] == 1


def test_only_an_addition_to_the_very_copy_is_taken(
    kiosk: TestKiosk, authority: SoftAuthority, client: DeskClient
) -> None:
    dossier = post_check(kiosk, authority)
    client.inspect(str(dossier.id), "at-the-desk")
    other = sign_copy(authority.post_check_copy(drawn_page()), authority.officer, "officer")
    with pytest.raises(PortalError, match=r"copy\.other-file"):
        client.put_copy(str(dossier.id), other)
    before = copy_of(kiosk, dossier)
    with pytest.raises(PortalError, match=r"copy\.not-inspected"):
        client.put_copy(str(dossier.id), before)
    with pytest.raises(PortalError, match=r"copy\.other-officer"):
        client.put_copy(str(dossier.id), sign_copy(before, authority.agency, "officer"))
    signed = sign_copy(before, authority.officer, "officer")
    with pytest.raises(PortalError, match=r"copy\.not-fully-signed"):
        client.put_copy(str(dossier.id), signed + b"% more\n")
    assert dossier.state()["processing"] == 4


def test_another_officer_signs_nothing_of_it(
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    desk: Desk,
) -> None:
    dossier = post_check(kiosk, authority)
    portal.desk_secret("11" * 32, "lan")
    lan = Staff("lan", portal.settings.officer, Role.OFFICER)
    portal.inside.inspections.confirm(str(dossier.id), "at-the-desk", lan)
    assert desk.sign_approved() == 0
    assert not desk.sign(str(dossier.id))
    signed = sign_copy(copy_of(kiosk, dossier), authority.officer, "officer")
    with pytest.raises(PortalError, match=r"desk\.not-waiting"):
        client.put_copy(str(dossier.id), signed)


def test_it_is_inspected_once_and_only_where_there_is_something_to_inspect(
    kiosk: TestKiosk, authority: SoftAuthority, client: DeskClient
) -> None:
    dossier = post_check(kiosk, authority)
    client.inspect(str(dossier.id), "at-the-desk")
    waiting = kiosk.dossier(contents=contents_of(drawn_page()), code="H26.15-261124-0002")
    waiting.send()
    for each in (dossier, waiting):
        with pytest.raises(PortalError, match=r"desk\.not-waiting"):
            client.inspect(str(each.id), "at-the-desk")


def test_overdue_inspections_come_first_and_are_counted(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority, client: DeskClient
) -> None:
    codes = [f"H26.15-261124-000{number}" for number in (1, 2, 3)]
    days = (5, 1, -1)
    found = []
    for number, (code, days_left) in enumerate(zip(codes, days, strict=True), 1):
        facts: dict[str, Any] = {
            "number": number,
            "dossier_code": code,
        }
        day = date.today() + timedelta(days=days_left)  # noqa: DTZ011
        found.append(post_check(kiosk, authority, code=code, inspect_by=day, **facts))
    broken = kiosk.dossier(
        contents=contents_of(drawn_page(), b"%PDF-1.7 broken"),
        mode="post-check",
        code="X-261124-0001",
    )
    broken.send()
    due = [dossier.id for dossier in portal.inside.inspections.due()]
    assert due == [str(each.id) for each in (found[2], broken, found[1], found[0])]
    assert portal.inside.inspections.overdue() == 1
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        page = browser.get(f"{portal.address}/desk", timeout=10).text
        assert "1 quá hạn" in page
        following = browser.get(f"{portal.address}/desk/next", timeout=10)
        assert following.url == f"{portal.address}/desk/{found[2].id}"
        assert "Xác nhận và ký" in following.text


def test_an_officer_inspects_and_revokes_in_the_page(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    dossier = post_check(kiosk, authority)
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        shown = browser.get(f"{case}/copy", timeout=10)
        assert (shown.headers["Content-Type"], shown.content) == (
            "application/pdf",
            copy_of(kiosk, dossier),
        )
        assert send(browser, case, f"{case}/inspect").status_code == 422
        assert send(browser, case, f"{case}/inspect", original_seen="not-seen").status_code == 422
        assert send(browser, case, f"{case}/inspect", original_seen="at-the-desk").ok
        assert "đã xác nhận, đang ký" in browser.get(case, timeout=10).text
        asked = browser.get(case, timeout=10).text
        assert '<option value="" disabled selected>' in asked
        assert 'name="final" value="yes" required' in asked
        assert not send(browser, case, f"{case}/revoke", reason="ghét").ok
        assert send(browser, case, f"{case}/revoke", reason=REASON).ok
        assert REASON in browser.get(case, timeout=10).text
        assert "Đã thu hồi" in browser.get(f"{portal.address}/register", timeout=10).text
    noted = [action for _, _, action, _ in portal.inside.offices.accounts.actions(9)]
    assert {"case.inspect", "case.revoke"} <= set(noted)


def test_the_citizen_who_waits_sees_that_an_officer_has_opened_it(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "hoa", Role.AUDITOR) as browser:
        browser.get(case, timeout=10)  # looks, and decides nothing
    assert dossier.state()["processing"] == 1
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        browser.get(case, timeout=10)
        browser.get(case, timeout=10)
    assert dossier.state()["processing"] == 2
    events = portal.inside.offices.casebook.events(str(dossier.id))
    assert [(event.state, event.staff) for event in events] == [(1, None), (2, "Lê Văn Thí Điểm")]


def test_a_procedure_says_which_way_of_seeing_suffices(
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue = portal.inside.offices.catalogue
    strict = replace(catalogue.procedure("2.000815"), original_seen=("at-the-desk",))
    monkeypatch.setattr(catalogue, "procedure", lambda _: strict)
    issued = post_check(kiosk, authority)
    waiting = kiosk.dossier(contents=contents_of(drawn_page()), code="H26.15-261124-0002")
    waiting.send()
    with pytest.raises(PortalError, match=r"desk\.original-not-seen"):
        client.approve(str(waiting.id), "by-video")
    with pytest.raises(PortalError, match=r"desk\.original-not-seen"):
        client.inspect(str(issued.id), "at-the-kiosk")
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        for each in (waiting, issued):
            page = browser.get(f"{portal.address}/desk/{each.id}", timeout=10).text
            assert 'value="at-the-desk"' in page
            assert 'value="by-video"' not in page
    client.approve(str(waiting.id), "at-the-desk")
    client.inspect(str(issued.id), "at-the-desk")
