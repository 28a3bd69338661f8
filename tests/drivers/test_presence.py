"""Devices that went away are found again; one that hangs delays no other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drivers import presence
from drivers import scanner as scanner_module
from drivers.contract import DeviceError, Fault, Health, Status
from drivers.emulators.escl import EsclScanner
from drivers.presence import watching
from drivers.scanner import SaneScanner
from drivers.standing import FRESH_SECONDS


class Device:
    """Counts how often it is asked. ``answer`` is what a check runs into."""

    def __init__(self, health: Health, answer: Callable[[], object] = lambda: None) -> None:
        self.health = health
        self.answer = answer
        self.asked = 0
        self.twice = asyncio.Event()

    def status(self) -> Status:
        return Status(self.health, 0.0)

    async def check(self) -> None:
        self.asked += 1
        if self.asked >= 2:
            self.twice.set()
        self.answer()

    async def close(self) -> None:
        pass


class Hanging(Device):
    async def check(self) -> None:
        self.asked += 1
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_EAGER_SECONDS", 0.01)


def _absent() -> None:
    raise DeviceError(Fault.SCANNER_ABSENT)


def _defect() -> None:
    raise KeyError("a defect")


def test_who_is_asked_and_who_is_left_alone() -> None:
    async def main() -> dict[str, int]:
        devices = {
            "absent": Device(Health.ABSENT, _absent),
            "defect": Device(Health.FAULT, _defect),
            "stale": Device(Health.STALE),
            "ready": Device(Health.READY),
            "busy": Device(Health.BUSY),
            "hanging": Hanging(Health.FAULT),
        }
        async with watching(tuple(devices.values())):
            for name in ("absent", "defect", "stale"):
                await asyncio.wait_for(devices[name].twice.wait(), 10)
        return {name: device.asked for name, device in devices.items()}

    asked = asyncio.run(main())
    assert min(asked["absent"], asked["defect"], asked["stale"]) >= 2
    # Nobody asks a device that works more often than each minute, or one that is at work at all.
    assert (asked["ready"], asked["busy"], asked["hanging"]) == (1, 0, 1)


def test_a_device_that_is_asked_in_time_is_believed_until_the_next_answer() -> None:
    between = presence._CALM_SECONDS + presence._EAGER_SECONDS + presence._PATIENCE
    assert between < FRESH_SECONDS


def test_a_scanner_that_comes_back_is_ready(tmp_path: Path) -> None:
    async def until(scanner: SaneScanner, health: Health) -> None:
        while scanner.status().health is not health:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def main(device: EsclScanner) -> float:
        scanner = SaneScanner(url=device.url, work_dir=tmp_path)
        async with watching((scanner,)):
            await asyncio.wait_for(until(scanner, Health.READY), 10)
            device.die()
            with pytest.raises(DeviceError):
                await scanner.check()
            assert scanner.status().health is Health.ABSENT
            device.repair()
            back = time.monotonic()
            await asyncio.wait_for(until(scanner, Health.READY), 10)
        await scanner.close()
        return time.monotonic() - back

    with EsclScanner() as device:
        assert asyncio.run(main(device)) < 3


def test_checks_that_hang_in_their_threads_hold_no_other_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More scanners than ``asyncio.to_thread`` has threads, all of them hung and given up."""
    released, hanging = threading.Event(), list[str]()

    def hang(url: str, feeder: bool) -> None:
        hanging.append(url)
        released.wait()

    monkeypatch.setattr(presence, "_PATIENCE", 0.02)
    monkeypatch.setattr(scanner_module, "ask_escl", hang)

    async def main() -> str:
        scanners = [SaneScanner(url="http://127.0.0.1:9/eSCL", work_dir=tmp_path) for _ in range(9)]
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(6))
        async with watching(scanners):
            while len(hanging) < 6:  # noqa: ASYNC110 - threads say nothing to a loop
                await asyncio.sleep(0.01)
            try:
                return await asyncio.wait_for(asyncio.to_thread(lambda: "a slip"), 5)
            finally:
                released.set()
                for scanner in scanners:
                    await scanner.close()

    assert asyncio.run(main()) == "a slip"


def test_nothing_is_asked_when_the_watch_is_over() -> None:
    async def main() -> list[int]:
        device = Device(Health.ABSENT, _absent)
        async with watching((device,)):
            await asyncio.wait_for(device.twice.wait(), 10)
        seen = device.asked
        for _ in range(10):
            await asyncio.sleep(0)
        return [seen, device.asked]

    before, after = asyncio.run(main())
    assert before == after
