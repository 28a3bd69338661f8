"""What the emulated printer answers to each operation (RFC 8011, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers import ipp, pwg_raster
from drivers.ipp import GroupTag, JobState, Operation

if TYPE_CHECKING:
    from drivers.emulators.ipp import IppEmulator

OK = 0x0000
_NOT_POSSIBLE, _NOT_FOUND = 0x0404, 0x0406
_BAD_FORMAT, _NO_SUCH_OPERATION = 0x040A, 0x0501

Groups = tuple[tuple[int, ipp.Attributes], ...]
Answer = tuple[int, Groups]


@dataclass
class EmulatedJob:
    """``pages`` is 0 until the document is here. ``gone``: forgotten by the printer."""

    id: int
    name: str
    copies: int
    state: int = JobState.PENDING_HELD
    format: str = ""
    data: bytes = b""
    pages: int = 0
    sides: int = 0
    sides_per_sheet: int = 1
    gone: bool = False

    @property
    def total_sides(self) -> int:
        return self.pages * self.copies

    @property
    def ready(self) -> bool:
        return self.state == JobState.PENDING and self.pages > 0

    @property
    def ended(self) -> bool:
        return self.state in (JobState.CANCELED, JobState.ABORTED, JobState.COMPLETED)


def answer(printer: IppEmulator, request: ipp.Message) -> Answer:
    handler = _handlers(printer).get(request.code)
    return handler(printer, request) if handler else (_NO_SUCH_OPERATION, ())


def _handlers(printer: IppEmulator) -> dict[int, Callable[[IppEmulator, ipp.Message], Answer]]:
    """What it can do, and says so: a printer that names operations of CUPS is a queue of CUPS."""
    known = {
        Operation.GET_PRINTER_ATTRIBUTES: _printer_attributes,
        Operation.VALIDATE_JOB: _validate,
        Operation.PRINT_JOB: _print_job,
        Operation.GET_JOB_ATTRIBUTES: _job_attributes,
        Operation.GET_JOBS: _jobs,
        Operation.CANCEL_JOB: _cancel,
    }
    if printer.state.creates_jobs:
        known |= {Operation.CREATE_JOB: _create, Operation.SEND_DOCUMENT: _send_document}
    return {int(operation): handler for operation, handler in known.items()}


def _head(request: ipp.Message) -> ipp.Attributes:
    return request.group(GroupTag.OPERATION)


def _format(request: ipp.Message) -> str:
    return next(iter(ipp.strings(_head(request), "document-format")), "")


def _validate(printer: IppEmulator, request: ipp.Message) -> Answer:
    return (OK if _format(request) in printer.state.formats else _BAD_FORMAT), ()


def _create(printer: IppEmulator, request: ipp.Message) -> Answer:
    name = next(iter(ipp.strings(_head(request), "job-name")), "")
    wanted = request.group(GroupTag.JOB)
    job = printer.new_job(name, ipp.integer(wanted, "copies") or 1)
    sides = ipp.strings(wanted, "sides")
    job.sides_per_sheet = 2 if sides and sides[0] != "one-sided" else 1
    return OK, ((GroupTag.JOB, _described(printer, job)),)


def _print_job(printer: IppEmulator, request: ipp.Message) -> Answer:
    status, _ = _validate(printer, request)
    if status != OK:
        return status, ()
    _, groups = _create(printer, request)
    job = printer.jobs[max(printer.jobs)]
    return _take(job, request), groups


def _send_document(printer: IppEmulator, request: ipp.Message) -> Answer:
    job = _job(printer, request)
    if job is None:
        return _NOT_FOUND, ()
    if job.pages:
        return _NOT_POSSIBLE, ()
    status, _ = _validate(printer, request)
    if status == OK:
        status = _take(job, request)
    return status, ((GroupTag.JOB, _described(printer, job)),)


def _take(job: EmulatedJob, request: ipp.Message) -> int:
    job.format, job.data = _format(request), request.data
    try:
        job.pages = _count(job)
    except ValueError:
        job.state = JobState.ABORTED
        return _BAD_FORMAT
    job.state = JobState.PENDING
    return OK


def _count(job: EmulatedJob) -> int:
    """Raises ValueError for what it cannot print."""
    if job.format == "image/pwg-raster":
        return len(pwg_raster.decode(job.data))
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(job.data)
    except pypdfium2.PdfiumError as error:
        raise ValueError("no PDF") from error
    try:
        return len(document)
    finally:
        document.close()


def _job(printer: IppEmulator, request: ipp.Message) -> EmulatedJob | None:
    return printer.jobs.get(ipp.integer(_head(request), "job-id") or 0)


def _job_attributes(printer: IppEmulator, request: ipp.Message) -> Answer:
    job = _job(printer, request)
    if job is None:
        return _NOT_FOUND, ()
    return OK, ((GroupTag.JOB, _described(printer, job)),)


def _jobs(printer: IppEmulator, request: ipp.Message) -> Answer:
    ended = ipp.strings(_head(request), "which-jobs") == ("completed",)
    jobs = [job for job in printer.jobs.values() if job.ended == ended]
    return OK, tuple((int(GroupTag.JOB), _described(printer, job)) for job in jobs)


def _cancel(printer: IppEmulator, request: ipp.Message) -> Answer:
    job = _job(printer, request)
    if job is None:
        return _NOT_FOUND, ()
    if job.ended:
        return _NOT_POSSIBLE, ()
    job.state = JobState.CANCELED
    return OK, ()


def _described(printer: IppEmulator, job: EmulatedJob) -> ipp.Attributes:
    described = {
        "job-id": ipp.attribute(ipp.INTEGER, job.id),
        "job-name": ipp.attribute(ipp.NAME, job.name),
        "job-state": ipp.attribute(ipp.ENUM, int(job.state)),
        "job-state-reasons": ipp.attribute(ipp.KEYWORD, _reason(job)),
        "number-of-documents": ipp.attribute(ipp.INTEGER, 1 if job.pages else 0),
    }
    if printer.state.counts_sides:
        sides = max(0, job.sides - printer.state.miscount)
        described["job-impressions-completed"] = ipp.attribute(ipp.INTEGER, sides)
    return described


def _reason(job: EmulatedJob) -> str:
    if job.state == JobState.PENDING_HELD:
        return "job-incoming"
    return "printer-stopped" if job.state == JobState.STOPPED else "none"


def _printer_attributes(printer: IppEmulator, request: ipp.Message) -> Answer:
    state = printer.state
    warnings = ["toner-low-warning"] if 0 < state.toner <= 10 else []
    busy = any(job.state == JobState.PROCESSING for job in printer.jobs.values())
    tray = f"type=sheetFeedAutoRemovableTray;maxcapacity=250;level={state.paper};name=tray-1;"
    sides = ("one-sided", "two-sided-long-edge", "two-sided-short-edge")
    keyword, resolution = ipp.KEYWORD, ipp.Resolution
    return OK, (
        (
            GroupTag.PRINTER,
            {
                "printer-state": ipp.attribute(ipp.ENUM, 5 if state.reasons else 3 + busy),
                "printer-state-reasons": ipp.attribute(
                    keyword, *([*state.reasons, *warnings] or ["none"])
                ),
                "printer-is-accepting-jobs": ipp.attribute(ipp.BOOLEAN, True),
                "document-format-supported": ipp.attribute(ipp.MIME_TYPE, *state.formats),
                "operations-supported": ipp.attribute(ipp.ENUM, *_handlers(printer)),
                "sides-supported": ipp.attribute(keyword, *(sides if state.duplex else sides[:1])),
                "copies-supported": ipp.attribute(ipp.RANGE, ipp.Range(1, 99)),
                "media-supported": ipp.attribute(keyword, "iso_a4_210x297mm"),
                "media-source-supported": ipp.attribute(keyword, "auto", "tray-1"),
                "print-color-mode-supported": ipp.attribute(keyword, "auto", "monochrome"),
                "pwg-raster-document-resolution-supported": ipp.attribute(
                    ipp.RESOLUTION, resolution(150, 150), resolution(300, 300)
                ),
                "pwg-raster-document-type-supported": ipp.attribute(keyword, "sgray_8", "srgb_8"),
                "pwg-raster-document-sheet-back": ipp.attribute(keyword, "rotated"),
                "marker-names": ipp.attribute(ipp.NAME, "black toner"),
                "marker-levels": ipp.attribute(ipp.INTEGER, state.toner),
                "marker-low-levels": ipp.attribute(ipp.INTEGER, 10),
                "printer-input-tray": ipp.attribute(ipp.OCTETS, tray.encode()),
            },
        ),
    )
