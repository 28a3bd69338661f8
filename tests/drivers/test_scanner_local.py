"""A SANE device by name, with no eSCL to ask: SANE's own test backend serves its error codes."""

from __future__ import annotations

import asyncio
import ctypes
from pathlib import Path

import pytest

from drivers.contract import DeviceError, Fault, Health, ScanSettings, Status
from drivers.sane_worker import SANE_FAULTS, SaneWorker
from drivers.scanner import SaneScanner
from drivers.supervisor import Child, ChildSpec
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


STATUSES = {
    "UNSUPPORTED": (Fault.SCANNER_UNSUPPORTED, True, False),
    "CANCELLED": (Fault.SCANNER_IO, True, True),
    "DEVICE_BUSY": (Fault.SCANNER_BUSY, False, True),
    "INVAL": (Fault.SCANNER_UNSUPPORTED, True, False),
    "EOF": (Fault.SCANNER_IO, True, True),
    "JAMMED": (Fault.SCANNER_JAM, True, True),
    "NO_DOCS": (Fault.SCANNER_EMPTY, False, True),
    "COVER_OPEN": (Fault.SCANNER_DOOR_OPEN, True, True),
    "IO_ERROR": (Fault.SCANNER_IO, True, True),
    "NO_MEM": (Fault.SCANNER_IO, True, True),
    "ACCESS_DENIED": (Fault.SCANNER_DENIED, True, False),
}
"""Code, whether paper may be inside, whether trying again makes sense: all of sane.h."""


@pytest.mark.parametrize("status", STATUSES)
def test_each_sane_status_has_its_code(tmp_path: Path, status: str) -> None:
    code, paper_inside, retryable = STATUSES[status]
    configure(tmp_path, status)
    with pytest.raises(DeviceError) as caught:
        scan(tmp_path, ScanSettings(dpi=75))
    error = caught.value
    assert (error.code, error.paper_inside, error.retryable) == (code, paper_inside, retryable)


def test_no_text_of_sane_is_unknown() -> None:
    libsane = ctypes.CDLL("libsane.so.1")
    libsane.sane_strstatus.restype = ctypes.c_char_p
    texts = {libsane.sane_strstatus(status).decode() for status in range(1, 12)}
    assert texts == set(SANE_FAULTS)


def test_a_scanner_without_duplex_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        scan(tmp_path, ScanSettings(dpi=75, duplex=True))
    assert (caught.value.code, caught.value.retryable) == (Fault.SCANNER_UNSUPPORTED, False)


def test_check_finds_a_local_device(tmp_path: Path) -> None:
    async def main(device: str) -> Status:
        scanner = SaneScanner(device=device, work_dir=tmp_path)
        try:
            await scanner.check()
        except DeviceError:
            pass  # the status tells
        finally:
            await scanner.close()
        return scanner.status()

    assert asyncio.run(main("test:0")).health is Health.READY
    assert asyncio.run(main("test:9")).health is Health.ABSENT


class _Sensor:
    """A device of a backend that has a paper sensor; SANE's test backend has none."""

    def __init__(self, loaded: int) -> None:
        self.page_loaded = loaded
        self.opt = {"page_loaded": self}

    def is_active(self) -> int:
        return 1


@pytest.mark.parametrize(("feeder", "loaded", "empty"), [(1, 0, 1), (1, 1, 0), (0, 0, 0)])
def test_a_paper_sensor_tells_before_the_scan(feeder: int, loaded: int, empty: int) -> None:
    worker = SaneWorker.__new__(SaneWorker)
    worker._feeder, worker._device = bool(feeder), _Sensor(loaded)
    if not empty:
        worker._look_for_paper()
        return
    with pytest.raises(DeviceError) as caught:
        worker._look_for_paper()
    assert caught.value.code == Fault.SCANNER_EMPTY


def test_an_unknown_device_is_absent(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        scan(tmp_path, ScanSettings(), device="test:9")
    assert caught.value.code == Fault.SCANNER_ABSENT


def test_a_defect_of_the_child_is_no_fault_of_the_scanner(tmp_path: Path) -> None:
    """As where python-sane is not installed: the technician must not look for a cable."""

    async def main() -> None:
        scanner = SaneScanner(device="test:0", work_dir=tmp_path)
        scanner._child = Child(ChildSpec("scanner", "drivers.there_is_no_such:Worker"))
        with pytest.raises(DeviceError) as caught:
            await scanner.check()
        assert caught.value.code == scanner.status().code == Fault.CHILD_DEFECT
        await scanner.close()

    asyncio.run(main())
