"""The inside of the scanner's child: SANE through python-sane, one device, one job at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.contract import DeviceError, Fault
from drivers.wire import Blob

_A4_MM = (210.0, 297.0)

# sane_strstatus() of sane-backends; python-sane gives nothing but these texts, untranslated.
SANE_FAULTS = {
    "Operation not supported": Fault.SCANNER_UNSUPPORTED,
    "Operation was canceled": Fault.SCANNER_IO,
    "Device busy": Fault.SCANNER_BUSY,
    "Invalid argument": Fault.SCANNER_UNSUPPORTED,
    "End of file reached": Fault.SCANNER_IO,
    "Document feeder jammed": Fault.SCANNER_JAM,
    "Document feeder out of documents": Fault.SCANNER_EMPTY,
    "Scanner cover is open": Fault.SCANNER_DOOR_OPEN,
    "Error during device I/O": Fault.SCANNER_IO,
    "Out of memory": Fault.SCANNER_IO,
    "Access to resource has been denied": Fault.SCANNER_DENIED,
}
_HOPELESS = {Fault.SCANNER_UNSUPPORTED, Fault.SCANNER_DENIED}  # until a technician was there


@dataclass(frozen=True, slots=True)
class Quirks:
    """In what a model differs: words of its feeder and its glass among SANE's sources (lower case,
    the first that matches), whether a feeder bears a cancel between sheets, and what texts of its
    backend mean beside SANE's own."""

    feeder: tuple[str, ...] = ("adf", "feeder")
    glass: tuple[str, ...] = ("flatbed", "platen", "table")
    no_cancel: bool = True
    texts: Mapping[str, str] = field(default_factory=dict)


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
            self._open().close()

    def start(self, job: int, source: str, dpi: int, colour: bool, duplex: bool) -> None:
        self._end()
        self._job, self._feeder, self._pages = job, source == "feeder", 0
        self._device = self._open()
        try:
            self._configure(dpi, colour, duplex)
            self._look_for_paper()
        except self._sane._sane.error as error:
            self._end()
            raise self._sane_error(error) from None
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
            failure = self._sane_error(error)
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

    def _open(self) -> Any:
        try:
            return self._sane.open(self._name)
        except self._sane._sane.error as error:
            # Some backends look for devices only when they are loaded: the next try does so anew.
            self._sane.exit()
            self._sane.init()
            failure = self._sane_error(error)
            if failure.code in (Fault.SCANNER_BUSY, Fault.SCANNER_DENIED):
                raise failure from None
            raise DeviceError(Fault.SCANNER_ABSENT, failure.detail) from None

    def _look_for_paper(self) -> None:
        """Backends with a sensor for it (fujitsu, canon_dr, avision) tell before the scan."""
        sensor = self._device.opt.get("page_loaded")
        if self._feeder and sensor and sensor.is_active() and not self._device.page_loaded:
            raise DeviceError(Fault.SCANNER_EMPTY, "no page is loaded")

    def _configure(self, dpi: int, colour: bool, duplex: bool) -> None:
        self._choose_source(duplex)
        self._choose("mode", "colo" if colour else "gray")
        self._device.resolution = _nearest(dpi, self._device["resolution"].constraint)
        for corner, length in zip(("br_x", "br_y"), _A4_MM, strict=True):
            if corner in self._device.opt:
                setattr(self._device, corner, _clamp(length, self._device[corner].constraint))

    def _choose_source(self, duplex: bool) -> None:
        wanted = self._quirks.feeder if self._feeder else self._quirks.glass
        sources = self._names("source")
        found = [s for s in sources if any(word in s.lower() for word in wanted)]
        fitting = [s for s in found if ("duplex" in s.lower()) == (duplex and self._feeder)]
        if fitting:
            self._device.source = fitting[0]
        elif found and duplex:
            raise DeviceError(Fault.SCANNER_UNSUPPORTED, "it has no duplex", retryable=False)
        elif found:
            self._device.source = found[0]
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

    def _sane_error(self, error: Exception) -> DeviceError:
        text = str(error)
        code = {**SANE_FAULTS, **self._quirks.texts}.get(text, Fault.SCANNER_IO)
        return DeviceError(code, text, retryable=code not in _HOPELESS)

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
