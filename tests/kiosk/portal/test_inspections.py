"""Copies issued at a kiosk: an officer inspects and signs them, or revokes them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests
from PIL import Image

from certify import cose, trust
from certify.issue import sign_copy
from certify.numbers import new_id_code
from certify.pages import SourcePage
from certify.trust import load_anchor, load_bundle
from certify.verify import State, verify
from kiosk.portal import revocations, server
from kiosk.portal.accounts import Role, Staff
from kiosk.portal.attestations import scan_digest
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import PortalError
from kiosk.portal.register import Entry
from kiosk.portal.times import this_year
from kiosk.portal.trust import read_bundle
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk, problem
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


def test_a_revocation_shows_at_once_everywhere(
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    client: DeskClient,
    desk: Desk,
) -> None:
    dossier = post_check(kiosk, authority)
    pdf = copy_of(kiosk, dossier)
    secret = portal.inside.offices.deliveries.new_link(str(dossier.id))
    client.inspect(str(dossier.id), "at-the-desk")
    revoke(portal, dossier)
    assert desk.sign_approved() == 0
    answer = look_up(portal, pdf)
    assert answer.status_code == 404
    assert "đã bị thu hồi" in answer.text
    assert REASON in answer.text
    (tracked,) = portal.inside.offices.tracking.of_citizen("001192000000")
    assert (tracked.state, tracked.note) == (8, REASON)
    assert "thu hồi" in tracked.words
    state = dossier.state()
    assert (state["processing"], state["note"]) == (8, REASON)
    assert problem(kiosk.call("GET", f"{dossier.path}/copy")) == (404, "intake.not-found")
    page = f"{portal.address}/result"
    assert send(requests.Session(), page, page, secret=secret).status_code == 404
    with pytest.raises(PortalError, match=r"desk\.not-waiting"):
        client.put_copy(str(dossier.id), sign_copy(pdf, authority.officer, "officer"))


def test_verifiers_know_it_from_the_next_bundle(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    dossier = post_check(kiosk, authority)
    pdf = copy_of(kiosk, dossier)
    assert revocations.revoked_codes(portal.inside.store) == frozenset()
    revoke(portal, dossier)
    authority.publish(revoked=revocations.revoked_codes(portal.inside.store))
    fetched = kiosk.call("GET", "/v1/trust-bundle").content
    anchor = load_anchor((portal.settings.trust_dir / "anchor.pem").read_text())
    verdict = verify(pdf, load_bundle(fetched, anchor, at=datetime.now(UTC)))
    assert (verdict.ok, verdict.code) == (False, "copy.revoked")
    assert REASON in look_up(portal, pdf).text  # also after the bundle says it


def test_revocations_that_reach_no_verifier_are_told(
    portal: RunningPortal,
    kiosk: TestKiosk,
    authority: SoftAuthority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told, desk_page = "chưa công bố", f"{portal.address}/desk"
    dossier = post_check(kiosk, authority)
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        assert told not in browser.get(desk_page, timeout=10).text
        revoke(portal, dossier)
        assert told in browser.get(desk_page, timeout=10).text
        server.warn_of_unpublished(portal.inside)
        assert "1 revoked copies are not published" in caplog.text
        authority.publish(revocation_key=portal.inside.keys.revocations.public_key())
        assert told not in browser.get(desk_page, timeout=10).text
        authority.publish(revoked=revocations.revoked_codes(portal.inside.store))
        assert told not in browser.get(desk_page, timeout=10).text


def test_kiosks_know_it_at_once_from_the_portals_own_list(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    """Without the anchor: the bundle grants the portal this one right."""
    authority.publish(revocation_key=portal.inside.keys.revocations.public_key())
    dossier = post_check(kiosk, authority)
    pdf = copy_of(kiosk, dossier)
    anchor = load_anchor((portal.settings.trust_dir / "anchor.pem").read_text())

    def verdict() -> str:
        fetched = kiosk.call("GET", "/v1/trust-bundle").content
        return verify(pdf, load_bundle(fetched, anchor, at=datetime.now(UTC))).code

    assert verdict() == "agency-inspection-due"
    revoke(portal, dossier)
    assert verdict() == "copy.revoked"


def test_a_copy_that_was_approved_beforehand_may_be_revoked_once_it_is_issued(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    with pytest.raises(Exception, match=r"desk\.not-waiting"):
        revoke(portal, dossier)
    client.approve(str(dossier.id), "at-the-desk")
    desk.sign_approved()
    pdf = copy_of(kiosk, dossier)
    revoke(portal, dossier)
    assert look_up(portal, pdf).status_code == 404
    with pytest.raises(Exception, match=r"desk\.not-waiting"):
        revoke(portal, dossier)  # once


def test_the_code_of_another_copy_in_the_book_stays_good(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    """As when a kiosk's disk was copied: the second copy of one number is ended, not the first."""
    first = post_check(kiosk, authority)
    second = post_check(kiosk, authority)
    assert second.state()["processing"] == 1
    its_copy = portal.inside.vault.copy(str(second.id))
    assert "cán bộ còn phải xem lại" in look_up(portal, its_copy).text
    revoke(portal, second)
    assert revocations.revoked_codes(portal.inside.store) == frozenset()
    assert look_up(portal, copy_of(kiosk, first)).status_code == 200
    revoked = look_up(portal, its_copy)
    assert revoked.status_code == 404
    assert "đã bị thu hồi" in revoked.text


