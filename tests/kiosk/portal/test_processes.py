"""Several portal processes on one storage: nothing lost, nothing twice, whoever dies."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import requests

from tests.kiosk.portal.line import TestDossier, TestKiosk
from tests.kiosk.portal.processes import PortalProcesses, deliver

KILLS = 18  # on each storage
LONGEST_WAIT = 0.3  # seconds from one kill to the next: a few intakes under this load
RACES = 8


def enrolled(portal: PortalProcesses, name: str) -> TestKiosk:
    kiosk = TestKiosk(portal, name)
    assert kiosk.enrol().status_code == 200
    return kiosk


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Results of calls that begin at the same moment."""
    gate = threading.Barrier(len(calls))

    def call(work: Callable[[], Any]) -> Any:
        gate.wait(10)
        return work()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def accepted(portal: PortalProcesses) -> list[str]:
    return sorted(line["id"] for line in portal.desk("GET", "/dossiers").json())


def test_processes_share_one_set_of_keys(processes: PortalProcesses) -> None:
    kiosk = enrolled(processes, "kiosk-01")
    dossiers = [kiosk.dossier() for _ in range(4)]
    assert {dossier.send()["key_id"] for dossier in dossiers} == {kiosk.keys["receipt_key_id"]}


def test_one_dossier_sent_to_both_has_one_receipt(processes: PortalProcesses) -> None:
    kiosk = enrolled(processes, "kiosk-01")
    dossiers = [kiosk.dossier() for _ in range(RACES)]
    for dossier in dossiers:
        first, second = at_once(partial(deliver, dossier), partial(deliver, dossier))
        assert first == second
    assert accepted(processes) == sorted(str(dossier.id) for dossier in dossiers)


def test_an_id_that_two_kiosks_race_for_is_one_dossier(processes: PortalProcesses) -> None:
    one, two = enrolled(processes, "kiosk-01"), enrolled(processes, "kiosk-02")
    ids = []
    for _ in range(RACES):
        mine, thine = one.dossier(), two.dossier()
        thine.id = mine.id
        thine.manifest = thine.manifest.model_copy(update={"id": mine.id, "key": mine.manifest.key})
        statuses = [answer.status_code for answer in at_once(mine.put, thine.put)]
        assert sorted(statuses) == [200, 409]
        ids.append(str(mine.id))
    states = [one.call("GET", f"/v1/dossiers/{id_}").status_code for id_ in ids]
    assert set(states) <= {200, 404}
    others = [two.call("GET", f"/v1/dossiers/{id_}").status_code for id_ in ids]
    assert [{a, b} for a, b in zip(states, others, strict=True)] == [{200, 404}] * RACES


def test_a_one_time_code_raced_by_two_keys_enrols_one(processes: PortalProcesses) -> None:
    from kiosk.portal import enrolment

    for number in range(RACES):
        name = f"kiosk-{number}"
        code = enrolment.add_code(processes.settings.enrolment_codes_file, name)
        pair = TestKiosk(processes, name), TestKiosk(processes, name)
        answers = at_once(*(partial(kiosk.enrol, code) for kiosk in pair))
        assert sorted(answer.status_code for answer in answers) == [200, 401]
        calls = [kiosk.call("GET", "/v1/policy").status_code for kiosk in pair]
        assert sorted(calls) == [401, 404]


def test_a_case_is_decided_once(processes: PortalProcesses) -> None:
    kiosk = enrolled(processes, "kiosk-01")
    for _ in range(RACES):
        dossier = kiosk.dossier()
        dossier.send()
        case = f"/cases/{dossier.id}"
        approve = partial(
            processes.desk, "POST", f"{case}/approve", json={"original_seen": "at-the-desk"}
        )
        refuse = partial(processes.desk, "POST", f"{case}/refuse", json={"reason": "mờ"})
        yes, no = at_once(approve, refuse)
        assert sorted((yes.ok, no.ok)) == [False, True]
        assert dossier.state()["processing"] == (4 if yes.ok else 3)


def test_fifty_kiosks_at_once(processes: PortalProcesses) -> None:
    kiosks = [enrolled(processes, f"kiosk-{number:02}") for number in range(50)]
    dossiers = [kiosk.dossier() for kiosk in kiosks]
    receipts = at_once(*(partial(deliver, dossier) for dossier in dossiers))
    assert len(set(receipts)) == 50
    assert accepted(processes) == sorted(str(dossier.id) for dossier in dossiers)


@pytest.mark.slow
def test_a_process_killed_at_any_instant_loses_nothing(processes: PortalProcesses) -> None:
    """Kiosks send without a pause while processes die; whatever got a receipt is there, once."""
    kiosks = [enrolled(processes, f"kiosk-{number:02}") for number in range(4)]
    over = threading.Event()
    with ThreadPoolExecutor(len(kiosks)) as pool:
        work = [pool.submit(_send_until, over, kiosk) for kiosk in kiosks]
        try:
            chance = random.Random(3)
            for number in range(KILLS):
                over.wait(chance.uniform(0, LONGEST_WAIT))  # a random instant is what is tested
                processes.kill(number % 2)
        finally:
            over.set()
        sent = [pair for future in work for pair in future.result()]
    assert len(sent) >= len(kiosks)
    assert accepted(processes) == sorted(str(dossier.id) for dossier, _ in sent)
    for dossier, receipt in sent:
        assert dossier.commit().text == receipt
        shown = processes.desk("GET", f"/cases/{dossier.id}/text")
        assert shown.status_code == requests.codes.ok


def _send_until(over: threading.Event, kiosk: TestKiosk) -> list[tuple[TestDossier, str]]:
    sent = []
    while not over.is_set():
        dossier = kiosk.dossier()
        sent.append((dossier, deliver(dossier)))
    return sent
