"""What link does for a session: dossiers, copies, people, calls; and how it says it cannot."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kiosk import journal
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.journal import Journal
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from offline_queue.intake import Problem
from offline_queue.outbox import State
from tests.kiosk.link.place import Place, refused, run, until, until_ready
from tests.kiosk.link.small_vneid import CODE as PHONE_CODE
from tests.kiosk.link.small_vneid import SmallVneid
from tests.offline_queue.invented import locked_dossier
from tests.offline_queue.small_portal import SmallPortal, Told


def test_a_submitted_dossier_is_accepted_before_the_answer(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state == "accepted"
        assert outbox.get(dossier).state is State.ERASED
        assert place.portal.accepted == [dossier]
        outbox.close()

    run(place, story)


def test_what_became_of_a_dossier_is_in_the_journal_and_its_id_nowhere(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told: list[str] = []

    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        for fault in ([], [Problem.BAD_MANIFEST]):
            place.portal.fault("PUT", *fault)
            dossier = str(locked_dossier(outbox))
            told.append(dossier)
            await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=dossier))
        outbox.close()

    run(place, story)
    folder = place.settings.site.state / "journal"
    entries = list(journal.read(folder / "link.jsonl"))
    assert [entry["event"] for entry in entries] == ["enrolled", "accepted", "rejected"]
    assert entries[2]["code"] == Problem.BAD_MANIFEST
    reader = Journal(folder, "reader", local_now)
    assert [entry["dossier"] for entry in entries[1:]] == [*map(reader.reference, told)]
    reader.close()
    assert journal.verify(folder / "link.jsonl") is None
    for text in (caplog.text, (folder / "link.jsonl").read_text()):
        assert not any(dossier in text for dossier in told)


def test_an_outage_is_told_at_once_and_the_dossier_follows_by_itself(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        place.portal.fault("PUT", *["500"] * 3)
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state in ("unknown", "accepted")  # the loop may have been faster thrice
        await until(lambda: outbox.get(dossier).state is State.ERASED)
        assert place.portal.held[dossier].commits == 1
        outbox.close()

    run(place, story)


def test_a_dossier_that_nobody_submits_is_sent_all_the_same(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        await until(lambda: outbox.get(dossier).state is State.ERASED)
        outbox.close()

    run(place, story)


def test_submitting_what_is_not_there_is_told(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        for dossier, code in ((str(UUID(int=1)), "queue.not-found"), ("no id", Fault.UNEXPECTED)):
            with pytest.raises(KioskError) as caught:
                await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=dossier))
            assert caught.value.code == code

    run(place, story)


def test_the_copy_is_waited_for_issued_or_refused(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        request = messages.CopyRequest(dossier_id=str(dossier))
        await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        held = place.portal.held[dossier]
        answer = await client.call(verbs.COPY, request)
        assert (answer.state, answer.processing, answer.pdf) == ("waiting", 1, None)
        held.processing = 9
        assert (await client.call(verbs.COPY, request)).state == "waiting"
        held.number, held.copy = "17", b"%PDF-1.7 copy"
        answer = await client.call(verbs.COPY, request)
        assert (answer.state, answer.number, answer.pdf) == ("issued", "17", b"%PDF-1.7 copy")
        held.processing = 10
        assert (await client.call(verbs.COPY, request)).state == "issued"
        for processing in (3, 8):
            held.processing, held.note = processing, "erased text on page 1"
            answer = await client.call(verbs.COPY, request)
            assert (answer.state, answer.pdf) == ("refused", None)
            assert answer.note == "erased text on page 1"
        outbox.close()

    run(place, story)


def test_a_copy_of_what_the_portal_does_not_know_is_waited_for(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        answer = await client.call(verbs.COPY, messages.CopyRequest(dossier_id=str(UUID(int=1))))
        assert (answer.state, answer.processing) == ("waiting", None)

    run(place, story)


def test_a_phones_code_becomes_a_person_although_the_portal_is_down(place: Place) -> None:
    place.portal.close()
    place.provider.profile["photo"] = "/9j/4A=="

    async def story(client: LinkClient) -> None:
        request = messages.IdentifyRequest(payload=PHONE_CODE)
        identity = await client.call(verbs.IDENTIFY, request)
        assert identity.citizen_number == "001099000001"
        assert identity.birth_date.year == 1990
        assert identity.photo == b"\xff\xd8\xff\xe0"
        with pytest.raises(KioskError) as caught:
            await client.call(verbs.IDENTIFY, request)
        assert refused(caught, Fault.IDENTITY_REPLAYED)

    run(place, story)


def test_without_network_what_needs_it_says_so(place: Place) -> None:
    place.portal.close()
    place.provider.close()

    async def story(client: LinkClient) -> None:
        calls: list[Awaitable[object]] = [
            client.call(verbs.IDENTIFY, messages.IdentifyRequest(payload=PHONE_CODE)),
            client.call(verbs.COPY, messages.CopyRequest(dossier_id=str(UUID(int=1)))),
            client.call(verbs.CALL_STAFF, messages.StaffRequest(reason="help")),
            client.call(verbs.TRUST, messages.Empty()),
        ]
        for call in calls:
            with pytest.raises(KioskError) as caught:
                await call
            assert refused(caught, Fault.LINK_OFFLINE)
            assert caught.value.retryable
        lease = await client.call(verbs.LEASE, messages.LeaseRequest(kind="dossier", count=5))
        assert lease.left == 0

    run(place, story)


def test_staff_are_called(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        await client.call(verbs.CALL_STAFF, messages.StaffRequest(reason="device.scanner.jam"))

    run(place, story)
    assert place.portal.staff_calls == ["device.scanner.jam"]


def test_a_rejected_dossier_is_told(place: Place) -> None:
    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        place.portal.fault("PUT", Problem.BAD_MANIFEST)
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state == "rejected"
        outbox.close()

    run(place, story)


class FleetPortal(SmallPortal):
    """Also takes heartbeats."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[dict[str, Any]] = []

    def _route(self, method: str, path: list[str], headers: Any, body: bytes) -> Told:
        if (method, path) == ("POST", ["heartbeats"]):
            self.beats.append(json.loads(body))
            return Told(204)
        return super()._route(method, path, headers, body)


