"""The document scanner: SANE in a supervised child, and eSCL asked directly for precise causes.

SANE's errors are texts, and its airscan backend blurs some causes into "Error during device I/O".
A network scanner that speaks eSCL is therefore also asked over plain HTTP: before a scan (an empty
feeder or an open door is known at once, without the backend's ten seconds of retries) and after a
failure.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import requests

from drivers.contract import DeviceError, Fault, Health, Raster, ScanSettings, Status
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob

_A4_MM = (210.0, 297.0)
_STOP_DEADLINE = 5.0
_PROBE_DEADLINE = 10.0
_BUSY_PATIENCE = 3.0  # a scanner may still be putting its last job away
_BUSY_PAUSE = 0.3
_STATUS_TIMEOUT = 3.0
_STATUS_BYTES = 65536

# sane_strstatus() of sane-backends; the texts are not translated.
_SANE_FAULTS = {
    "Document feeder out of documents": Fault.SCANNER_EMPTY,
    "Document feeder jammed": Fault.SCANNER_JAM,
    "Scanner cover is open": Fault.SCANNER_DOOR_OPEN,
    "Device busy": Fault.SCANNER_BUSY,
}
# AdfState of the Mopria eSCL specification.
_ADF_FAULTS = {
    "ScannerAdfEmpty": Fault.SCANNER_EMPTY,
    "ScannerAdfJam": Fault.SCANNER_JAM,
    "ScannerAdfDoorOpen": Fault.SCANNER_DOOR_OPEN,
    "ScannerAdfHatchOpen": Fault.SCANNER_DOOR_OPEN,
    "ScannerAdfMultipickDetected": Fault.SCANNER_MULTIFEED,
}
_MECHANICAL = {Fault.SCANNER_JAM, Fault.SCANNER_DOOR_OPEN, Fault.SCANNER_MULTIFEED}


class SaneScanner:
    """A scanner by eSCL ``url`` (``http://host/eSCL``) or by SANE ``device`` name.

    ``work_dir`` receives SANE's configuration for a ``url``. ``deadline`` is seconds for one page.
    """

    def __init__(
        self, *, url: str = "", device: str = "", work_dir: Path, deadline: float = 60.0
    ) -> None:
        if not url and not device:
            raise ValueError("a scanner needs a url or a device name")
        self._url = url.rstrip("/")
        environment = {}
        if url:
            device = f"airscan:escl:scanner:{self._url}"
            environment["SANE_CONFIG_DIR"] = str(_write_airscan_config(work_dir))
        self._spec = ChildSpec(
            "scanner",
            f"{__name__}:SaneWorker",
            {"device": device},
            environment=environment,
            deadline=deadline,
        )
        self._child = Child(self._spec)
        self._job = 0
        self._status = Status(Health.STALE, time.monotonic())

    def status(self) -> Status:
        """What the last scan found; STALE before the first one."""
        return self._status

    async def close(self) -> None:
        await self._child.close()

    async def check(self) -> None:
        """Raises DeviceError when no scan could be made now; an empty feeder is no fault."""
        if not self._url:
            await self._child.call("probe", deadline=_PROBE_DEADLINE)
            return
        fault = await self._ask(ScanSettings())
        if fault and fault is not Fault.SCANNER_EMPTY:
            raise DeviceError(fault)

    async def scan(self, settings: ScanSettings) -> AsyncGenerator[Raster]:
        """A4 pages as they come, RGB or gray; ``dpi`` is what the scanner really used.

        A new scan ends one that was left unfinished; the older one then raises SCANNER_BUSY.
        Raises DeviceError with a SCANNER_* code.
        """
        self._job += 1
        job, moving = self._job, False
        self._set(Health.BUSY)
        try:
            await self._look_before(settings)
            await self._child.call("start", job=job, **asdict(settings))
            moving = settings.source == "feeder"
            while page := await self._child.call("next_page", job=job):
                yield Raster(**page)
            await self._look_after(settings)
        except DeviceError as error:
            failure = await self._explain(error, moving)
            if job == self._job:
                self._set(_health(failure), failure.code)
            raise failure from error
        except BaseException:  # cancelled, or nobody wants the rest
            await self._abandon(job)
            raise
        self._set(Health.READY)

    async def _look_before(self, settings: ScanSettings) -> None:
        patience = time.monotonic() + _BUSY_PATIENCE
        fault = await self._ask(settings)
        while fault is Fault.SCANNER_BUSY and time.monotonic() < patience:
            await asyncio.sleep(_BUSY_PAUSE)
            fault = await self._ask(settings)
        if fault:
            raise DeviceError(fault, "before the scan")

    async def _look_after(self, settings: ScanSettings) -> None:
        """Some scanners end a job at a jam as if the paper were finished; pages would be lost."""
        if (fault := await self._ask(settings)) in _MECHANICAL:
            raise DeviceError(fault, "at the end of the paper")

    async def _ask(self, settings: ScanSettings) -> Fault | None:
        if not self._url:
            return None
        return await asyncio.to_thread(escl_fault, self._url, feeder=settings.source == "feeder")

    async def _explain(self, error: DeviceError, moving: bool) -> DeviceError:
        """The same failure with the most precise code that can be had."""
        code = error.code
        if code.startswith("child."):
            code = Fault.SCANNER_IO
        if code == Fault.SCANNER_IO and self._url:
            seen = await asyncio.to_thread(escl_fault, self._url, feeder=moving)
            # An empty feeder or a busy scanner explains nothing once paper is moving.
            if seen in _MECHANICAL or seen is Fault.SCANNER_ABSENT:
                code = seen
        detail = error.detail if code == error.code else f"{error.code} {error.detail}".strip()
        return DeviceError(
            code, detail, retryable=error.retryable, paper_inside=_paper_inside(code, moving)
        )

    async def _abandon(self, job: int) -> None:
        """Bring the device to rest; a child that does not answer is replaced."""
        if job != self._job:
            return
        self._set(Health.READY)
        try:
            # Not asyncio.timeout: in a cancelled task Python 3.11.2 lets it raise CancelledError.
            await asyncio.wait_for(self._child.call("stop", job=job), _STOP_DEADLINE)
        except (DeviceError, TimeoutError):
            stuck, self._child = self._child, Child(self._spec)
            await stuck.close()

    def _set(self, health: Health, code: str | None = None) -> None:
        self._status = Status(health, time.monotonic(), code)


def _paper_inside(code: str, moving: bool) -> bool:
    if code in (Fault.SCANNER_JAM, Fault.SCANNER_MULTIFEED):
        return True
    return moving and code not in (Fault.SCANNER_EMPTY, Fault.SCANNER_BUSY)


def _health(failure: DeviceError) -> Health:
    return Health.ABSENT if failure.code == Fault.SCANNER_ABSENT else Health.FAULT


def _write_airscan_config(work_dir: Path) -> Path:
    """SANE looks nowhere else, and airscan searches no network: the address is given."""
    directory = work_dir / "sane"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "dll.conf").write_text("airscan\n")
    (directory / "airscan.conf").write_text("[devices]\n[options]\ndiscovery = disable\n")
    return directory
