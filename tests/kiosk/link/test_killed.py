"""The real process: killed at random instants, stopped while a request hangs, started anew."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from kiosk.failures import KioskError
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.settings import Settings
from tests.kiosk.link.office import Office, opened

KILLS = 12
STOP_SECONDS = 5.0
READY_SECONDS = 5.0
"""On a busy machine; docs/link.md tells what was measured on an idle one."""


@pytest.fixture
def office() -> Iterator[Office]:
    with opened() as found:
        yield found


def settings_file(settings: Settings, folder: Any) -> str:
    link, payment = settings.link, settings.payment
    text = f"""
[site]
environment = "test"
state = "{settings.site.state}"
[identity]
issuer = "{settings.identity.issuer}"
[link]
socket = "{link.socket}"
portal = "{link.portal}"
enrolment_code_file = "{link.enrolment_code_file}"
trust_anchor_file = "{link.trust_anchor_file}"
poll_seconds = 0.02
[payment]
gateway = "{payment.gateway}"
notice_key_file = "{payment.notice_key_file}"
"""
    file = folder / "kiosk.toml"
    file.write_text(text)
    return str(file)


@contextmanager
def link_process(office: Office) -> Iterator[subprocess.Popen[bytes]]:
    file = settings_file(office.settings, office.folder)
    with (office.folder / "link.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kiosk", "link", "--settings", file], stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def answers(office: Office) -> bool:
    try:
        client = LinkClient(office.settings.link.socket)
        asyncio.run(client.call(verbs.STATUS, messages.Empty()))
    except KioskError:
        return False
    return True


def until_it_answers(office: Office) -> float:
    """Seconds."""
    began = time.monotonic()
    while not answers(office):
        assert time.monotonic() - began < 20
        time.sleep(0.01)
    return time.monotonic() - began


def listed(office: Office) -> list[str]:
    return [entry["id"] for entry in office.portal.desk("GET", "/dossiers").json()]


def waiting(office: Office) -> int:
    outbox = office.outbox()
    try:
        return outbox.waiting()
    finally:
        outbox.close()


@pytest.mark.slow
def test_killed_again_and_again_nothing_is_lost_and_nothing_twice(
    office: Office,
) -> None:
    rng = random.Random(20261124)
    dossiers: list[UUID] = []
    for round_ in range(KILLS):
        with link_process(office) as process:
            if round_ == 0:
                until_enrolled(office)
            locked = [office.lock(f"H26.15-261124-{round_:02}{n:02}") for n in range(3)]
            dossiers += locked
            submit_some(office, rng)
            # A little after the first is under way: anywhere between two commits.
            until_something_moved(office, locked)
            time.sleep(rng.uniform(0.0, 0.08))
            process.send_signal(signal.SIGKILL)
            process.wait()
    with link_process(office):
        until_it_answers(office)
        end = time.monotonic() + 30
        while waiting(office):
            assert time.monotonic() < end
            time.sleep(0.02)
    assert sorted(listed(office)) == sorted(map(str, dossiers))
    outbox = office.outbox()
    assert {str(outbox.get(dossier).state) for dossier in dossiers} == {"erased"}
    outbox.close()
    assert len(dossiers) == 3 * KILLS


def until_enrolled(office: Office) -> None:
    until_it_answers(office)
    client = LinkClient(office.settings.link.socket)
    request = messages.LeaseRequest(kind="dossier", count=1)
    while asyncio.run(client.call(verbs.LEASE, request)).left < 1:
        time.sleep(0.02)


def until_something_moved(office: Office, locked: list[UUID]) -> None:
    end = time.monotonic() + 10
    outbox = office.outbox()
    while all(str(outbox.get(dossier).state) == "locked" for dossier in locked):
        assert time.monotonic() < end
        time.sleep(0.002)
    outbox.close()


def submit_some(office: Office, rng: random.Random) -> None:
    """Traffic of a journey beside the sending."""
    client = LinkClient(office.settings.link.socket)
    calls: list[tuple[verbs.Verb[Any, Any], messages.Message]] = [
        (verbs.STATUS, messages.Empty()),
        (verbs.RATE, messages.RateRequest(procedure="2.000815", stars=5)),
        (verbs.LEASE, messages.LeaseRequest(kind="dossier", count=120)),
    ]
    verb, request = rng.choice(calls)
    try:
        asyncio.run(client.call(verb, request))
    except KioskError:
        pass  # it is just starting


def test_a_stop_is_clean_and_quick_although_a_request_hangs(
    office: Office,
) -> None:
    with link_process(office) as process:
        until_enrolled(office)
        office.line.set("silent")
        dossier = office.lock()
        until_something_moved(office, [dossier])  # the upload hangs, and would for 30 s
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - began < STOP_SECONDS
        assert not office.settings.link.socket.exists()
    office.line.set("good")
    with link_process(office) as process:
        assert until_it_answers(office) < READY_SECONDS
        end = time.monotonic() + 20
        while waiting(office):
            assert time.monotonic() < end
            time.sleep(0.02)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    assert listed(office) == [str(dossier)]
