"""Pages come right: colour, resolution, glass, feeder, both sides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import Fault, ScanSettings
from drivers.emulators.escl import EsclScanner
from drivers.scanner import SaneScanner
from tests.drivers.image_devices import Picture, difference
from tests.drivers.scanner.story import PAGES, QUICK, SHEETS, Story, run


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


def test_an_address_or_a_name_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="url or a device"):
        SaneScanner(work_dir=tmp_path)
