"""Something is missing: asked for, answered by a new dossier, and never mixed between people."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from kiosk.portal.accounts import Role
from kiosk.portal.store import Dossier, Processing
from kiosk.portal.supplements import NO_PARENT
from offline_queue.manifest import Fee
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import logged_in, send

PAID = Fee(rule="tt226", amount=15000, state="paid")


def sent(kiosk: TestKiosk, number: int = 1, person: str = "", **manifest: Any) -> TestDossier:
    """``person``: another citizen number; "none" for no number at all."""
    applicant = dict(APPLICANT)
    if person:
        applicant["citizen_number"] = "" if person == "none" else person
    contents = {"answers.json": json.dumps({"applicant": applicant}).encode()}
    dossier = kiosk.dossier(contents=contents, code=f"H26.15-261124-{number:04}", **manifest)
    dossier.send()
    return dossier


def asked(portal: RunningPortal, dossier: TestDossier) -> None:
    portal.inside.cases.ask_for_more(str(dossier.id), "Thiếu trang 2", "Lê Văn Thí Điểm")


def stored(portal: RunningPortal, dossier: TestDossier) -> Dossier:
    found = portal.inside.store.dossier(str(dossier.id))
    assert found is not None
    return found


def state(portal: RunningPortal, dossier: TestDossier) -> Processing:
    return Processing(stored(portal, dossier).processing or 0)


def test_an_officer_asks_in_the_page(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert send(session, case, f"{case}/supplement", missing="").status_code == 400
        assert send(session, case, f"{case}/supplement", missing="x" * 501).status_code == 400
        answer = send(session, case, f"{case}/supplement", missing="Thiếu trang 2")
        assert "Chờ công dân bổ sung" in answer.text
    assert dossier.state()["processing"] == 5
    assert dossier.state()["note"] == "Thiếu trang 2"


def test_a_filing_joins_its_parent(portal: RunningPortal, kiosk: TestKiosk) -> None:
    parent = sent(kiosk, mode="filing")
    asked(portal, parent)
    child = sent(kiosk, 2, mode="filing", parent=parent.id)
    assert state(portal, parent) == Processing.ACCEPTED
    assert stored(portal, parent).note is None
    assert state(portal, child) == Processing.DONE
    assert [case.id for case in portal.inside.cases.filings()] == [str(parent.id)]
    with logged_in(portal, "lan", Role.OFFICER) as session:
        page = session.get(f"{portal.address}/desk/{parent.id}", timeout=10).text
    assert child.manifest.code in page


def test_a_new_scan_takes_the_place_of_the_old(portal: RunningPortal, kiosk: TestKiosk) -> None:
    parent = sent(kiosk, fee=PAID)
    asked(portal, parent)
    child = sent(kiosk, 2, parent=parent.id)
    assert state(portal, parent) == Processing.STOPPED
    assert child.manifest.code in str(stored(portal, parent).note)
    assert [case.id for case in portal.inside.cases.waiting()] == [str(child.id)]
    fee = portal.inside.offices.fees.fee(str(parent.id))
    assert fee is not None
    assert fee.state == "to-return"


@pytest.mark.parametrize("person", ["001192000001", "none"])
def test_another_person_cannot_answer(portal: RunningPortal, kiosk: TestKiosk, person: str) -> None:
    parent = sent(kiosk)
    asked(portal, parent)
    child = sent(kiosk, 2, person, parent=parent.id)
    assert state(portal, parent) == Processing.SUPPLEMENT
    assert (state(portal, child), stored(portal, child).note) == (Processing.RECEIVED, NO_PARENT)


def test_people_without_a_number_are_not_one_person(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    parent = sent(kiosk, person="none")
    asked(portal, parent)
    sent(kiosk, 2, "none", parent=parent.id)
    assert state(portal, parent) == Processing.SUPPLEMENT


def test_an_answer_to_nothing_is_kept(portal: RunningPortal, kiosk: TestKiosk) -> None:
    parent = sent(kiosk)  # nobody asked
    for number, parent_id in enumerate((parent.id, kiosk.dossier().id), 2):
        child = sent(kiosk, number, parent=parent_id)
        assert state(portal, child) == Processing.RECEIVED
        assert stored(portal, child).note == NO_PARENT
    assert state(portal, parent) == Processing.RECEIVED


def test_a_decided_case_is_not_asked_again(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        answer = send(session, case, f"{case}/supplement", missing="Thiếu trang 2")
    assert answer.status_code == 409
    assert state(portal, dossier) == Processing.REFUSED


def test_a_refusal_is_told_to_a_person_as_a_page(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        session.headers["Accept"] = "text/html"
        answer = send(
            session, case, f"{case}/refuse", reason="Giấy tờ tự lập không có xác nhận và đóng dấu"
        )
    assert answer.status_code == 409
    assert "đã được xử lý rồi" in answer.text


def test_a_filing_is_finished_by_an_officer(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk, mode="filing")
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert "Đã giải quyết xong" in session.get(case, timeout=10).text
        assert (
            send(session, case, f"{case}/approve", original_seen="at-the-desk").status_code == 409
        )
        assert send(session, case, f"{case}/finish").ok
        assert send(session, case, f"{case}/hand-over").ok
    assert state(portal, dossier) == Processing.RETURNED
    events = portal.inside.offices.casebook.events(str(dossier.id))
    assert [event.state for event in events] == [1, 2, 9, 10]
    assert {event.staff for event in events[1:]} == {"Lê Văn Thí Điểm"}


def test_history_and_state_change_together(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier = sent(kiosk, fee=PAID)
    following = portal.inside.cases._following

    def breaking(*_arguments: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(type(following), "tell", breaking)
    with pytest.raises(RuntimeError):
        portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    assert state(portal, dossier) == Processing.RECEIVED
    assert len(portal.inside.offices.casebook.events(str(dossier.id))) == 1
    fee = portal.inside.offices.fees.fee(str(dossier.id))
    assert fee is not None
    assert fee.state == "paid"


def test_a_dossier_that_is_not_there_is_not_found(portal: RunningPortal) -> None:
    with logged_in(portal, "lan", Role.OFFICER) as session:
        answer: requests.Response = session.get(f"{portal.address}/desk/nothing", timeout=10)
    assert answer.status_code == 404
