"""Jobs at an IPP printer: ready or not, sent, found again, watched to their end, cancelled.

Everything here blocks and belongs in a thread. What a call asks of the printer and what a lost
answer means: see :class:`drivers.ipp_wire.Wire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers import ipp, ipp_state
from drivers.contract import DeviceError, Fault, PrintOptions
from drivers.ipp_raster import paper_points
from drivers.ipp_state import PrinterState
from drivers.ipp_wire import RefusedError, Wire

PDF, RASTER = "application/pdf", "image/pwg-raster"
_WANTED_JOB = (
    "job-id",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-impressions-completed",
    "number-of-documents",
)
_ENDED = {ipp.JobState.CANCELED, ipp.JobState.ABORTED, ipp.JobState.COMPLETED}
_WAITS_FOR_DATA = {"job-incoming", "job-data-insufficient"}
_RASTER_DPI = 300


@dataclass(frozen=True, slots=True)
class Job:
    """``sides``: printed so far, None when the printer does not count."""

    id: int
    name: str
    state: int
    reasons: tuple[str, ...]
    sides: int | None
    documents: int | None

    @property
    def ended(self) -> bool:
        return self.state in _ENDED

    @property
    def without_document(self) -> bool:
        """It was created, and what was to be printed never came or came in part."""
        waiting = self.state in (ipp.JobState.PENDING, ipp.JobState.PENDING_HELD)
        incoming = bool(_WAITS_FOR_DATA & set(self.reasons))
        return not self.ended and (incoming or (waiting and self.documents == 0))


@dataclass(frozen=True, slots=True)
class RasterWish:
    dpi: int
    colour: bool
    back: str


def ask_state(wire: Wire) -> PrinterState:
    wanted = {"requested-attributes": ipp.attribute(ipp.KEYWORD, *ipp_state.REQUESTED)}
    answer = wire.ask(ipp.Operation.GET_PRINTER_ATTRIBUTES, wanted)
    return ipp_state.parse(answer.group(ipp.GroupTag.PRINTER))


def ask_job(wire: Wire, job_id: int) -> Job | None:
    """None: the printer does not know it (any more)."""
    details = {
        "job-id": ipp.attribute(ipp.INTEGER, job_id),
        "requested-attributes": ipp.attribute(ipp.KEYWORD, *_WANTED_JOB),
    }
    try:
        answer = wire.ask(ipp.Operation.GET_JOB_ATTRIBUTES, details)
    except RefusedError as error:
        if error.missing:
            return None
        raise
    return _job(answer.group(ipp.GroupTag.JOB), job_id)


def find_job(wire: Wire, name: str) -> Job | None:
    """The newest job of that name, under way or ended."""
    found = []
    for which in ("not-completed", "completed"):
        details = {
            "which-jobs": ipp.attribute(ipp.KEYWORD, which),
            "requested-attributes": ipp.attribute(ipp.KEYWORD, *_WANTED_JOB),
        }
        answer = wire.ask(ipp.Operation.GET_JOBS, details)
        jobs = [_job(attributes, 0) for attributes in answer.all(ipp.GroupTag.JOB)]
        found += [job for job in jobs if job.name == name and job.id]
    return max(found, key=lambda job: job.id, default=None)


def _job(attributes: ipp.Attributes, job_id: int) -> Job:
    state = ipp.integer(attributes, "job-state")
    if state is None:
        raise DeviceError(Fault.PRINTER_SILENT, "no job-state")
    return Job(
        id=ipp.integer(attributes, "job-id") or job_id,
        name=next(iter(ipp.strings(attributes, "job-name")), ""),
        state=state,
        reasons=ipp.strings(attributes, "job-state-reasons"),
        sides=ipp.integer(attributes, "job-impressions-completed"),
        documents=ipp.integer(attributes, "number-of-documents"),
    )


def cancel_job(wire: Wire, job_id: int) -> None:
    """Ask for its end; a job that has ended or is unknown needs none."""
    try:
        wire.ask(ipp.Operation.CANCEL_JOB, {"job-id": ipp.attribute(ipp.INTEGER, job_id)})
    except RefusedError as error:
        if not (error.missing or error.too_late):
            raise


def choose_format(state: PrinterState) -> str:
    """Raises DeviceError (PRINTER_REFUSED) when it takes neither PDF nor PWG raster."""
    taken = ipp.strings(state.attributes, "document-format-supported")
    for kind in (PDF, RASTER):
        if kind in taken:
            return kind
    raise DeviceError(Fault.PRINTER_REFUSED, "neither PDF nor PWG raster", retryable=False)


def raster_wish(state: PrinterState, options: PrintOptions) -> RasterWish:
    """300 dpi or the next finer one that it has, else its finest."""
    name = "pwg-raster-document-resolution-supported"
    square = sorted(
        value.x
        for value in ipp.values(state.attributes, name)
        if isinstance(value, ipp.Resolution) and value.x == value.y and value.unit == 3
    ) or [_RASTER_DPI]
    types = ipp.strings(state.attributes, "pwg-raster-document-type-supported")
    backs = ipp.strings(state.attributes, "pwg-raster-document-sheet-back")
    return RasterWish(
        dpi=next((dpi for dpi in square if dpi >= _RASTER_DPI), square[-1]),
        colour="srgb_8" in types and options.colour != "monochrome",
        back=next(iter(backs), "normal"),
    )


def job_attributes(
    state: PrinterState, options: PrintOptions, copies: int
) -> dict[str, ipp.Attribute]:
    """Only what the printer says it takes; what is a matter of taste gives way.

    Raises DeviceError (PRINTER_REFUSED) for a paper, a tray or a number of copies it has not.
    """
    known = state.attributes
    _require(known, "media-supported", options.media)
    _require(known, "media-source-supported", options.source)
    ranges = [r for r in ipp.values(known, "copies-supported") if isinstance(r, ipp.Range)]
    if ranges and copies > ranges[0].high:
        raise DeviceError(Fault.PRINTER_REFUSED, f"{copies} copies", retryable=False)
    wanted = {
        "copies": ipp.attribute(ipp.INTEGER, copies),
        **_media(options),
    }
    if options.sides in ipp.strings(known, "sides-supported"):
        wanted["sides"] = ipp.attribute(ipp.KEYWORD, options.sides)
    if options.colour in ipp.strings(known, "print-color-mode-supported"):
        wanted["print-color-mode"] = ipp.attribute(ipp.KEYWORD, options.colour)
    return wanted


def _require(known: ipp.Attributes, name: str, value: str) -> None:
    offered = ipp.strings(known, name)
    if value and offered and value not in offered:
        raise DeviceError(Fault.PRINTER_REFUSED, f"{name}: not {value}", retryable=False)


def _media(options: PrintOptions) -> dict[str, ipp.Attribute]:
    """RFC 8011 and PWG 5100.7: ``media`` or, with a tray, ``media-col``; never both."""
    if not options.source:
        return {"media": ipp.attribute(ipp.KEYWORD, options.media)}
    hundredths = [round(points * 2540 / 72 / 100) * 100 for points in paper_points(options.media)]
    size = {
        "x-dimension": ipp.attribute(ipp.INTEGER, hundredths[0]),
        "y-dimension": ipp.attribute(ipp.INTEGER, hundredths[1]),
    }
    column = {
        "media-size": ipp.attribute(ipp.COLLECTION, size),
        "media-source": ipp.attribute(ipp.KEYWORD, options.source),
    }
    return {"media-col": ipp.attribute(ipp.COLLECTION, column)}


def _document(name: str, kind: str) -> dict[str, ipp.Attribute]:
    return {
        "job-name": ipp.attribute(ipp.NAME, name),
        "document-format": ipp.attribute(ipp.MIME_TYPE, kind),
    }


def validate(wire: Wire, name: str, kind: str, job: Mapping[str, ipp.Attribute]) -> None:
    """Raises RefusedError when the printer would not take such a job."""
    wire.ask(ipp.Operation.VALIDATE_JOB, _document(name, kind), job)


def create_job(wire: Wire, name: str, job: Mapping[str, ipp.Attribute]) -> int:
    answer = wire.ask(ipp.Operation.CREATE_JOB, {"job-name": ipp.attribute(ipp.NAME, name)}, job)
    return _id_of(answer)


def send_document(wire: Wire, job_id: int, kind: str, data: bytes) -> None:
    details = {
        "job-id": ipp.attribute(ipp.INTEGER, job_id),
        "document-format": ipp.attribute(ipp.MIME_TYPE, kind),
        "last-document": ipp.attribute(ipp.BOOLEAN, True),
    }
    wire.ask(ipp.Operation.SEND_DOCUMENT, details, data=data)


def print_job(
    wire: Wire, name: str, kind: str, job: Mapping[str, ipp.Attribute], data: bytes
) -> int:
    answer = wire.ask(ipp.Operation.PRINT_JOB, _document(name, kind), job, data)
    return _id_of(answer)


def _id_of(answer: ipp.Message) -> int:
    job_id = ipp.integer(answer.group(ipp.GroupTag.JOB), "job-id")
    if not job_id:
        raise DeviceError(Fault.PRINTER_SILENT, "no job-id")
    return job_id


def takes(state: PrinterState, *operations: ipp.Operation) -> bool:
    return set(operations) <= set(ipp.integers(state.attributes, "operations-supported"))
