"""What SANE and its child cost: a scan against plain HTTP fetches of the same pages.

The emulator takes ``PACE`` seconds a page, as a feeder of 30 pages a minute does, and has memory
for the next one, as they have; the ratio without that memory is told too.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

import requests

from drivers.contract import ScanSettings
from drivers.emulators.escl import EsclScanner
from drivers.scanner import SaneScanner
from tests.bench.measure import Row, cpu_seconds, wall_seconds
from tests.drivers.image_devices import encoded, page

PAGES = 10
PACE = 2.0
DPI = 200
SHEETS = [encoded(page(1 + number % 8)) for number in range(PAGES)]
_JOB = (
    "<scan:ScanSettings><pwg:ScanRegions><pwg:ScanRegion><pwg:Height>3508</pwg:Height>"
    "<pwg:Width>2480</pwg:Width></pwg:ScanRegion></pwg:ScanRegions>"
    "<pwg:InputSource>Feeder</pwg:InputSource><scan:ColorMode>RGB24</scan:ColorMode>"
    f"<scan:XResolution>{DPI}</scan:XResolution><scan:YResolution>{DPI}</scan:YResolution>"
    "</scan:ScanSettings>"
)


def run() -> list[Row]:
    with EsclScanner() as device, tempfile.TemporaryDirectory(prefix="bench-scan-") as folder:
        work = Path(folder)
        device.set(delay=PACE, ahead=True)
        fetched, scanned = _both(device, work)
        device.set(ahead=False)
        fetched_slowly, scanned_slowly = _both(device, work)
        device.set(delay=0.0)
        cpu_fetched = cpu_seconds(lambda: _fetch(device))
        cpu_scanned = cpu_seconds(lambda: _scan(device, work))
    note = f"{PAGES} pages of {PACE} s at {DPI} dpi, in colour"
    return [
        Row("plain HTTP", fetched, "s", note),
        Row("scan", scanned, "s", "start of the child included"),
        Row("ratio scan / plain HTTP", scanned / fetched, "x", "at most 1.05"),
        Row(
            "ratio, feeder that waits to be asked",
            scanned_slowly / fetched_slowly,
            "x",
            "airscan pauses half a page's time, 1 s at most, before it asks for the next",
        ),
        Row("ratio of CPU, emulator in both", cpu_scanned / cpu_fetched, "x", "child and decoding"),
    ]


def _both(device: EsclScanner, work: Path) -> tuple[float, float]:
    """Seconds of the plain fetch and of the scan."""
    fetched = wall_seconds(lambda: _fetch(device), 1)
    return fetched, wall_seconds(lambda: _scan(device, work), 1)


def _fetch(device: EsclScanner) -> None:
    device.load(SHEETS)
    with requests.Session() as session:
        job = session.post(f"{device.url}/ScanJobs", data=_JOB, timeout=30)
        host = re.sub("/eSCL$", "", device.url)
        count = 0
        while True:
            answer = session.get(f"{host}{job.headers['Location']}/NextDocument", timeout=30)
            if answer.status_code != 200:
                break
            count += 1
    _require(count)


def _scan(device: EsclScanner, work: Path) -> None:
    device.load(SHEETS)

    async def main() -> int:
        scanner = SaneScanner(url=device.url, work_dir=work)
        count = 0
        try:
            async for raster in scanner.scan(ScanSettings(dpi=DPI)):
                raster.pixels.close()
                count += 1
        finally:
            await scanner.close()
        return count

    _require(asyncio.run(main()))


def _require(count: int) -> None:
    if count != PAGES:
        raise RuntimeError(f"{count} of {PAGES} pages")
