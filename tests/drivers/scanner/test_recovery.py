"""After absence, a hang, a crash or a scan that was given up the same driver works again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from drivers import scanner as scanner_module
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.escl import EsclScanner
from tests.drivers.image_devices import difference, picture
from tests.drivers.scanner.story import PAGES, QUICK, SHEETS, Story, run


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
