"""From the officer's decision to the citizen's copy, and what must not get through on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from certify.errors import CertifyError, Fault
from certify.numbers import check_id_code
from certify.verify import State, verify
from kiosk.portal.accounts import Role, Staff
from kiosk.portal.desk import Desk
from kiosk.portal.desk_api import approve_as
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import PortalError
from kiosk.portal.times import this_year
from kiosk.portal.trust import read_bundle
from kiosk.sandbox.officer import Officer
from tests.kiosk.portal.line import (
    RunningPortal,
    TestDossier,
    TestKiosk,
    problem,
    settings_in,
)
from tests.kiosk.portal.soft_signers import (
    SoftAuthority,
    SoftSigner,
    contents_of,
    drawn_page,
    post_check,
    post_check_facts,
)


def sent(kiosk: TestKiosk, code: str = "H26.15-261124-0001") -> TestDossier:
    dossier = kiosk.dossier(contents=contents_of(drawn_page()), code=code)
    dossier.send()
    return dossier


def line_of(client: DeskClient, dossier: TestDossier) -> dict[str, Any]:
    (line,) = [line for line in client.dossiers() if line["id"] == str(dossier.id)]
    return line


def test_an_approved_copy_reaches_the_citizen(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    dossier = sent(kiosk)
    assert Officer(client).decide() == 1
    assert dossier.state()["processing"] == 4
    assert desk.sign_approved() == 1
    state = dossier.state()
    assert (state["processing"], state["number"]) == (9, "01")
    copy = kiosk.call("GET", f"{dossier.path}/copy")
    assert copy.headers["Content-Type"] == "application/pdf"
    verdict = verify(copy.content, read_bundle(portal.settings.trust_dir))
    assert verdict.state == State.OFFICER_AND_AGENCY
    assert verdict.facts is not None
    assert verdict.facts.dossier_code == dossier.manifest.code
    assert Officer(client).decide() == 0
    assert desk.sign_approved() == 0


def test_nothing_is_signed_without_a_decision(kiosk: TestKiosk, desk: Desk) -> None:
    dossier = sent(kiosk)
    assert desk.sign_approved() == 0
    assert dossier.state()["processing"] == 1


def test_a_desk_signs_only_what_its_own_officer_approved(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    """Even where two officers are called alike."""
    dossier = sent(kiosk)
    namesake = Staff("lan", portal.settings.officer, Role.OFFICER)
    portal.desk_secret("11" * 32, "lan")
    facts = approve_as(portal.inside, namesake, str(dossier.id), "at-the-desk")
    assert client.approve(str(dossier.id), "at-the-desk") == facts.to_dict()  # hers it stays
    assert client.approved() == []
    assert desk.sign_approved() == 0
    assert not desk.sign(str(dossier.id))
    assert dossier.state()["processing"] == 4


def test_a_desk_signs_with_no_other_certificate(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority, desk: Desk
) -> None:
    dossier = sent(kiosk)
    desk.require_own()
    with DeskClient(portal.address, portal.desk_secret("22" * 32)) as client:
        Officer(client).decide()
        other = Desk(
            client, officer=authority.officer, agency=authority.agency, seal=authority.seal
        )
        assert client.approved() == [str(dossier.id)]
        assert other.sign_approved() == 0
        with pytest.raises(PortalError, match=r"portal\.settings-invalid"):
            other.require_own()


def test_a_desk_reads_only_what_its_account_approved(
    tmp_path: Path, stopping: list[RunningPortal]
) -> None:
    portal = RunningPortal(settings_in(tmp_path, scripted_officer=False))
    try:
        kiosk = TestKiosk(portal, "kiosk-01")
        kiosk.enrol()
        mine, other = (sent(kiosk, f"H26.15-261124-000{number}") for number in (1, 2))
        secret = portal.secret
        me = Staff("thu", portal.settings.officer, Role.OFFICER)
        approve_as(portal.inside, me, str(mine.id), "at-the-desk")
        with DeskClient(portal.address, secret) as client:
            assert client.pages(str(mine.id), client.case(str(mine.id))["pages"])
            for path in ("", "/text", "/pages/page-001.jpg"):
                answer = portal.desk("GET", f"/cases/{other.id}{path}")
                assert problem(answer) == (404, "desk.not-found")
            with pytest.raises(PortalError, match=r"desk\.not-found"):
                client.put_copy(str(other.id), b"")
    finally:
        portal.tell_to_stop()
        stopping.append(portal)


def test_a_desk_secret_ends(portal: RunningPortal, client: DeskClient) -> None:
    desks, accounts = portal.inside.offices.desks, portal.inside.offices.accounts
    assert client.caller()["account"] == "thu"
    desks.revoke("thu", by="test")
    with pytest.raises(PortalError, match=r"desk\.not-allowed"):
        client.approved()
    with pytest.raises(ValueError, match="no desk secret"):
        desks.revoke("thu", by="test")
    with DeskClient(portal.address, portal.desk_secret("33" * 32)) as again:
        assert again.approved() == []
        accounts.disable("thu", by="test")
        with pytest.raises(PortalError, match=r"desk\.not-allowed"):
            again.approved()
    noted = [action for _, _, action, _ in accounts.actions(9)]
    assert noted.count("desk.add") == 2
    assert noted.count("desk.revoke") == 1
    assert "33" * 32 not in again._session.headers["Authorization"]


def test_a_refusal_is_told_with_its_reason(kiosk: TestKiosk, client: DeskClient) -> None:
    dossier = sent(kiosk)
    assert Officer(client, refuse="Bản chính bị tẩy xóa").decide() == 1
    state = dossier.state()
    assert (state["processing"], state["note"]) == (3, "Bản chính bị tẩy xóa")
    with pytest.raises(PortalError, match=r"desk\.not-waiting"):
        client.approve(str(dossier.id), "at-the-desk")
    assert problem(kiosk.call("GET", f"{dossier.path}/copy")) == (404, "intake.not-found")


def test_approving_twice_gives_one_number(kiosk: TestKiosk, client: DeskClient) -> None:
    first, second = sent(kiosk), sent(kiosk, "H26.15-261124-0002")
    facts = client.approve(str(first.id), "by-video")
    assert client.approve(str(first.id), "by-video") == facts
    following = client.approve(str(second.id), "at-the-desk")
    assert (facts["number"], following["number"]) == (1, 2)
    assert check_id_code(facts["id_code"]) != check_id_code(following["id_code"])
    assert facts["year"] == this_year()


def test_numbers_of_the_desk_and_of_leases_never_meet(kiosk: TestKiosk, client: DeskClient) -> None:
    first, second = sent(kiosk), sent(kiosk, "H26.15-261124-0002")
    request = {"kind": "certificate", "year": this_year(), "count": 5}
    assert client.approve(str(first.id), "at-the-desk")["number"] == 1
    lease = kiosk.call("POST", "/v1/leases", json.dumps(request).encode()).json()
    assert (lease["first"], lease["last"]) == (2, 6)
    assert client.approve(str(second.id), "at-the-desk")["number"] == 7


def test_an_original_that_nobody_saw_is_not_certified(kiosk: TestKiosk, client: DeskClient) -> None:
    dossier = sent(kiosk)
    with pytest.raises(PortalError, match=r"desk\.original-not-seen"):
        client.approve(str(dossier.id), "not-seen")
    assert dossier.state()["processing"] == 1


def test_the_case_shows_what_the_officer_compares(kiosk: TestKiosk, client: DeskClient) -> None:
    dossier = sent(kiosk)
    case = client.case(str(dossier.id))
    assert case["applicant"]["full_name"] == "Trần Thị Mẫu"
    assert case["papers"] == ["diploma"]
    (page,) = client.pages(str(dossier.id), case["pages"])
    assert page == drawn_page()


def test_a_copy_of_other_pages_is_not_taken(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority
) -> None:
    from certify.issue import issue_pre_check
    from certify.statement import CopyFacts

    dossier = sent(kiosk)
    facts = CopyFacts.from_dict(client.approve(str(dossier.id), "at-the-desk"))
    other_page = drawn_page()
    other_page = type(other_page)(
        other_page.jpeg.replace(b"\xff\xd9", b"\xff\xfe\x00\x04ab\xff\xd9"), 827, 1169, 100, ()
    )
    pdf = issue_pre_check(
        [other_page],
        facts,
        officer=authority.officer,
        agency=authority.agency,
        seal=authority.seal,
        seal_host="xacthuc.mot-cua.example",
    ).pdf
    with pytest.raises(PortalError, match=r"desk\.bad-copy"):
        client.put_copy(str(dossier.id), pdf)
    assert dossier.state()["processing"] == 4


@pytest.mark.parametrize("tamper", [b"", b"not a PDF", b"%PDF-1.7 nothing"])
def test_a_file_that_is_no_copy_is_not_taken(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority, tamper: bytes
) -> None:
    dossier = sent(kiosk)
    with pytest.raises(PortalError, match=r"desk\.not-waiting"):
        client.put_copy(str(dossier.id), tamper)
    client.approve(str(dossier.id), "at-the-desk")
    with pytest.raises(PortalError, match=r"desk\.bad-copy"):
        client.put_copy(str(dossier.id), tamper)


def test_the_copy_of_another_case_is_not_taken(
    kiosk: TestKiosk, client: DeskClient, desk: Desk
) -> None:
    first, second = sent(kiosk), sent(kiosk, "H26.15-261124-0002")
    client.approve(str(first.id), "at-the-desk")
    desk.sign_approved()
    client.approve(str(second.id), "at-the-desk")
    copy = kiosk.call("GET", f"{first.path}/copy").content
    with pytest.raises(PortalError, match=r"desk\.bad-copy"):
        client.put_copy(str(second.id), copy)


def test_one_case_that_cannot_be_signed_does_not_stop_the_others(
    kiosk: TestKiosk, client: DeskClient, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    bad = kiosk.dossier()  # its page is not a picture
    bad.send()
    good = sent(kiosk, "H26.15-261124-0002")
    Officer(client).decide()
    assert desk.sign_approved() == 1
    assert (bad.state()["processing"], good.state()["processing"]) == (4, 9)
    assert "a case was not signed: " in caplog.text
    assert str(bad.id) not in caplog.text


def test_a_token_that_is_gone_leaves_the_case_approved(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority, desk: Desk
) -> None:
    class Gone(SoftSigner):
        def sign_es256(self, message: bytes) -> bytes:
            raise CertifyError(Fault.SIGNER_ABSENT, "DeviceRemoved", retryable=True)

    seal = Gone(authority.seal.key, authority.seal.certificate, authority.seal.pdf_key)
    dossier = sent(kiosk)
    Officer(client).decide()
    tokenless = Desk(client, officer=authority.officer, agency=authority.agency, seal=seal)
    with pytest.raises(CertifyError):
        tokenless.sign_approved()
    assert dossier.state()["processing"] == 4
    assert desk.sign_approved() == 1


def test_the_desk_needs_its_secret(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    with pytest.raises(PortalError, match=r"desk\.not-allowed"):
        DeskClient(portal.address, "a-guess-that-is-long").waiting()
    approve = f"{portal.address}/desk/api/cases/{dossier.id}/approve"
    answer = requests.post(approve, json={"original_seen": "at-the-desk"}, timeout=10)
    assert problem(answer) == (401, "desk.not-allowed")


def test_a_portal_that_is_away_is_told_as_such(portal: RunningPortal) -> None:
    portal.stop()
    with pytest.raises(PortalError) as caught:
        DeskClient(portal.address, "of-a-portal-that-is-away").waiting()
    assert caught.value.retryable


def test_a_copy_issued_at_a_kiosk_enters_the_book(
    portal: RunningPortal, kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority
) -> None:
    dossier = post_check(kiosk, authority, number=3)
    line = line_of(client, dossier)
    inspect_by = post_check_facts(portal.settings).inspect_by
    assert inspect_by is not None
    assert (line["number"], line["processing"], line["note"]) == ("03", 4, None)
    assert line["inspect_by"] == inspect_by.isoformat()
    kept = kiosk.call("GET", f"{dossier.path}/copy").content
    assert verify(kept, read_bundle(portal.settings.trust_dir)).state == State.INSPECTION_DUE
    assert client.waiting() == []


def test_a_number_that_was_not_leased_is_noted(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority
) -> None:
    dossier = post_check(kiosk, authority, leased=2, number=3)
    line = line_of(client, dossier)
    assert (line["number"], line["processing"]) == (None, 1)
    assert "không thuộc dãy số" in line["note"]
    assert dossier.state()["note"] is None  # this is for officers, not for the screen of a kiosk


def test_a_number_used_twice_is_noted(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority
) -> None:
    assert line_of(client, post_check(kiosk, authority))["note"] is None
    again = post_check(kiosk, authority)
    assert "đã có trong sổ" in line_of(client, again)["note"]


def test_a_copy_of_another_dossier_is_noted(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority
) -> None:
    dossier = post_check(kiosk, authority, dossier_code="H26.15-261124-0099")
    assert "không khớp hồ sơ" in line_of(client, dossier)["note"]


def test_a_post_check_copy_that_does_not_verify_is_noted_and_kept(
    kiosk: TestKiosk, client: DeskClient, authority: SoftAuthority
) -> None:
    page = drawn_page()
    copy = authority.post_check_copy(page) + b"\n% appended"
    dossier = kiosk.dossier(contents=contents_of(page, copy), mode="post-check")
    dossier.send()
    line = line_of(client, dossier)
    assert (line["state"], line["number"]) == ("accepted", None)
    assert "không kiểm tra được" in line["note"]
