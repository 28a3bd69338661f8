"""Journeys through the engine against the whole sandbox: the main job, and what may go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from certify.trust import load_bundle
from certify.verify import verify
from kiosk import app, journal
from kiosk.__main__ import cli
from kiosk.clock import local_now
from kiosk.link.trust import load_anchor
from kiosk.sandbox.appliance import Appliance
from kiosk.sandbox.people import PERSON
from kiosk.views import (
    ConfirmView,
    DoneView,
    FaceView,
    IdentifyView,
    Intent,
    Leave,
    ReviewView,
    ScanView,
    View,
)
from tests.journeys import scripted

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.slow]

WAY = ["ChooseService", "Consent", "Identify", "Consent", "Face", "Scan", "Review", "Confirm"]


def listed(appliance: Appliance, code: str, *, wait: float = 30) -> list[dict[str, Any]]:
    """What the portal lists under ``code``; waits for the first one."""
    deadline = time.monotonic() + wait
    while True:
        found = [entry for entry in appliance.dossiers() if entry["code"] == code]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def verdict_on(appliance: Appliance, copy: bytes) -> Any:
    anchor = load_anchor(appliance.trust_dir / "anchor.pem")
    now = local_now()
    bundle = load_bundle((appliance.trust_dir / "bundle.cose").read_bytes(), anchor, at=now)
    return verify(copy, bundle, at=now)


def test_pre_check(pre_check: Appliance, sheets: list[Path]) -> None:
    journey = scripted.run(pre_check, sheets)
    assert journey.failures == []
    assert journey.screens == ["Attract", *WAY, "Issuing", "Done", "Attract"]
    finished = journey.finished
    assert finished is not None
    assert finished.ended == "done"
    assert len(listed(pre_check, finished.code)) == 1
    assert finished.copy is not None
    assert str(verdict_on(pre_check, finished.copy).state) == "officer-and-agency"


def test_post_check(post_check: Appliance, sheets: list[Path]) -> None:
    finished = scripted.run(post_check, sheets).finished
    assert finished is not None
    assert finished.ended == "done"
    assert finished.copy is not None
    assert str(verdict_on(post_check, finished.copy).state) == "agency-inspection-due"
    (entry,) = listed(post_check, finished.code)
    assert entry["mode"] == "post-check"


def test_the_citizen_card_proves_whoever_comes_without_a_telephone(
    post_check: Appliance, sheets: list[Path]
) -> None:
    """VNeID is down, and post-check demands a proven person."""
    post_check.break_identity_provider(down=True)
    try:
        journey = scripted.run(post_check, sheets, by_card=True)
    finally:
        post_check.break_identity_provider(down=False)
    assert journey.failures == []
    assert journey.screens[3:5] == ["Identify", "Card"]
    assert journey.finished is not None
    (entry,) = listed(post_check, journey.finished.code)
    assert entry["mode"] == "post-check"


def test_an_opened_housing_leaves_the_copy_to_the_officer_until_staff_arms_it(
    post_check: Appliance, sheets: list[Path]
) -> None:
    journey = scripted.run(post_check, sheets[:1], faults=["housing=open"])
    post_check.control("signals", "set", shut=True)
    assert journey.finished is not None
    assert journey.finished.ended == "done"
    (entry,) = listed(post_check, journey.finished.code)
    assert entry["mode"] == "pre-check"
    words = ["tamper", "reset", "--settings", str(post_check.settings_file)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    again = scripted.run(post_check, sheets[:1]).finished
    assert again is not None
    (entry,) = listed(post_check, again.code)
    assert entry["mode"] == "post-check"


def test_portal_down_gives_an_appointment_and_the_dossier_arrives_later(
    pre_check: Appliance, sheets: list[Path]
) -> None:
    journey = scripted.run(pre_check, sheets[:1], faults=["portal=down"])
    finished = journey.finished
    assert finished is not None
    (done,) = [view for view in journey.views if isinstance(view, DoneView)]
    assert (finished.ended, finished.copy, done.kind) == ("done", None, "queued")
    assert finished.code
    pre_check.start_portal()
    assert len(listed(pre_check, finished.code)) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("scanner=jam", "device.scanner.jam"),
        ("receipt=paper-out", "device.receipt.paper-out"),
        ("camera=stopped", "device.camera.absent"),
        ("vneid=down", "link.offline"),
    ],
)
def test_trouble_that_staff_mends(
    pre_check: Appliance, sheets: list[Path], fault: str, code: str
) -> None:
    journey = scripted.run(pre_check, sheets[:1], faults=[fault])
    finished = journey.finished
    assert code in journey.failures
    assert finished is not None
    assert finished.ended == "done"
    assert len(listed(pre_check, finished.code)) == 1


def test_the_camera_reads_the_code_where_the_reader_is_gone(
    pre_check: Appliance, sheets: list[Path]
) -> None:
    watched: list[str] = []

    def watch(view: View) -> Intent | None:
        """Is the light of the camera out wherever nothing needs it?"""
        in_use = isinstance(view, FaceView) or (
            isinstance(view, IdentifyView) and view.place == "camera"
        )
        if not in_use and view.screen not in watched:
            watched.append(view.screen)
            assert closed_soon(pre_check), view.screen
        return None

    journey = scripted.run(pre_check, sheets[:1], faults=["reader=unplugged"], decide=watch)
    assert journey.failures == ["device.reader.absent"]
    assert journey.finished is not None
    assert journey.finished.ended == "done"
    seen = [view for view in journey.views if isinstance(view, IdentifyView) and view.preview]
    assert {view.place for view in seen} == {"camera"}
    assert {"Attract", "Identify", "Fault", "Scan", "Done"} <= set(watched)


def closed_soon(appliance: Appliance) -> bool:
    """The emulator sees a closed line when it sends its next frame."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if requests.get(appliance.controls["camera"], timeout=5).json()["viewers"] == 0:
            return True
        time.sleep(0.05)
    return False


