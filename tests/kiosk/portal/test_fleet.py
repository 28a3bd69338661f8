"""Kiosks say how they are; those that need a person come first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kiosk.portal import fleet, office_pages
from kiosk.portal.accounts import Role
from tests.kiosk.portal.line import RunningPortal, TestKiosk, problem
from tests.kiosk.portal.people import logged_in

BEAT = {
    "queue": 2,
    "oldest_seconds": 30.5,
    "devices": {"scanner": "ok", "receipt_printer": "ok"},
    "version": "0.1.0",
    "clock_trusted": True,
}


def beat(kiosk: TestKiosk, **changes: Any) -> None:
    body = json.dumps(BEAT | changes).encode()
    assert kiosk.call("POST", "/v1/heartbeats", body).status_code == 204


def test_the_newest_beat_of_each_kiosk_is_shown(
    portal: RunningPortal, kiosk: TestKiosk, other_kiosk: TestKiosk
) -> None:
    beat(kiosk, queue=7)
    beat(kiosk)
    paperless = {"receipt_printer": "device.receipt.paper-out", "scanner": "device.scanner.jam"}
    beat(other_kiosk, devices=paperless, clock_trusted=False)
    first, second = portal.inside.offices.fleet.kiosks()
    assert (first.kiosk_id, first.needs_somebody) == ("kiosk-02", True)
    assert first.paper == "device.receipt.paper-out"
    assert ("scanner", "device.scanner.jam") in first.faults
    assert second.beat is not None
    assert (second.beat.queue, second.needs_somebody) == (2, False)
    with logged_in(portal, "hoa", Role.ADMIN) as session:
        page = session.get(f"{portal.address}/fleet", timeout=10).text
    for words in ("device.receipt.paper-out", "Đồng hồ chưa chắc", "Còn giấy", "0.1.0"):
        assert words in page


def test_a_large_fleet_is_shown_a_page_at_a_time(
    portal: RunningPortal, kiosk: TestKiosk, other_kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office_pages, "LISTED", 1)
    beat(kiosk)
    with logged_in(portal, "hoa", Role.ADMIN) as session:
        pages = [
            session.get(f"{portal.address}/fleet?start={start}", timeout=10).text
            for start in (0, 1, 99)
        ]
    for page, shown, hidden in zip(pages, ("02", "01", None), ("01", "02", "01"), strict=True):
        assert shown is None or f"<strong>kiosk-{shown}" in page
        assert f"<strong>kiosk-{hidden}" not in page
        assert "2 kiosk, 1 cần người xem" in page


def test_what_was_not_told_is_not_called_fine(portal: RunningPortal, kiosk: TestKiosk) -> None:
    beat(kiosk, devices={})
    with logged_in(portal, "hoa", Role.ADMIN) as session:
        page = session.get(f"{portal.address}/fleet", timeout=10).text
    assert page.count(">—</td>") == 2
    assert "Tốt" not in page
    assert "Còn giấy" not in page


def test_a_revoked_kiosk_needs_somebody(portal: RunningPortal, kiosk: TestKiosk) -> None:
    beat(kiosk)
    portal.inside.devices.revoke("kiosk-01")
    (line,) = portal.inside.offices.fleet.kiosks()
    assert line.needs_somebody
    with logged_in(portal, "hoa", Role.ADMIN) as session:
        assert "Đã thu hồi" in session.get(f"{portal.address}/fleet", timeout=10).text
    portal.inside.devices.readmit("kiosk-01")
    (line,) = portal.inside.offices.fleet.kiosks()
    assert not line.needs_somebody


@pytest.mark.parametrize(
    "changes",
    [
        {"devices": {"scanner": "device.scanner.jam"}},
        {"oldest_seconds": 5 * 3600},
        {"clock_trusted": False},
    ],
)
def test_each_trouble_needs_somebody(
    portal: RunningPortal, kiosk: TestKiosk, changes: dict[str, Any]
) -> None:
    beat(kiosk, **changes)
    (line,) = portal.inside.offices.fleet.kiosks()
    assert line.needs_somebody


def test_silence_needs_somebody(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = portal.inside.offices.fleet.kiosks()
    assert line.silent  # it never spoke
    beat(kiosk)
    (line,) = portal.inside.offices.fleet.kiosks()
    assert not line.silent
    later = datetime.now(UTC) + timedelta(minutes=16)
    monkeypatch.setattr(fleet, "now", lambda: later)
    assert line.silent


@pytest.mark.parametrize(
    "changes",
    [
        {"queue": -1},
        {"devices": {"scanner": "<script>"}},
        {"devices": {f"d{number}": "ok" for number in range(40)}},
        {"version": "x" * 80},
    ],
)
def test_a_beat_that_is_none_is_refused(kiosk: TestKiosk, changes: dict[str, Any]) -> None:
    answer = kiosk.call("POST", "/v1/heartbeats", json.dumps(BEAT | changes).encode())
    assert problem(answer) == (400, "intake.bad-request")


def test_only_a_kiosk_speaks_for_itself(kiosk: TestKiosk) -> None:
    body = json.dumps(BEAT).encode()
    forged = kiosk.call("POST", "/v1/heartbeats", body, signed_body=b"{}")
    assert problem(forged) == (401, "intake.bad-signature")
    old = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    assert kiosk.call("POST", "/v1/heartbeats", body, date=old).status_code == 401
