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
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, dataclass, field
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


@dataclass(frozen=True, slots=True)
class Quirks:
    """In what a model differs: words of its feeder and its glass among SANE's sources (lower case,
    the first that matches), whether a feeder bears a cancel between sheets, and what texts of its
    backend mean beside SANE's own."""

    feeder: tuple[str, ...] = ("adf", "feeder")
    glass: tuple[str, ...] = ("flatbed", "platen", "table")
    no_cancel: bool = True
    texts: Mapping[str, str] = field(default_factory=dict)


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
            f"{__name__}:SaneWorker",
            {"device": device, "quirks": asdict(quirks)},
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


def escl_fault(url: str, *, feeder: bool) -> Fault | None:
    """What an eSCL scanner says is wrong with it now, from ``{url}/ScannerStatus``."""
    session = requests.Session()
    session.trust_env = False  # a device on the local wire is not behind a proxy
    try:
        with (
            session,
            session.get(f"{url}/ScannerStatus", timeout=_STATUS_TIMEOUT, stream=True) as answer,
        ):
            body = answer.raw.read(_STATUS_BYTES, decode_content=True)
    except requests.ReadTimeout:
        return Fault.SCANNER_IO
    except (requests.RequestException, OSError):
        return Fault.SCANNER_ABSENT
    if answer.status_code != 200:
        return Fault.SCANNER_BUSY if answer.status_code == 503 else Fault.SCANNER_IO
    return _status_fault(body.decode(errors="replace"), feeder)


def _status_fault(xml: str, feeder: bool) -> Fault | None:
    # Two words are wanted from a stranger's XML: no parser, no entities, no namespaces.
    adf = re.search(r"<(?:\w+:)?AdfState>\s*(\w+)", xml)
    if feeder and adf and adf[1] in _ADF_FAULTS:
        return _ADF_FAULTS[adf[1]]
    state = re.search(r"<(?:\w+:)?State>\s*(\w+)", xml)
    return Fault.SCANNER_BUSY if state and state[1] in ("Processing", "Testing") else None


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


class SaneWorker:
    """The child's side: one device, open only while a job runs.

    Jobs are numbered, so that a late word about an abandoned one cannot touch the next.
    """

    def __init__(self, device: str, quirks: Mapping[str, Any]) -> None:
        import sane

        sane.init()
        self._sane = sane
        self._name = device
        self._quirks = Quirks(**quirks)
        self._device: Any = None
        self._job = 0
        self._feeder = False
        self._pages = 0

    def probe(self) -> None:
        """Open the device and close it again, unless a job has it open."""
        if self._device is None:
            try:
                self._sane.open(self._name).close()
            except self._sane._sane.error as error:
                raise self._sane_error(error, Fault.SCANNER_ABSENT) from None

    def start(self, job: int, source: str, dpi: int, colour: bool) -> None:
        self._end()
        self._job, self._feeder, self._pages = job, source == "feeder", 0
        try:
            self._device = self._sane.open(self._name)
            self._configure(dpi, colour)
        except self._sane._sane.error as error:
            self._end()
            raise self._sane_error(error, Fault.SCANNER_ABSENT) from None
        except DeviceError:
            self._end()
            raise

    def next_page(self, job: int) -> dict[str, Any] | None:
        """The fields of a Raster, or None when the job is done."""
        if job < self._job:
            raise DeviceError(Fault.SCANNER_BUSY, "another scan has begun")
        if job > self._job or self._device is None:
            raise DeviceError(Fault.SCANNER_IO, "this child took the place of one that died")
        if self._pages and not self._feeder:
            self._end()
            return None
        try:
            self._device.start()
            image = self._device.snap(no_cancel=self._quirks.no_cancel)
        except (self._sane._sane.error, RuntimeError) as error:
            self._end()
            failure = self._sane_error(error, Fault.SCANNER_IO)
            if failure.code == Fault.SCANNER_EMPTY and self._pages:
                return None
            raise failure from None
        return self._accept(image)

    def stop(self, job: int) -> None:
        if job == self._job:
            self._end()

    def _accept(self, image: Any) -> dict[str, Any]:
        channels = len(image.getbands())
        pixels = image.tobytes()
        if _broken_off(pixels, image.width * channels):
            self._end()
            raise DeviceError(Fault.SCANNER_IO, "the image was broken off")
        self._pages += 1
        return {
            "pixels": Blob.of(pixels),
            "width": image.width,
            "height": image.height,
            "channels": channels,
            "dpi": round(self._device.resolution),
        }

    def _configure(self, dpi: int, colour: bool) -> None:
        self._choose_source()
        self._choose("mode", "colo" if colour else "gray")
        self._device.resolution = _nearest(dpi, self._device["resolution"].constraint)
        for corner, length in zip(("br_x", "br_y"), _A4_MM, strict=True):
            if corner in self._device.opt:
                setattr(self._device, corner, _clamp(length, self._device[corner].constraint))

    def _choose_source(self) -> None:
        wanted = self._quirks.feeder if self._feeder else self._quirks.glass
        sources = self._names("source")
        found = [s for s in sources if any(word in s.lower() for word in wanted)]
        if found:
            self._device.source = min(found, key=lambda name: "duplex" in name.lower())
        elif sources or self._feeder:
            kind = "feeder" if self._feeder else "glass"
            raise DeviceError(Fault.SCANNER_ABSENT, f"it has no {kind}", retryable=False)

    def _choose(self, option: str, word: str) -> None:
        for name in self._names(option):
            if word in name.lower():
                setattr(self._device, option, name)
                return

    def _names(self, option: str) -> list[str]:
        known = self._device.opt.get(option)
        return list(known.constraint or ()) if known and known.is_active() else []

    def _sane_error(self, error: Exception, otherwise: Fault) -> DeviceError:
        text = str(error)
        return DeviceError({**_SANE_FAULTS, **self._quirks.texts}.get(text, otherwise), text)

    def _end(self) -> None:
        device, self._device = self._device, None
        if device is None:
            return
        try:
            device.cancel()
            device.close()
        except self._sane._sane.error:
            pass  # a lost device cannot be closed politely


def _broken_off(pixels: bytes, row: int) -> bool:
    """Whether the page ends in what libjpeg puts where data is missing.

    An image that the scanner itself cut short decodes without any error; the rest is filled with
    exact middle gray, which no sensor gives for half a row. Not the very last row: the backend
    makes up for rounding with a white one.
    """
    start = max(0, len(pixels) - 4 * row)
    return pixels[start : start + row // 2] == b"\x80" * (row // 2)


def _nearest(dpi: int, constraint: Any) -> int:
    """The smallest resolution that is enough, or the largest there is."""
    if isinstance(constraint, list):
        return int(min((c for c in constraint if c >= dpi), default=max(constraint)))
    return int(_clamp(dpi, constraint))


def _clamp(value: float, constraint: Any) -> float:
    if not isinstance(constraint, tuple):
        return value
    low, high, _step = constraint
    return float(min(max(value, low), high))