def test_heartbeats_tell_how_the_kiosk_is() -> None:
    folder = Path(tempfile.mkdtemp(prefix="link-"))
    with FleetPortal() as portal, SmallVneid() as provider:
        place = Place(folder, portal, provider)

        async def story(client: LinkClient) -> None:
            await until(lambda: portal.beats)
            assert portal.beats[0].keys() == {
                "queue",
                "oldest_seconds",
                "devices",
                "version",
                "clock_trusted",
            }
            portal.fault("PUT", *["500"] * 1000)
            outbox = place.outbox()
            locked_dossier(outbox)
            outbox.close()
            devices = {"scanner": "device.scanner.jam", "camera": "ok"}
            assert (await client.call(verbs.REPORT, messages.ReportRequest(devices=devices))).pushed
            beat = portal.beats[-1]
            assert (beat["queue"], beat["devices"], beat["clock_trusted"]) == (1, devices, True)
            assert 0 <= beat["oldest_seconds"] < 60
            told = len(portal.beats)
            await until(lambda: len(portal.beats) > told)  # link's own, with the same devices
            assert portal.beats[-1]["devices"] == devices

        run(place, story)
    shutil.rmtree(folder)


def test_a_clock_that_was_set_back_still_lets_link_beat() -> None:
    """What waits was locked two years from now, and is held."""
    folder = Path(tempfile.mkdtemp(prefix="link-"))
    with FleetPortal() as portal, SmallVneid() as provider:
        place = Place(folder, portal, provider)

        async def story(client: LinkClient) -> None:
            await until_ready(client)
            outbox = place.outbox(lambda: local_now() + timedelta(days=730))
            outbox.hold(locked_dossier(outbox))
            outbox.close()
            await until(lambda: portal.beats and portal.beats[-1]["queue"] == 1)
            assert 0 <= portal.beats[-1]["oldest_seconds"] < 60

        run(place, story)
    shutil.rmtree(folder)
