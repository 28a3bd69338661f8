"""What the driver knows of its scanner: asked, busy, and answers that have become old."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import standing
from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.escl import EsclScanner
from tests.drivers.image_devices import picture
from tests.drivers.scanner.story import QUICK, Story, run


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
        monkeypatch.setattr(standing, "FRESH_SECONDS", -1.0)
        assert teller.scanner.status().health is Health.STALE

    run(story, device, tmp_path)