def test_a_stranger_gets_no_further_and_nothing_is_sent(
    pre_check: Appliance, sheets: list[Path]
) -> None:
    before = len(pre_check.dossiers())

    def give_up(view: View) -> Intent | None:
        return Leave() if view.screen == "Fault" else None

    try:
        journey = scripted.run(pre_check, sheets[:1], faults=["face=stranger"], decide=give_up)
    finally:
        pre_check.show_citizen()
    assert journey.finished is not None
    assert journey.finished.ended == "left"
    assert "Scan" not in journey.screens
    assert len(pre_check.dossiers()) == before


def test_leaving_at_the_last_moment_leaves_nothing_behind(
    pre_check: Appliance, sheets: list[Path]
) -> None:
    before = len(pre_check.dossiers())

    def leave(view: View) -> Intent | None:
        return Leave() if isinstance(view, ConfirmView) else None

    journey = scripted.run(pre_check, sheets[:1], decide=leave)
    assert journey.finished is not None
    assert journey.finished.ended == "left"
    assert list((pre_check.settings.site.state / "outbox" / "parts").iterdir()) == []
    assert _drafts(pre_check) == []
    assert len(pre_check.dossiers()) == before


def test_no_trace_of_the_person_in_any_log(pre_check: Appliance, sheets: list[Path]) -> None:
    scripted.run(pre_check, sheets[:1])
    logs = [*pre_check.state.glob("*.log")]
    journals = [*(pre_check.settings.site.state / "journal").glob("*.jsonl")]
    assert logs
    assert journals
    for file in (*logs, *journals):
        text = file.read_text("utf-8", "replace")
        for secret in (PERSON.name, PERSON.number):
            assert secret not in text, file.name
    assert all(journal.verify(file) is None for file in journals)


def test_the_first_page_is_shown_while_the_second_is_scanned(
    pre_check: Appliance, sheets: list[Path]
) -> None:
    pre_check.control("scanner", "set", delay=1.5)
    try:
        journey = scripted.run(pre_check, sheets)
    finally:
        pre_check.control("scanner", "repair")
    states = [(view.state, len(view.pages)) for view in journey.views if isinstance(view, ScanView)]
    assert states.index(("scanning", 1)) < states.index(("waiting", 2))
    (review,) = [view for view in journey.views if isinstance(view, ReviewView)]
    assert len(review.pages) == 2


def _drafts(appliance: Appliance) -> list[str]:
    async def drafts() -> list[str]:
        kiosk = app.build(appliance.settings)
        try:
            return [str(draft.id) for draft in kiosk.outbox.drafts()]
        finally:
            await kiosk.close()

    return asyncio.run(drafts())


def paper_of(appliance: Appliance) -> dict[str, Any]:
    state: dict[str, Any] = requests.get(appliance.controls["document-printer"], timeout=10).json()
    return state


def test_the_signed_copy_is_printed_once(pre_check: Appliance, sheets: list[Path]) -> None:
    before = paper_of(pre_check)
    finished = scripted.run(pre_check, sheets[:1]).finished
    assert finished is not None
    assert finished.copy is not None
    (job,) = paper_of(pre_check)["printed"][len(before["printed"]) :]
    assert job["sha256"] == hashlib.sha256(finished.copy).hexdigest()


def test_paper_out_in_the_middle_of_a_copy_and_refilled(
    pre_check: Appliance, sheets: list[Path]
) -> None:
    before = paper_of(pre_check)
    journey = scripted.run(pre_check, sheets, faults=["printer=paper-out-midway"])
    after = paper_of(pre_check)
    assert set(journey.failures) == {"device.printer.paper-out"}
    assert journey.finished is not None
    assert journey.finished.ended == "done"
    (job,) = after["printed"][len(before["printed"]) :]
    assert job["sides"] > 1
    assert after["sides_out"] - before["sides_out"] == job["sides"]
