"""A SANE device by name, with no eSCL to ask: SANE's own test backend serves its error codes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.contract import DeviceError, Fault, ScanSettings
from drivers.scanner import SaneScanner
from tests.drivers.image_devices import Picture, collect


def scan(tmp_path: Path, settings: ScanSettings, device: str = "test:0") -> list[Picture]:
    async def main() -> list[Picture]:
        scanner = SaneScanner(device=device, work_dir=tmp_path, deadline=20.0)
        pictures: list[Picture] = []
        try:
            await collect(scanner.scan(settings), pictures)
        finally:
            await scanner.close()
        return pictures

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def _configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dll.conf").write_text("test\n")
    monkeypatch.setenv("SANE_CONFIG_DIR", str(tmp_path))


def configure(tmp_path: Path, status: str) -> None:
    shipped = Path("/etc/sane.d/test.conf").read_text()
    changed = shipped.replace(
        'read-status-code "Default"', f'read-status-code "SANE_STATUS_{status}"'
    )
    assert changed != shipped
    (tmp_path / "test.conf").write_text(changed)


def test_pages_and_the_nearest_area(tmp_path: Path) -> None:
    pictures = scan(tmp_path, ScanSettings(source="glass", dpi=75, colour=False))
    assert len(pictures) == 1
    assert pictures[0].dpi == 75
    # The backend's bed is 200 mm wide and long.
    assert pictures[0].pixels.shape[:2] == pytest.approx((590, 590), abs=3)


@pytest.mark.parametrize(
    ("status", "code", "paper_inside"),
    [
        ("JAMMED", Fault.SCANNER_JAM, True),
        ("COVER_OPEN", Fault.SCANNER_DOOR_OPEN, True),
        ("DEVICE_BUSY", Fault.SCANNER_BUSY, False),
        ("NO_DOCS", Fault.SCANNER_EMPTY, False),
        ("ACCESS_DENIED", Fault.SCANNER_IO, True),
    ],
)
def test_each_sane_text_has_its_code(
    tmp_path: Path, status: str, code: Fault, paper_inside: bool
) -> None:
    configure(tmp_path, status)
    with pytest.raises(DeviceError) as caught:
        scan(tmp_path, ScanSettings(dpi=75))
    assert (caught.value.code, caught.value.paper_inside) == (code, paper_inside)


def test_an_unknown_device_is_absent(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        scan(tmp_path, ScanSettings(), device="test:9")
    assert caught.value.code == Fault.SCANNER_ABSENT
