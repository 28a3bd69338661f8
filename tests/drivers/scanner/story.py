"""One scanner driver in one event loop, on the eSCL emulator, through real SANE (sane-airscan)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import DeviceError, Health, ScanSettings
from drivers.emulators.escl import EsclScanner
from drivers.scanner import SaneScanner
from tests.drivers.image_devices import Picture, collect, difference, encoded, page

PAGES = [page(1), page(2), page(3)]
SHEETS = [encoded(image) for image in PAGES]
QUICK = ScanSettings(dpi=100)


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
