"""Ways of a case besides yes and no: something to be paid first, withdrawn, stopped; long lists."""

from __future__ import annotations

import json

import pytest
import requests

from kiosk.portal import register, store
from kiosk.portal.accounts import Role
from kiosk.portal.errors import RefusedError
from kiosk.portal.register import Entry
from kiosk.portal.store import Processing
from kiosk.portal.times import now
from offline_queue.manifest import Fee
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import logged_in, send

SLIP = "7K3M9QXT2B"
DUTY = "Lệ phí trước bạ 1.200.000 đ, nộp tại kho bạc."


def sent(kiosk: TestKiosk, number: int = 1, fee: Fee | None = None) -> TestDossier:
    answers = {"applicant": APPLICANT, "slip_secret": SLIP}
    contents = {"answers.json": json.dumps(answers).encode()}
    dossier = kiosk.dossier(
        contents=contents,
        code=f"H26.15-261124-{number:04}",
        mode="filing",
        **({"fee": fee} if fee else {}),
    )
    dossier.send()
    return dossier


def decide(session: requests.Session, portal: RunningPortal, dossier: TestDossier, what: str,
           **fields: str) -> requests.Response:  # fmt: skip
    page = f"{portal.address}/desk/{dossier.id}"
    return send(session, page, f"{page}/{what}", **fields)


def test_a_duty_is_told_and_its_receipt_lets_the_case_go_on(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = sent(kiosk)
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert decide(session, portal, dossier, "duty", duty=DUTY).ok
        assert dossier.state()["processing"] == 6
        found = portal.inside.offices.tracking.look_up("H26.15-261124-0001", SLIP, "line")
        assert found is not None
        assert found.missing == DUTY
        assert "Chờ công dân nộp tiền" in session.get(f"{portal.address}/desk", timeout=10).text
        refused = decide(session, portal, dossier, "duty-done", reference="")
        assert (refused.status_code, dossier.state()["processing"]) == (400, 6)
        assert decide(session, portal, dossier, "duty-done", reference="BL-000123").ok
    state = dossier.state()
    assert (state["processing"], state["note"]) == (2, None)
    words = [event.words for event in portal.inside.offices.casebook.events(str(dossier.id))]
    assert list(filter(None, words)) == [DUTY, "BL-000123"]


def test_a_case_with_nothing_to_pay_has_no_receipt(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk)
    with pytest.raises(RefusedError, match="not-waiting"):
        portal.inside.cases.duty_done(str(dossier.id), "BL-000123", "Lê Văn Thí Điểm")


@pytest.mark.parametrize(("how", "state"), [("withdrawn", 7), ("stopped", 8)])
def test_a_case_is_ended_with_a_reason_and_its_fee_goes_back(
    portal: RunningPortal, kiosk: TestKiosk, how: str, state: int
) -> None:
    dossier = sent(kiosk, fee=Fee(rule="tt226", amount=4000, state="paid"))
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert decide(session, portal, dossier, "end", how="lost", why="x").status_code == 400
        assert decide(session, portal, dossier, "end", how=how, why="Nộp nhầm nơi").ok
        again = decide(session, portal, dossier, "end", how=how, why="Lần nữa")
        assert again.status_code == 409
    told = dossier.state()
    assert (told["processing"], told["note"]) == (state, "Nộp nhầm nơi")
    fee = portal.inside.offices.fees.fee(str(dossier.id))
    assert fee is not None
    assert fee.state == "to-return"


@pytest.mark.parametrize("before", ["ask_for_more", "ask_to_pay"])
def test_what_waits_for_the_citizen_can_be_withdrawn(
    portal: RunningPortal, kiosk: TestKiosk, before: str
) -> None:
    dossier, cases = sent(kiosk), portal.inside.cases
    getattr(cases, before)(str(dossier.id), "Thiếu trang 2", "Lê Văn Thí Điểm")
    cases.end(str(dossier.id), Processing.WITHDRAWN, "Không cần nữa", "Lê Văn Thí Điểm")
    assert dossier.state()["processing"] == 7


def test_a_done_case_cannot_be_withdrawn(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier, cases = sent(kiosk), portal.inside.cases
    cases.finish(str(dossier.id), "Lê Văn Thí Điểm")
    with pytest.raises(RefusedError, match="not-waiting"):
        cases.end(str(dossier.id), Processing.WITHDRAWN, "Muộn rồi", "Lê Văn Thí Điểm")


def test_long_lists_come_in_pages_and_lose_no_line(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(sent(kiosk, number).id) for number in range(1, 6)]
    monkeypatch.setattr(store, "LISTED", 2)
    found, before = [], ""
    while page := portal.inside.store.accepted(before):
        assert len(page) <= 2
        found += [dossier.id for dossier in page]
        before = page[-1].id
    assert found == ids[::-1]
    assert len(portal.inside.cases.filings()) == 2


def test_the_register_is_read_on_by_number(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "LISTED", 2)
    book = portal.inside.register
    for number in (1, 2, 3):
        dossier = sent(kiosk, number)
        assert book.enter(
            Entry(2026, "01/2026-SCT/BS", number, str(dossier.id), f"ID{number}", "degree",
                  "Trần Thị Mẫu", 1, "Lê Văn Thí Điểm", now().isoformat())
        )  # fmt: skip
    assert [entry.number for entry in book.entries(2026)] == [1, 2]
    assert [entry.number for entry in book.entries(2026, after=2)] == [3]
