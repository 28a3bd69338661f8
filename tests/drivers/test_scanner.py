"""Real SANE (sane-airscan) against the eSCL emulator: pages come right, faults come with a code."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers import escl_status
from drivers import scanner as scanner_module
from drivers.contract import DeviceError, Fault, Health, ScanSettings
from drivers.emulators.escl import EsclScanner
from drivers.escl_status import EsclReport
from drivers.scanner import SaneScanner
from tests.drivers.image_devices import Picture, collect, difference, encoded, page, picture

PAGES = [page(1), page(2), page(3)]
SHEETS = [encoded(image) for image in PAGES]
QUICK = ScanSettings(dpi=100)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner_module, "_BUSY_PATIENCE", 0.0)


@pytest.fixture(scope="module")
def emulator() -> Iterator[EsclScanner]:
    with EsclScanner() as device:
        yield device


@pytest.fixture
def device(emulator: EsclScanner) -> EsclScanner:
    """Three sheets in the feeder, no fault."""
    emulator.repair()
    emulator.load(SHEETS)
    emulator.state.pages_delivered = 0
    return emulator


class Story:
    """One SaneScanner in one event loop, and what came out of it."""

    def __init__(self, device: EsclScanner, work_dir: Path, deadline: float = 20.0) -> None:
        self.device = device
        self.scanner = SaneScanner(url=device.url, work_dir=work_dir, deadline=deadline)

    async def scan(self, settings: ScanSettings = QUICK) -> list[Picture]:
        pictures: list[Picture] = []
        await collect(self.scanner.scan(settings), pictures)
        return pictures

    async def fail(self, settings: ScanSettings = QUICK) -> tuple[DeviceError, list[Picture]]:
        pictures: list[Picture] = []
        with pytest.raises(DeviceError) as caught:
            await collect(self.scanner.scan(settings), pictures)
        return caught.value, pictures

    async def recover(self) -> None:
        """The same scanner object works again once the cause is gone."""
        self.device.repair()
        self.device.load(SHEETS)
        pictures = await self.scan()
        assert all(difference(p.pixels, s) < 3 for p, s in zip(pictures, PAGES, strict=True))
        assert self.scanner.status().health is Health.READY


def run(story: Any, device: EsclScanner, work_dir: Path, **options: Any) -> Any:
    async def main() -> Any:
        teller = Story(device, work_dir, **options)
        try:
            return await story(teller)
        finally:
            await teller.scanner.close()

    return asyncio.run(main())


def test_feeder_gives_every_sheet_in_colour(device: EsclScanner, tmp_path: Path) -> None:
    pictures = run(lambda story: story.scan(ScanSettings(dpi=200)), device, tmp_path)
    assert len(pictures) == 3
    for seen, image in zip(pictures, PAGES, strict=True):
        assert seen.dpi == 200
        height, width, channels = seen.pixels.shape
        assert channels == 3
        assert abs(width - 210 / 25.4 * 200) < 4
        assert abs(height - 297 / 25.4 * 200) < 4
        assert difference(seen.pixels, image.resize((1654, 2339))) < 3
    assert difference(pictures[0].pixels, PAGES[1].resize((1654, 2339))) > 10
    assert device.pages_delivered == 3


def test_gray_at_another_resolution(device: EsclScanner, tmp_path: Path) -> None:
    settings = ScanSettings(dpi=140, colour=False)
    pictures = run(lambda story: story.scan(settings), device, tmp_path)
    # The scanner has no 140 dpi: the next finer one is used, and said.
    assert [p.dpi for p in pictures] == [150, 150, 150]
    assert pictures[1].pixels.shape[2] == 1
    assert difference(pictures[1].pixels, PAGES[1].resize((1240, 1754))) < 3


def test_glass_gives_one_page_a_scan(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> list[Picture]:
        glass = ScanSettings(source="glass", dpi=100)
        return [*await teller.scan(glass), *await teller.scan(glass)]

    first, second = run(story, device, tmp_path)
    assert difference(first.pixels, PAGES[0]) < 3
    assert difference(second.pixels, PAGES[1]) < 3


def test_the_first_page_is_delivered_while_the_second_is_scanned(
    device: EsclScanner, tmp_path: Path
) -> None:
    device.set(hold_page=2)

    async def story(teller: Story) -> int:
        count = 0
        async for raster in teller.scanner.scan(QUICK):
            raster.pixels.close()
            count += 1
            assert device.pages_delivered == 1 or count > 1
            device.set(hold_page=0)
        return count

    assert run(story, device, tmp_path) == 3


def test_both_sides_of_every_sheet(device: EsclScanner, tmp_path: Path) -> None:
    pictures = run(lambda story: story.scan(ScanSettings(dpi=100, duplex=True)), device, tmp_path)
    assert len(pictures) == 4
    assert all(difference(p.pixels, s) < 3 for p, s in zip(pictures, PAGES, strict=False))
    assert pictures[3].pixels.min() > 250  # the last sheet's back
    again = run(_reloaded(device), device, tmp_path)
    assert len(again) == 3  # one side only, if that is what was asked


def _reloaded(device: EsclScanner) -> Any:
    device.load(SHEETS)
    return lambda story: story.scan()


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


def test_a_check_tells_what_is_wrong_and_what_is_well(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        scanner = teller.scanner
        assert scanner.status().health is Health.OPENING
        device.set(adf="door-open")
        with pytest.raises(DeviceError):
            await scanner.check()
        fault = scanner.status()
        assert (fault.health, fault.code) == (Health.FAULT, Fault.SCANNER_DOOR_OPEN)
        device.repair()
        await scanner.check()
        assert scanner.status().health is Health.READY

    run(story, device, tmp_path)


def test_a_check_leaves_a_scan_alone(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        scan = teller.scanner.scan(QUICK)
        picture(await anext(scan))
        device.set(http_status=500)
        await teller.scanner.check()
        assert teller.scanner.status().health is Health.BUSY
        device.set(http_status=0)
        await scan.aclose()

    run(story, device, tmp_path)


def test_an_old_answer_is_stale(
    device: EsclScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(teller: Story) -> None:
        await teller.scanner.check()
        monkeypatch.setattr(scanner_module, "BELIEVED_SECONDS", -1.0)
        assert teller.scanner.status().health is Health.STALE

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


def test_an_absent_scanner_that_comes_back(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        device.die()
        error, _ = await teller.fail()
        assert (error.code, error.paper_inside) == (Fault.SCANNER_ABSENT, False)
        assert teller.scanner.status().health is Health.ABSENT
        await teller.recover()

    run(story, device, tmp_path)


def test_a_scanner_that_hangs_is_given_up_at_the_deadline(
    device: EsclScanner, tmp_path: Path
) -> None:
    async def story(teller: Story) -> None:
        device.state.delay = 30.0
        began = time.monotonic()
        error, _ = await teller.fail()
        assert time.monotonic() - began < 5
        assert (error.code, error.paper_inside) == (Fault.SCANNER_IO, True)
        assert Fault.CHILD_TIMEOUT in error.detail
        await teller.recover()

    run(story, device, tmp_path, deadline=1.0)


def test_a_crash_between_two_pages_is_a_scanner_fault(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        scan = teller.scanner.scan(QUICK)
        picture(await anext(scan))
        process = teller.scanner._child._process
        assert process
        os.kill(process.pid, signal.SIGSEGV)
        process.wait()
        with pytest.raises(DeviceError) as caught:
            await anext(scan)
        assert (caught.value.code, caught.value.paper_inside) == (Fault.SCANNER_IO, True)
        await teller.recover()

    run(story, device, tmp_path)


def test_an_abandoned_scan_does_not_hinder_the_next(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        scan = teller.scanner.scan(QUICK)
        picture(await anext(scan))
        await scan.aclose()
        assert teller.scanner.status().health is Health.READY
        await teller.recover()

    run(story, device, tmp_path)


def test_a_scan_left_open_ends_when_another_begins(device: EsclScanner, tmp_path: Path) -> None:
    async def story(teller: Story) -> None:
        older = teller.scanner.scan(QUICK)
        picture(await anext(older))
        device.load(SHEETS)
        newer = await teller.scan()
        # airscan fetches ahead, so the older job may have taken the first of the new sheets.
        assert len(newer) >= len(SHEETS) - 1
        for found, sheet in zip(reversed(newer), reversed(PAGES), strict=False):
            assert difference(found.pixels, sheet) < 3
        with pytest.raises(DeviceError) as caught:
            await anext(older)
        assert caught.value.code == Fault.SCANNER_BUSY
        assert teller.scanner.status().health is Health.READY

    run(story, device, tmp_path)


def test_a_cancelled_scan_that_hangs_does_not_block_the_next(
    device: EsclScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner_module, "_STOP_DEADLINE", 0.2)

    async def story(teller: Story) -> None:
        stuck_in_child = asyncio.Event()
        call = teller.scanner._child.call

        async def watched(method: str, **arguments: Any) -> Any:
            if method == "next_page":
                stuck_in_child.set()
            return await call(method, **arguments)

        monkeypatch.setattr(teller.scanner._child, "call", watched)
        device.state.delay = 30.0
        task = asyncio.create_task(teller.scan())
        await stuck_in_child.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await teller.recover()

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


def test_shared_memory_is_given_back(device: EsclScanner, tmp_path: Path) -> None:
    def open_memory() -> int:
        links = (Path(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd"))
        return sum("memfd:kiosk-blob" in os.readlink(link) for link in links if link.exists())

    before = open_memory()
    run(lambda story: story.scan(), device, tmp_path)
    assert open_memory() == before


def test_a_scanner_without_a_feeder_says_so(device: EsclScanner, tmp_path: Path) -> None:
    device.state.feeder = False

    async def story(teller: Story) -> None:
        error, _ = await teller.fail()
        assert (error.code, error.retryable) == (Fault.SCANNER_ABSENT, False)
        assert len(await teller.scan(ScanSettings(source="glass", dpi=100))) == 1

    run(story, device, tmp_path)


def test_a_scanner_that_connects_but_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escl_status, "_STATUS_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/eSCL"
        assert escl_status.ask_escl(url, feeder=True).fault is Fault.SCANNER_IO


def test_an_address_or_a_name_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="url or a device"):
        SaneScanner(work_dir=tmp_path)
