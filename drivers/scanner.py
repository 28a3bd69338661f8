"""The document scanner: SANE in a supervised child, and eSCL asked directly for precise causes.

SANE's errors are texts, and its airscan backend blurs some causes into "Error during device I/O".
A network scanner that speaks eSCL is therefore also asked over plain HTTP: before a scan (an empty
feeder or an open door is known at once, without the backend's ten seconds of retries) and after a
failure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from drivers.contract import DeviceError, Fault, Health, Raster, ScanSettings, Status
from drivers.escl_status import EsclReport, ask_escl
from drivers.own_thread import OwnThread
from drivers.sane_worker import Quirks
from drivers.standing import Standing
from drivers.supervisor import Child, ChildSpec

_STOP_DEADLINE = 5.0
_PROBE_DEADLINE = 10.0
_BUSY_PATIENCE = 3.0  # a scanner may still be putting its last job away
_BUSY_PAUSE = 0.3

_MECHANICAL = {Fault.SCANNER_JAM, Fault.SCANNER_DOOR_OPEN, Fault.SCANNER_MULTIFEED}

_NONE = Quirks()


class SaneScanner:
    """A scanner by eSCL ``url`` (``http://host/eSCL``) or by SANE ``device`` name.

    ``work_dir`` receives SANE's configuration for a ``url``. ``deadline`` is seconds for one page.
    """

    def __init__(
        self,
        *,
        url: str = "",
        device: str = "",
        work_dir: Path,
        deadline: float = 60.0,
        quirks: Quirks = _NONE,
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
            "drivers.sane_worker:SaneWorker",
            {"device": device, "quirks": asdict(quirks)},
            environment=environment,
            deadline=deadline,
        )
        self._child = Child(self._spec)
        self._thread = OwnThread("scanner")
        self._job = 0
        self._standing = Standing()

    def status(self) -> Status:
        """What the last scan or check found; STALE when that is old."""
        return self._standing.status()

    async def close(self) -> None:
        self._thread.close()
        await self._child.close()

    async def check(self) -> None:
        """Raises DeviceError when no scan could be made now; an empty feeder is no fault.

        Asks nothing while a scan is under way: that one will tell.
        """
        job = self._job
        if self._standing.status().health is Health.BUSY:
            return
        try:
            await self._probe()
        except DeviceError as error:
            failure = await self._explain(error, moving=False)
            self._note(job, failure)
            raise failure from error
        self._note(job, None)

    async def _probe(self) -> None:
        if not self._url:
            await self._child.call("probe", deadline=_PROBE_DEADLINE)
            return
        fault = (await self._ask(feeder=True)).fault
        if fault and fault is not Fault.SCANNER_EMPTY:
            raise DeviceError(fault)

    async def scan(self, settings: ScanSettings) -> AsyncGenerator[Raster]:
        """A4 pages as they come, RGB or gray; ``dpi`` is what the scanner really used.

        A new scan ends one that was left unfinished; the older one then raises SCANNER_BUSY.
        Raises DeviceError with a SCANNER_* code.
        """
        self._job += 1
        job, moving = self._job, False
        self._standing.set(Health.BUSY)
        try:
            await self._look_before(settings)
            await self._child.call("start", job=job, **asdict(settings))
            moving = settings.source == "feeder"
            pages = 0
            while page := await self._child.call("next_page", job=job):
                pages += 1
                yield Raster(**page)
            await self._look_after(settings, pages)
        except DeviceError as error:
            failure = await self._explain(error, moving)
            self._note(job, failure)
            raise failure from error
        except BaseException:  # cancelled, or nobody wants the rest
            await self._abandon(job, moving)
            raise
        self._note(job, None)

    async def _look_before(self, settings: ScanSettings) -> None:
        feeder = settings.source == "feeder"
        patience = time.monotonic() + _BUSY_PATIENCE
        fault = (await self._ask(feeder=feeder)).fault
        while fault is Fault.SCANNER_BUSY and time.monotonic() < patience:
            await asyncio.sleep(_BUSY_PAUSE)
            fault = (await self._ask(feeder=feeder)).fault
        if fault:
            raise DeviceError(fault, "before the scan")

    async def _look_after(self, settings: ScanSettings, pages: int) -> None:
        """Some scanners end a job at a jam as if the paper were finished, and an image may be lost
        on the way: pages would be missing and nobody would know."""
        report = await self._ask(feeder=settings.source == "feeder")
        if report.fault in _MECHANICAL:
            raise DeviceError(report.fault, "at the end of the paper")
        if report.images is not None and report.images > pages:
            raise DeviceError(Fault.SCANNER_IO, f"{report.images} images made, {pages} arrived")

    async def _ask(self, *, feeder: bool) -> EsclReport:
        if not self._url:
            return EsclReport()
        return await self._thread.run(partial(ask_escl, self._url, feeder=feeder))

    async def _explain(self, error: DeviceError, moving: bool) -> DeviceError:
        """The same failure with the most precise code that can be had."""
        code = error.code
        if code.startswith("child.") and code != Fault.CHILD_DEFECT:
            code = Fault.SCANNER_IO
        if code == Fault.SCANNER_IO and self._url:
            seen = (await self._ask(feeder=moving)).fault
            # An empty feeder or a busy scanner explains nothing once paper is moving.
            if seen in _MECHANICAL or seen is Fault.SCANNER_ABSENT:
                code = seen
        detail = error.detail if code == error.code else f"{error.code} {error.detail}".strip()
        return DeviceError(
            code, detail, retryable=error.retryable, paper_inside=_paper_inside(code, moving)
        )

    def _note(self, job: int, failure: DeviceError | None) -> None:
        """What came of a scan or a check, unless a newer scan has begun."""
        if job != self._job:
            return
        if failure is None or failure.code == Fault.SCANNER_EMPTY:
            self._standing.set(Health.READY)
        else:
            health = Health.ABSENT if failure.code == Fault.SCANNER_ABSENT else Health.FAULT
            self._standing.set(health, failure.code, paper_inside=failure.paper_inside)

    async def _abandon(self, job: int, moving: bool) -> None:
        """Bring the device to rest; a child that does not answer is replaced.

        ``status().paper_inside`` tells afterwards whether a sheet may be stuck half-way.
        """
        if job != self._job:
            return
        try:
            # Not asyncio.timeout: in a cancelled task Python 3.11.2 lets it raise CancelledError.
            await asyncio.wait_for(self._child.call("stop", job=job), _STOP_DEADLINE)
            stopped = True
        except (DeviceError, TimeoutError):
            stuck, self._child = self._child, Child(self._spec)
            await stuck.close()
            stopped = False
        await self._look_at_rest(job, inside=moving and not stopped)

    async def _look_at_rest(self, job: int, *, inside: bool) -> None:
        try:
            fault = (await asyncio.wait_for(self._ask(feeder=True), _STOP_DEADLINE)).fault
        except TimeoutError:  # whoever left is not kept waiting
            fault = None
        if fault in _MECHANICAL or fault is Fault.SCANNER_ABSENT:
            self._note(job, DeviceError(fault, paper_inside=_paper_inside(fault, moving=True)))
        elif job == self._job:
            self._standing.set(Health.READY, paper_inside=inside)


def _paper_inside(code: str, moving: bool) -> bool:
    if code in (Fault.SCANNER_JAM, Fault.SCANNER_MULTIFEED):
        return True
    return moving and code not in (Fault.SCANNER_EMPTY, Fault.SCANNER_BUSY)


def _write_airscan_config(work_dir: Path) -> Path:
    """SANE looks nowhere else, and airscan searches no network: the address is given."""
    directory = work_dir / "sane"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "dll.conf").write_text("airscan\n")
    (directory / "airscan.conf").write_text("[devices]\n[options]\ndiscovery = disable\n")
    return directory
