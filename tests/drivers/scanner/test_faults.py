"""Each fault of a scanner by its code, before a page, between pages and after the paper."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from drivers import escl_status
from drivers import scanner as scanner_module
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.escl import EsclScanner
from drivers.escl_status import EsclReport
from tests.drivers.image_devices import picture
from tests.drivers.scanner.story import QUICK, SHEETS, Story, run


def test_an_image_that_got_lost_on_the_way_is_missed(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        device.state.lose_page = 2
        error, pictures = await teller.fail()
        assert (error.code, error.paper_inside) == (Fault.SCANNER_IO, True)
        assert "3 images made, 2 arrived" in error.detail
        assert len(pictures) == 2
        await teller.recover()

    run(story, device, tmp_path)


def test_a_jam_during_a_cancelled_scan_is_told(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        device.state.fault_on_page = 2
        scan = teller.scanner.scan(QUICK)
        picture(await anext(scan))
        device.set(adf="jam")
        await scan.aclose()
        status = teller.scanner.status()
        assert (status.health, status.code) == (Health.FAULT, Fault.SCANNER_JAM)
        assert status.paper_inside
        await teller.recover()
        assert not teller.scanner.status().paper_inside

    run(story, device, tmp_path)


@pytest.mark.parametrize(
    ("state", "code", "paper_inside"),
    [
        ({"adf": "empty"}, Fault.SCANNER_EMPTY, False),
        ({"adf": "jam"}, Fault.SCANNER_JAM, True),
        ({"adf": "door-open"}, Fault.SCANNER_DOOR_OPEN, False),
        ({"adf": "multifeed"}, Fault.SCANNER_MULTIFEED, True),
        ({"busy": True}, Fault.SCANNER_BUSY, False),
        ({"http_status": 503}, Fault.SCANNER_BUSY, False),
        ({"http_status": 500}, Fault.SCANNER_IO, False),
        ({"garbage": True}, Fault.SCANNER_IO, False),
        ({"half": True}, Fault.SCANNER_IO, False),
    ],
)
def test_a_fault_before_the_first_page(
    device: EsclScanner, tmp_path: Path, state: dict[str, Any], code: Fault, paper_inside: bool
) -> None:
    async def story(teller: Story) -> None:
        vars(device.state).update(state)
        error, pictures = await teller.fail()
        assert (error.code, error.paper_inside, error.retryable) == (code, paper_inside, True)
        assert not pictures
        # An empty feeder is how a scanner waits for the next person: nobody has to come for it.
        waits = (Health.READY, None)
        status = teller.scanner.status()
        expected = waits if code is Fault.SCANNER_EMPTY else (Health.FAULT, code)
        assert (status.health, status.code) == expected
        assert status.paper_inside is paper_inside
        await teller.recover()

    run(story, device, tmp_path)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("jam", Fault.SCANNER_JAM),
        ("door-open", Fault.SCANNER_DOOR_OPEN),
        ("multifeed", Fault.SCANNER_MULTIFEED),
        ("die", Fault.SCANNER_ABSENT),
    ],
)
def test_a_fault_on_the_second_page(
    device: EsclScanner, tmp_path: Path, fault: str, code: Fault
) -> None:
    async def story(teller: Story) -> None:
        device.state.fault, device.state.fault_on_page = fault, 2
        error, pictures = await teller.fail()
        assert (error.code, error.paper_inside) == (code, True)
        assert len(pictures) == 1
        await teller.recover()

    run(story, device, tmp_path)


@pytest.mark.parametrize("quietly", [False, True])
def test_a_truncated_image_is_no_page(device: EsclScanner, tmp_path: Path, quietly: bool) -> None:
    async def story(teller: Story) -> None:
        device.state.truncate, device.state.quietly = 9000, quietly
        error, pictures = await teller.fail()
        assert (error.code, error.paper_inside) == (Fault.SCANNER_IO, True)
        assert not pictures
        await teller.recover()

    run(story, device, tmp_path)


def test_a_job_that_ends_politely_at_a_jam_is_a_jam(
    device: EsclScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the rest of a dossier would be missing and nobody would know."""
    pull = device._pull
    monkeypatch.setattr(
        device, "_pull", lambda job: (404 if (got := pull(job))[0] == 409 else got[0], got[1])
    )

    async def story(teller: Story) -> None:
        device.state.fault, device.state.fault_on_page = "jam", 3
        error, pictures = await teller.fail()
        assert error.code == Fault.SCANNER_JAM
        assert len(pictures) == 2

    run(story, device, tmp_path)


def test_a_fault_seen_only_after_the_paper_is_raised(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        scan = teller.scanner.scan(QUICK)
        for _ in SHEETS:
            picture(await anext(scan))
        device.state.adf = "multifeed"
        with pytest.raises(DeviceError) as caught:
            await anext(scan)
        assert caught.value.code == Fault.SCANNER_MULTIFEED

    run(story, device, tmp_path)


def test_a_busy_scanner_is_given_a_moment(
    device: EsclScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner_module, "_BUSY_PATIENCE", 10.0)
    monkeypatch.setattr(scanner_module, "_BUSY_PAUSE", 0.01)
    busy, idle = EsclReport(Fault.SCANNER_BUSY), EsclReport()
    answers = [busy, busy, idle, idle]
    monkeypatch.setattr(scanner_module, "ask_escl", lambda url, feeder: answers.pop(0))
    pictures = run(lambda story: story.scan(), device, tmp_path)
    assert len(pictures) == 3
    assert not answers


def test_a_scanner_that_connects_but_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escl_status, "_STATUS_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/eSCL"
        assert escl_status.ask_escl(url, feeder=True).fault is Fault.SCANNER_IO
