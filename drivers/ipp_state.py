"""What a printer says about itself, in the words of the contract.

Reasons are matched by prefix (RFC 8011, 5.4.12): a printer may add ``-error``, ``-warning`` or
``-report``, and its own details; without a suffix a reason is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drivers import ipp
from drivers.contract import DeviceError, Fault, Supply

_REASONS: tuple[tuple[str, Fault], ...] = (
    ("media-jam", Fault.PRINTER_JAM),
    ("cover-open", Fault.PRINTER_COVER_OPEN),
    ("door-open", Fault.PRINTER_COVER_OPEN),
    ("interlock-open", Fault.PRINTER_COVER_OPEN),
    ("input-tray-missing", Fault.PRINTER_PAPER_OUT),
    ("media-empty", Fault.PRINTER_PAPER_OUT),
    ("media-needed", Fault.PRINTER_PAPER_OUT),
    ("toner-empty", Fault.PRINTER_TONER_EMPTY),
    ("marker-supply-empty", Fault.PRINTER_TONER_EMPTY),
    ("marker-supply-missing", Fault.PRINTER_TONER_EMPTY),
    ("developer-empty", Fault.PRINTER_TONER_EMPTY),
    ("offline", Fault.PRINTER_ABSENT),
    ("shutdown", Fault.PRINTER_ABSENT),
    ("output-area-full", Fault.PRINTER_ERROR),
    ("output-tray-missing", Fault.PRINTER_ERROR),
    ("opc-life-over", Fault.PRINTER_ERROR),
    ("fuser", Fault.PRINTER_ERROR),
)
_WARNINGS = ("toner-low", "marker-supply-low", "media-low", "output-area-almost-full")
_LOW_PERCENT = 10
_FIRST_CUPS_OPERATION = 0x4001

REQUESTED = (
    "printer-state",
    "printer-state-reasons",
    "printer-is-accepting-jobs",
    "document-format-supported",
    "operations-supported",
    "job-creation-attributes-supported",
    "sides-supported",
    "copies-supported",
    "media-supported",
    "media-source-supported",
    "print-color-mode-supported",
    "pwg-raster-document-resolution-supported",
    "pwg-raster-document-type-supported",
    "pwg-raster-document-sheet-back",
    "marker-names",
    "marker-levels",
    "marker-low-levels",
    "printer-input-tray",
)


@dataclass(frozen=True, slots=True)
class PrinterState:
    stopped: bool
    accepting: bool
    reasons: tuple[str, ...]
    supplies: tuple[Supply, ...]
    attributes: ipp.Attributes

    @property
    def spools(self) -> bool:
        """It is a CUPS queue, told by operations of CUPS's own (CUPS-Get-Default and on)."""
        return any(
            code >= _FIRST_CUPS_OPERATION
            for code in ipp.integers(self.attributes, "operations-supported")
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(
            known for known in _WARNINGS if any(reason.startswith(known) for reason in self.reasons)
        )

    def hindrance(self, *, stopped: bool = False, slow: bool = False) -> DeviceError | None:
        """What keeps it from printing. ``stopped``: the job stands still; ``slow``: it has not
        moved for long. Then a warning counts: some printers call an empty tray no more than that.
        """
        still = self.stopped or stopped
        reasons = [r for r in self.reasons if _severe(r, still=still or slow)]
        for prefix, fault in _REASONS:
            if found := next((r for r in reasons if r.startswith(prefix)), ""):
                inside = fault is Fault.PRINTER_JAM
                return DeviceError(fault, found, paper_inside=inside)
        if still:
            return DeviceError(Fault.PRINTER_ERROR, " ".join(self.reasons)[:100] or "stopped")
        return None

    def require_ready(self) -> None:
        """Raises DeviceError."""
        if error := self.hindrance():
            raise error
        if not self.accepting:
            raise DeviceError(Fault.PRINTER_BUSY, "accepts no jobs")


def _severe(reason: str, *, still: bool) -> bool:
    return not reason.endswith("-report") and (still or not reason.endswith("-warning"))


def parse(attributes: ipp.Attributes) -> PrinterState:
    """Raises DeviceError (PRINTER_SILENT) when a printer does not even tell its state."""
    state = ipp.integer(attributes, "printer-state")
    if state is None:
        raise DeviceError(Fault.PRINTER_SILENT, "no printer-state")
    accepting = ipp.values(attributes, "printer-is-accepting-jobs")
    return PrinterState(
        stopped=state == ipp.PRINTER_STOPPED,
        accepting=accepting != (False,),
        reasons=ipp.strings(attributes, "printer-state-reasons"),
        supplies=(*_markers(attributes), *_trays(ipp.values(attributes, "printer-input-tray"))),
        attributes=attributes,
    )


def _markers(attributes: ipp.Attributes) -> Iterator[Supply]:
    """PWG 5100.9: a level is a percentage; -1, -2 and -3 are kinds of not knowing."""
    names = ipp.strings(attributes, "marker-names")
    lows = ipp.integers(attributes, "marker-low-levels") or (_LOW_PERCENT,) * len(names)
    levels = ipp.integers(attributes, "marker-levels")
    for name, level, low in zip(names, levels, lows, strict=False):
        yield Supply(name, level if level >= 0 else None, 0 <= level <= low)


def _trays(texts: Iterable[object]) -> Iterator[Supply]:
    """PWG 5100.13, printer-input-tray: ``type=...;maxcapacity=250;level=100;name=tray-1;``."""
    for text in texts:
        if not isinstance(text, bytes):
            continue
        fields = dict(
            part.split("=", 1) for part in text.decode("utf-8", "replace").split(";") if "=" in part
        )
        level, most = _number(fields.get("level")), _number(fields.get("maxcapacity"))
        percent = 100 * level // most if level >= 0 and most > 0 else None
        low = percent is not None and percent <= _LOW_PERCENT
        yield Supply(fields.get("name", "tray"), percent, low)


def _number(text: str | None) -> int:
    try:
        return int(text or "")
    except ValueError:
        return -1
