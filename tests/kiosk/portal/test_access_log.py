"""What the portal writes about requests: enough to run it, nothing about people."""

from __future__ import annotations

import json
import logging

import pytest
import requests
from pydantic import BaseModel

from kiosk.portal.accounts import Role
from kiosk.portal.intake import Intake
from tests.kiosk.portal.line import RunningPortal, TestKiosk
from tests.kiosk.portal.people import logged_in, send


def test_lines_name_routes_and_nobody(
    portal: RunningPortal, kiosk: TestKiosk, caplog: pytest.LogCaptureFixture
) -> None:
    dossier = kiosk.dossier()
    with caplog.at_level(logging.INFO, logger="portal.access"):
        dossier.send()
        with logged_in(portal, "lan", Role.OFFICER) as session:
            session.get(f"{portal.address}/desk/{dossier.id}?after=x", timeout=10)
        with requests.Session() as visitor:
            url = f"{portal.address}/track"
            send(visitor, url, url, code=dossier.manifest.code, secret="7K3M9QW2ZX")
        requests.get(f"{portal.address}/nowhere/{dossier.id}", timeout=10)
        portal.stop()  # a line is written when its answer is already on the way
    portal.restart_stopped()
    lines = [json.loads(record.message) for record in caplog.records]
    routes = {(line["method"], line["route"], line["status"]) for line in lines}
    assert ("PUT", "/v1/dossiers/{dossier_id}", 200) in routes
    assert ("GET", "/desk/{case_id}", 200) in routes
    assert ("POST", "/track", 404) in routes
    assert ("GET", "-", 404) in routes
    assert all(set(line) == {"method", "route", "status", "ms"} for line in lines)
    for private in (str(dossier.id), dossier.manifest.code, "127.0.0.1", "7K3M9QW2ZX", "lan"):
        assert private not in "\n".join(record.message for record in caplog.records)


class Strict(BaseModel):
    number: int


def test_a_defect_is_logged_by_type_and_place_and_answered_with_a_problem(
    portal: RunningPortal,
    kiosk: TestKiosk,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        Strict.model_validate({"number": "Nguyen Thi Sau"})

    monkeypatch.setattr(Intake, "state", broken)
    dossier = kiosk.dossier()
    dossier.send()
    answer = kiosk.call("GET", dossier.path)
    assert (answer.status_code, answer.json()["code"]) == (500, "intake.unavailable")
    portal.stop()
    portal.restart_stopped()
    told = caplog.text + "".join(capfd.readouterr())
    assert "GET /v1/dossiers/{dossier_id}: ValidationError at" in told
    for private in ("Nguyen Thi Sau", str(dossier.id), "Traceback"):
        assert private not in answer.text + told