def test_a_seal_upon_other_pages_is_not_the_copy_in_the_book(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    """Made with a kiosk's key under the code and number of a good copy."""
    post_check(kiosk, authority)
    forged = authority.post_check_copy(other_page())
    answer = look_up(portal, forged)
    assert answer.status_code == 404
    assert "không khớp sổ" in answer.text


def test_a_copy_of_other_pages_is_revoked_by_the_code_in_its_seal(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    portal.inside.register.lease("kiosk-01", "certificate", this_year(), 5, timedelta(days=1))
    handed_out = authority.post_check_copy(other_page())
    contents = contents_of(drawn_page(), handed_out)
    dossier = kiosk.dossier(contents=contents, mode="post-check")
    dossier.send()
    assert "còn phải xem lại" in look_up(portal, handed_out).text
    revoke(portal, dossier)
    code = post_check_facts(portal.settings).id_code
    assert revocations.revoked_codes(portal.inside.store) == {code}
    assert "đã bị thu hồi" in look_up(portal, handed_out).text
    again = post_check(kiosk, authority, code="H26.15-261124-0002")
    assert again.state()["processing"] == 1  # nobody brings a revoked code into the book


def test_what_cannot_be_told_to_verifiers_is_told_to_the_officer(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    broken = contents_of(drawn_page(), b"%PDF-1.7 broken")
    dossier = kiosk.dossier(contents=broken, mode="post-check")
    dossier.send()
    revoke(portal, dossier)
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        page = browser.get(f"{portal.address}/desk/{dossier.id}", timeout=10).text
    assert "không có mã riêng để thu hồi" in page


@pytest.mark.parametrize("id_code", [new_id_code(0, 1), new_id_code(1, 1), new_id_code(0, 2)])
def test_a_kiosk_gives_no_code_but_its_own(
    kiosk: TestKiosk, authority: SoftAuthority, client: DeskClient, id_code: str
) -> None:
    """The desk's next code above all: it would stop every approval."""
    assert post_check(kiosk, authority, id_code=id_code).state()["processing"] == 1
    waiting = kiosk.dossier(contents=contents_of(drawn_page()), code="H26.15-261124-0002")
    waiting.send()
    assert client.approve(str(waiting.id), "at-the-desk")["id_code"] == new_id_code(0, 1)


def test_an_approval_passes_over_a_code_that_is_taken(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient
) -> None:
    first, second = (
        kiosk.dossier(contents=contents_of(drawn_page()), code=f"H26.15-261124-000{number}")
        for number in (1, 2)
    )
    first.send()
    second.send()
    client.approve(str(first.id), "at-the-desk")
    with portal.inside.store.transaction() as db:
        db.execute(
            "UPDATE counters SET next = 1 WHERE kind = 'id-code'"
        )  # as if it were an older one
    assert client.approve(str(second.id), "at-the-desk")["id_code"] == new_id_code(0, 2)


def test_a_number_whose_block_had_ended_is_not_entered(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    register = portal.inside.register
    register.lease("kiosk-01", "certificate", this_year(), 5, timedelta(hours=-1))
    dossier = post_check(kiosk, authority)
    (noted,) = portal.inside.inspections.due()
    assert "đã hết hạn" in str(noted.note)
    assert dossier.state()["processing"] == 1


def test_what_the_policy_does_not_allow_is_noted_for_the_officer(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    at = datetime.now(UTC)
    policy = trust.Policy(
        serial=1,
        issued=at,
        expires=at + timedelta(days=1),
        modes=frozenset({"pre-check"}),
        thresholds={},
        post_check_papers=frozenset({"original"}),
        post_check_inspect_days=1,
        procedure_packs=(),
    )
    sign, kid = cose.software_signer(authority.anchor), cose.key_id(authority.anchor.public_key())
    file = portal.settings.trust_dir / "policy.cose"
    file.write_bytes(trust.sign_policy(policy, sign, kid))
    dossier = post_check(kiosk, authority)
    (noted,) = portal.inside.inspections.due()
    for words in ("không được cấp trước", "loại giấy", "hạn kiểm tra quá dài"):
        assert words in str(noted.note)
    assert dossier.state()["processing"] == 4


def test_what_was_approved_and_cannot_be_signed_may_be_stopped(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = kiosk.dossier()  # its page is not a picture
    dossier.send()
    facts = client.approve(str(dossier.id), "at-the-desk")
    assert desk.sign_approved() == 0
    case, why = f"{portal.address}/desk/{dossier.id}", "Trang quét hỏng, mời nộp lại"
    with logged_in(portal, "lan", Role.OFFICER) as browser:
        assert send(browser, case, f"{case}/end", how="stopped", why=why).ok
        assert "số chứng thực không cấp bản sao" in browser.get(case, timeout=10).text
        assert "Không cấp" in browser.get(f"{portal.address}/register", timeout=10).text
    assert (dossier.state()["processing"], dossier.state()["note"]) == (8, why)
    assert revocations.revoked_codes(portal.inside.store) == {facts["id_code"]}
    assert client.approved() == []
    (line,) = portal.inside.book.lines(this_year())
    assert isinstance(line, Entry)
    assert line.void == "not-issued"
    (tracked,) = portal.inside.offices.tracking.of_citizen("001192000000")
    assert "thu hồi" not in tracked.words


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
