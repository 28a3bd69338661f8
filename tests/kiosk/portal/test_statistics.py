"""Figures that add up, and files that other programs open as what they are."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kiosk.portal import casebook, statistics
from kiosk.portal.accounts import Role
from kiosk.portal.statistics import DayLine, table, totals
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import logged_in, send

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 10:00 in Vietnam
CODE, TITLE = "2.000815", "Chứng thực bản sao"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    from kiosk.portal import intake

    instants = [MONDAY]
    for each in (casebook, statistics, intake):
        monkeypatch.setattr(each, "now", lambda: instants[0])
    return instants


def sent(kiosk: TestKiosk, **changes: Any) -> TestDossier:
    dossier = kiosk.dossier(**changes)
    dossier.send()
    return dossier


def lines(portal: RunningPortal) -> list[DayLine]:
    return portal.inside.offices.statistics.days(date(2026, 11, 1), date(2026, 11, 30))


def test_a_day_counts_what_came_what_ended_what_is_late(
    portal: RunningPortal, kiosk: TestKiosk, clock: list[datetime]
) -> None:
    refused, stays = sent(kiosk), sent(kiosk)
    sent(kiosk, agency="H26.16")
    sent(kiosk, procedure="1.004873")
    assert sum(line.late for line in lines(portal)) == 0
    clock[0] += timedelta(hours=2)
    portal.inside.cases.refuse(str(refused.id), "Bản chính bị tẩy xóa")
    clock[0] += timedelta(days=1)
    portal.inside.cases.refuse(str(stays.id), "Bản chính bị tẩy xóa")
    assert lines(portal) == [
        DayLine("2026-11-24", "H26.15", CODE, TITLE, 0, 1, 0),
        DayLine("2026-11-23", "H26.15", "1.004873", "1.004873", 1, 0, 1),
        DayLine("2026-11-23", "H26.15", CODE, TITLE, 2, 1, 1),
        DayLine("2026-11-23", "H26.16", CODE, TITLE, 1, 0, 1),
    ]
    assert totals(lines(portal)) == (4, 2, 3)


def test_days_are_those_of_vietnam(
    portal: RunningPortal, kiosk: TestKiosk, clock: list[datetime]
) -> None:
    clock[0] = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
    sent(kiosk)
    assert [line.day for line in lines(portal)] == ["2026-11-24"]


def test_an_end_counts_once(portal: RunningPortal, kiosk: TestKiosk, clock: list[datetime]) -> None:
    dossier = sent(kiosk, mode="filing")
    portal.inside.cases.finish(str(dossier.id))
    clock[0] += timedelta(days=3)
    portal.inside.cases.hand_over(str(dossier.id))
    assert totals(lines(portal)) == (1, 1, 0)


def test_page_and_file_say_the_same(
    portal: RunningPortal, kiosk: TestKiosk, clock: list[datetime]
) -> None:
    sent(kiosk)
    span = {"first": "2026-11-01", "last": "2026-11-30"}
    with logged_in(portal, "hoa", Role.ADMIN) as session:
        page = session.get(f"{portal.address}/statistics", params=span, timeout=10).text
        file = session.get(f"{portal.address}/statistics.csv", params=span, timeout=10)
        assert session.get(f"{portal.address}/statistics?first=x", timeout=10).status_code == 400
    assert "<strong>1</strong> tiếp nhận" in page
    assert TITLE in page
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[1] == ["2026-11-23", "H26.15", CODE, TITLE, "1", "0", "0"]


@pytest.mark.parametrize("cell", ["=1+1", "+84", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    text = "".join(table(("a",), [[cell]]))
    assert text.startswith("\ufeff")
    ((_,), (written,)) = csv.reader(io.StringIO(text[1:]))
    assert written == f"'{cell}"


def test_export_is_the_exchange_record(
    portal: RunningPortal, kiosk: TestKiosk, clock: list[datetime]
) -> None:
    hostile = {"applicant": APPLICANT | {"full_name": "=Trần Thị Mẫu"}}
    sent(kiosk)
    sent(kiosk, contents={"answers.json": json.dumps(hostile).encode()}, code="H26.15-261124-0002")
    page, url = f"{portal.address}/", f"{portal.address}/export"
    span = {"first": "2026-11-23", "last": "2026-11-23"}
    with logged_in(portal, "hoa", Role.CHIEF) as session:
        records = send(session, page, url, **span, form="json").json()
        text = send(session, page, url, **span, form="csv").content.decode("utf-8-sig")
        assert send(session, page, url, first="x", last="y").status_code == 400
    first = records[0]
    assert list(first)[:3] == ["MaHoSo", "MaTTHC", "TenTTHC"]
    assert first["MaHoSo"] == "H26.15-261124-0001"
    assert (first["MaTTHC"], first["TenTTHC"]) == (CODE, TITLE)
    assert (first["ChuHoSo"], first["MaDoiTuong"]) == ("Trần Thị Mẫu", "001192000000")
    assert (first["NgayTiepNhan"], first["NgayHenTra"]) == ("20261123100000", "20261123170000")
    assert first["TrangThaiHoSo"] == "1"
    assert first["TaiLieuNop"] == [{"TenGiayTo": "diploma", "SoTrang": 1}]
    assert first["DanhSachGiayToKetQua"] == []
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["NgayTiepNhan"] == "20261123100000"
    assert json.loads(rows[0]["TaiLieuNop"]) == first["TaiLieuNop"]
    assert rows[1]["ChuHoSo"] == "'=Trần Thị Mẫu"
    actions = portal.inside.offices.accounts.actions(5)
    assert ("hoa", "export", "2026-11-23 2026-11-23") in [action[1:] for action in actions]


def test_an_officer_exports_nothing(portal: RunningPortal) -> None:
    page, url = f"{portal.address}/", f"{portal.address}/export"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        answer = send(session, page, url, first="2026-11-23", last="2026-11-23")
    assert answer.status_code == 403
