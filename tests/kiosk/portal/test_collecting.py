"""Slip and card fetch a copy at any kiosk, as often as it was asked for; neither does alone."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
import requests

from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.times import this_year
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk, problem
from tests.kiosk.portal.soft_signers import SoftAuthority, contents_of, drawn_page

SLIP, CODE = "7K3M9QW2ZX", "H26.15-261124-0001"
NUMBER = APPLICANT["citizen_number"]


@pytest.fixture
def dossier(kiosk: TestKiosk) -> TestDossier:
    """Of two copies."""
    answers = json.dumps({"applicant": APPLICANT, "slip_secret": SLIP}).encode()
    sent = kiosk.dossier(contents={**contents_of(drawn_page()), "answers.json": answers})
    sent.send()
    return sent


def ask(kiosk: TestKiosk, path: str = "", **changes: str) -> requests.Response:
    body = {"code": CODE, "secret": SLIP, "citizen_number": NUMBER} | changes
    return kiosk.call("POST", f"/v1/collections{path}", json.dumps(body).encode())


def settle(kiosk: TestKiosk, dossier: TestDossier, copies: int, id: Any = None) -> int:
    body = json.dumps({"dossier_id": str(dossier.id), "copies": copies}).encode()
    return kiosk.call("PUT", f"/v1/prints/{id or uuid4()}", body).status_code


def test_another_kiosk_prints_it_as_often_as_it_was_asked_for(
    kiosk: TestKiosk, other_kiosk: TestKiosk, dossier: TestDossier, client: DeskClient, desk: Desk
) -> None:
    waiting = ask(other_kiosk).json()
    assert (waiting["processing"], waiting["issued"], waiting["left"]) == (1, False, 2)
    assert problem(ask(other_kiosk, "/copy")) == (404, "intake.not-found")
    client.approve(str(dossier.id), "at-the-desk")
    desk.sign_approved()
    reply = ask(other_kiosk).json()
    assert (reply["id"], reply["issued"], reply["number"]) == (str(dossier.id), True, "01")
    copy = ask(other_kiosk, "/copy")
    assert copy.content == kiosk.call("GET", f"{dossier.path}/copy").content
    once = uuid4()
    assert [settle(other_kiosk, dossier, 1, once) for _ in range(2)] == [204, 204]
    assert ask(other_kiosk).json()["left"] == 1
    assert settle(kiosk, dossier, 1) == 204
    assert ask(other_kiosk).json()["left"] == 0
    assert problem(ask(other_kiosk, "/copy")) == (404, "intake.not-found")


@pytest.mark.parametrize(
    "changes",
    [
        {"citizen_number": "001192000001"},
        {"secret": "0000000000"},
        {"code": "H26.15-261124-0002"},
    ],
)
def test_what_does_not_belong_together_opens_nothing(
    kiosk: TestKiosk, dossier: TestDossier, changes: dict[str, str]
) -> None:
    for path in ("", "/copy"):
        assert problem(ask(kiosk, path, **changes)) == (404, "intake.not-found")


def test_nobody_tries_all_secrets(kiosk: TestKiosk, dossier: TestDossier) -> None:
    answers = [ask(kiosk, secret=f"{number:010}").status_code for number in range(11)]
    assert answers == [404] * 10 + [429]
    assert ask(kiosk).status_code == 200, "whoever has slip and card is not shut out by others"


def test_a_copy_that_a_kiosk_issued_is_there_at_once_and_not_after_its_revocation(
    portal: RunningPortal, kiosk: TestKiosk, authority: SoftAuthority
) -> None:
    kiosk.call(
        "POST",
        "/v1/leases",
        json.dumps({"kind": "certificate", "year": this_year(), "count": 5}).encode(),
    )
    answers = json.dumps({"applicant": APPLICANT, "slip_secret": SLIP}).encode()
    page = drawn_page()
    contents = {**contents_of(page, authority.post_check_copy(page)), "answers.json": answers}
    dossier = kiosk.dossier(contents=contents, mode="post-check")
    dossier.send()
    assert ask(kiosk).json()["issued"]
    assert ask(kiosk, "/copy").content.startswith(b"%PDF")
    reason = "Bản sao không đúng với bản chính"
    portal.inside.inspections.revoke(str(dossier.id), reason, "Lê Văn Thí Điểm")
    reply = ask(kiosk).json()
    assert (reply["processing"], reply["issued"], reply["note"]) == (8, False, reason)
    assert problem(ask(kiosk, "/copy")) == (404, "intake.not-found")


def test_prints_of_what_is_not_there_are_not_counted(
    kiosk: TestKiosk, dossier: TestDossier
) -> None:
    unknown = json.dumps({"dossier_id": str(uuid4()), "copies": 1}).encode()
    answer = kiosk.call("PUT", f"/v1/prints/{uuid4()}", unknown)
    assert problem(answer) == (404, "intake.not-found")
