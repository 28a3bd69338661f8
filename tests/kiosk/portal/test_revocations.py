"""Copies that are taken back, and arrivals that the portal doubts: told at once, everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from certify import cose, trust
from certify.issue import sign_copy
from certify.numbers import new_id_code
from certify.trust import load_anchor, load_bundle
from certify.verify import verify
from kiosk.portal import revocations, server
from kiosk.portal.accounts import Role
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import PortalError
from kiosk.portal.register import Entry
from kiosk.portal.times import this_year
from tests.kiosk.portal.line import RunningPortal, TestKiosk, problem
from tests.kiosk.portal.people import logged_in, send
from tests.kiosk.portal.soft_signers import (
    SoftAuthority,
    contents_of,
    drawn_page,
    post_check,
    post_check_facts,
)
from tests.kiosk.portal.test_inspections import REASON, copy_of, look_up, other_page, revoke


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
