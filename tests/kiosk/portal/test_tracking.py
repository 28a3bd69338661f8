"""Two codes open a dossier's state to its owner; anything else tells nobody anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from kiosk.portal import casebook, tracking
from kiosk.portal.catalogue import Catalogue, ProcedureFacts, due_at
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import Limit, network_of
from kiosk.portal.times import this_year
from offline_queue.manifest import Applicant, Fee
from tests.kiosk.portal.line import (
    APPLICANT,
    RunningPortal,
    TestDossier,
    TestKiosk,
)
from tests.kiosk.portal.people import send

SLIP = "7K3M9QW2ZX"
CODE = "H26.15-261124-0001"


@pytest.fixture
def visitor() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def answers(**more: Any) -> dict[str, bytes]:
    return {
        "answers.json": json.dumps({"applicant": APPLICANT, "slip_secret": SLIP} | more).encode()
    }


def sent(kiosk: TestKiosk, **changes: Any) -> TestDossier:
    dossier = kiosk.dossier(contents=answers(), **changes)
    dossier.send()
    return dossier


def ask(
    visitor: requests.Session, portal: RunningPortal, code: str, secret: str
) -> requests.Response:
    url = f"{portal.address}/track"
    return send(visitor, url, url, code=code, secret=secret)


@pytest.mark.parametrize(
    ("code", "secret"), [(CODE, SLIP), (CODE.lower(), "7k3m9-qw2zx"), (f" {CODE}", "7K3M9 QW2ZX")]
)
def test_code_and_secret_show_the_state(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session, code: str, secret: str
) -> None:
    sent(kiosk)
    answer = ask(visitor, portal, code, secret)
    assert answer.status_code == 200
    assert "Đã nhận hồ sơ" in answer.text
    assert "Chứng thực bản sao" in answer.text
    assert APPLICANT["full_name"] not in answer.text
    assert APPLICANT["citizen_number"] not in answer.text


@pytest.mark.parametrize("grade", ["vouched", "claimed"])
def test_whoever_was_vouched_for_reads_of_it(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session, grade: str
) -> None:
    applicant = Applicant.model_validate({"grade": grade, "method": "staff", "face_match": False})
    sent(kiosk, applicants=(applicant,))
    page = ask(visitor, portal, CODE, SLIP).text
    assert ("Cán bộ đã nhận giúp" in page) == (grade == "vouched")


def test_what_is_missing_and_who_asks_are_shown(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session
) -> None:
    dossier = sent(kiosk)
    portal.inside.cases.ask_for_more(str(dossier.id), "Quét lại trang 2", "Lê Văn Thí Điểm")
    page = ask(visitor, portal, CODE, SLIP).text
    assert "cần bổ sung" in page
    assert "Quét lại trang 2" in page
    assert "Lê Văn Thí Điểm" in page


def test_the_fee_and_its_receipts_are_shown(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session
) -> None:
    dossier = sent(kiosk, fee=Fee(rule="pages", amount=15000, state="paid"))
    year = this_year()
    assert (
        f"15.000 đ, đã thu<br>Biên lai thu số 0001/{year}" in ask(visitor, portal, CODE, SLIP).text
    )
    portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    portal.inside.offices.fees.give_back(str(dossier.id), "PC-01", "Lê Văn Thí Điểm")
    page = ask(visitor, portal, CODE, SLIP).text
    assert "đã hoàn trả" in page
    assert f"Biên lai hoàn trả số 0002/{year}" in page


def test_notes_for_the_officer_are_not_shown(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session
) -> None:
    dossier = sent(kiosk)
    portal.inside.store.change(str(dossier.id), note="cán bộ cần xem lại")
    assert "cần xem lại" not in ask(visitor, portal, CODE, SLIP).text


def test_wrong_and_unknown_look_the_same(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session
) -> None:
    sent(kiosk)
    kiosk.dossier(code="H26.15-261124-0002").send()  # from before slips had a secret
    pairs = [
        (CODE, "7K3M9QW2ZY"),
        ("H26.15-261124-0099", SLIP),
        ("H26.15-261124-0002", SLIP),
        ("H26.15-261124-0002", ""),
        ("' OR 1=1 --", SLIP),
    ]
    texts = set()
    for code, secret in pairs:
        answer = ask(visitor, portal, code, secret or "0000000000")
        assert answer.status_code == 404
        texts.add(re.sub(r'name="(code|form_token)" value="[^"]*"', "", answer.text))
    assert len(texts) == 1


def test_every_answer_costs_one_digest(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(kiosk)
    made: list[str] = []
    real = casebook.digest

    def counting(secret: str, salt: str) -> str:
        made.append(salt)
        return real(secret, salt)

    monkeypatch.setattr(casebook, "digest", counting)
    monkeypatch.setattr(tracking, "digest", counting)
    look_up = portal.inside.offices.tracking.look_up
    assert look_up(CODE, SLIP, "192.0.2.1") is not None
    assert look_up(CODE, "7K3M9QW2ZY", "192.0.2.1") is None
    assert look_up("H26.15-261124-0099", SLIP, "192.0.2.1") is None
    assert look_up("nonsense", "nonsense", "192.0.2.1") is None
    assert len(made) == 4


def test_tries_are_counted_for_a_code_on_a_line(portal: RunningPortal, kiosk: TestKiosk) -> None:
    sent(kiosk)
    look_up = portal.inside.offices.tracking.look_up
    for code in (CODE, "H26.15-261124-0099"):  # one exists, one does not
        for _ in range(tracking.PER_CODE_ON_LINE.most):
            assert look_up(code, "0000000000", "192.0.2.1") is None
        with pytest.raises(RefusedError, match="too-many"):
            look_up(code, SLIP, "192.0.2.1")
    assert look_up(CODE, SLIP, "198.51.100.7"), "elsewhere nobody was shut out"
    assert look_up(CODE, SLIP, "kiosk:K1")


def test_the_right_secret_is_no_wrong_try(portal: RunningPortal, kiosk: TestKiosk) -> None:
    sent(kiosk)
    look_up = portal.inside.offices.tracking.look_up
    for _ in range(tracking.PER_CODE_ON_LINE.most + 2):
        assert look_up(CODE, SLIP, "192.0.2.1")


def test_many_lines_share_one_ceiling_but_no_kiosk_does(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "PER_CODE_ON_LINE", Limit("track.code-on-line", 2, 3600))
    monkeypatch.setattr(tracking, "PER_CODE", Limit("track.code", 3, 3600))
    sent(kiosk)
    look_up = portal.inside.offices.tracking.look_up
    for tries in range(5):  # one line alone cannot use it up
        with nullcontext() if tries < 2 else pytest.raises(RefusedError, match="too-many"):
            look_up(CODE, "0000000000", "192.0.2.1")
    assert look_up(CODE, "0000000000", "192.0.2.2") is None
    with pytest.raises(RefusedError, match="too-many"):
        look_up(CODE, SLIP, "192.0.2.3")
    assert look_up(CODE, SLIP, "kiosk:K1")


def test_tries_are_counted_for_a_line(
    portal: RunningPortal, visitor: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "PER_LINE", Limit("track.line", 3, 3600))
    statuses = [
        ask(visitor, portal, f"H26.15-261124-{number:04}", SLIP).status_code for number in range(4)
    ]
    assert statuses == [404, 404, 404, 429]


def test_an_ipv6_line_is_one_line() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("192.0.2.1") == "192.0.2.1"


def test_the_database_knows_no_secret_and_no_number(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    sent(kiosk)
    stored = portal.held()
    assert CODE in stored
    assert SLIP not in stored
    assert APPLICANT["citizen_number"] not in stored


def test_a_proven_person_finds_their_own(portal: RunningPortal, kiosk: TestKiosk) -> None:
    sent(kiosk)
    sent(kiosk, code="H26.15-261124-0002")
    other = answers(applicant=APPLICANT | {"citizen_number": "001192000001"})
    kiosk.dossier(contents=other, code="H26.15-261124-0003").send()
    found = portal.inside.offices.tracking.of_citizen(APPLICANT["citizen_number"])
    assert [one.code for one in found] == ["H26.15-261124-0002", CODE]
    assert portal.inside.offices.tracking.of_citizen("") == []


@pytest.mark.parametrize(
    "more", [{"slip_secret": "short"}, {"slip_secret": 7}, {"delivery": {"channel": "pigeon"}}]
)
def test_extras_that_cannot_be_used_do_not_cost_the_dossier(
    portal: RunningPortal, kiosk: TestKiosk, more: dict[str, Any]
) -> None:
    dossier = kiosk.dossier(contents=answers(**more))
    dossier.send()
    assert dossier.state()["state"] == "accepted"
    assert portal.inside.offices.tracking.look_up(CODE, "short", "192.0.2.1") is None


def test_the_end_is_told(
    portal: RunningPortal, kiosk: TestKiosk, visitor: requests.Session
) -> None:
    dossier = sent(kiosk)
    with DeskClient(portal.address, portal.secret) as client:
        client.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    page = ask(visitor, portal, CODE, SLIP).text
    assert "không được nhận" in page
    assert "Bản chính bị tẩy xóa" in page
    assert "Giải quyết xong" in page


SAME_DAY = ProcedureFacts("x", "x", "X", "", 0, 15)
THREE_DAYS = ProcedureFacts("x", "x", "X", "", 3, 15)
HOLIDAY = frozenset({date(2026, 11, 25)})


@pytest.mark.parametrize(
    ("received", "facts", "due"),
    [
        ("2026-11-24T07:59:00", SAME_DAY, "2026-11-24"),  # 14:59 in Vietnam, a Tuesday
        ("2026-11-24T08:00:00", SAME_DAY, "2026-11-26"),  # 15:00, and the next day is a holiday
        ("2026-11-23T17:30:00", SAME_DAY, "2026-11-24"),  # half past midnight of the 24th there
        ("2026-11-27T09:00:00", SAME_DAY, "2026-11-30"),  # Friday, too late: Monday
        ("2026-11-28T03:00:00", SAME_DAY, "2026-11-30"),  # Saturday counts as Monday morning
        ("2026-11-26T03:00:00", THREE_DAYS, "2026-12-01"),
    ],
)
def test_when_a_result_is_due(received: str, facts: ProcedureFacts, due: str) -> None:
    instant = datetime.fromisoformat(received).replace(tzinfo=UTC)
    found = due_at(instant, facts, HOLIDAY)
    assert (found.date().isoformat(), found.hour) == (due, 17)


def test_procedures_are_those_of_the_kiosks(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    assert catalogue.procedure("certified-copy").code == "2.000815"
    assert catalogue.procedure("2.000815").title == "Chứng thực bản sao"
    assert catalogue.procedure("unheard-of").days == 0
    assert catalogue.papers(["original", "unheard-of"]) == "Bản chính giấy tờ, unheard-of"
