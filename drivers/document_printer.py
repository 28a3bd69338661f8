"""A4 printers by IPP Everywhere (PWG 5100.14), spoken directly: no spooler between us and paper.

"Sent" is not "printed": a job counts when the printer says completed. A job has a name that the
caller chose; whatever happened before, a job that the printer has under that name is never sent
again. After an answer was lost the printer is asked by that name what became of it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from drivers import ipp, ipp_jobs
from drivers.contract import (
    DeviceError,
    Fault,
    Health,
    Printed,
    PrintOptions,
    Status,
    Supply,
)
from drivers.ipp_jobs import Job
from drivers.ipp_raster import paper_points
from drivers.ipp_state import PrinterState
from drivers.ipp_watch import Watch
from drivers.ipp_wire import Wire
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob

T = TypeVar("T")

_LOST = {Fault.PRINTER_ABSENT, Fault.PRINTER_SILENT, Fault.PRINTER_BUSY}
_REMEMBERED = 100
_SLOW = 10  # times the grace: the first side of a cold printer may take that long


@dataclass(slots=True)
class _Entry:
    """What is known of a name. ``sent``: the printer may have the document; ``lost``: it did not
    say so. ``came_out``: whole copies of jobs that ended early. ``job_id`` None: look it up."""

    pages: int
    copies: int
    job_id: int | None = None
    sent: bool = False
    lost: bool = False
    came_out: int = 0
    settled: Printed | None = None

    def job_is_over(self) -> None:
        """Its rest may be printed by another job."""
        self.job_id, self.sent, self.lost = None, False, False


class IppPrinter:
    """A printer at ``ipp://host:port/path`` or ``ipps://``; also a CUPS queue's address, whose
    "completed" is not certain: CUPS says it too of a job that the printer has dropped.

    ``timeout``: seconds for one answer. ``patience``: seconds for which a printer that was sent
    something may not answer. ``stall``: seconds without a printed side until it counts as hung;
    ``grace``: the same when it says what is wrong, since reasons come and go while paper is loaded.
    Blocking calls run in a thread; PDF is rendered in a child.
    """

    def __init__(
        self,
        *,
        uri: str,
        options: PrintOptions | None = None,
        ca_file: Path | None = None,
        fingerprint: str = "",
        timeout: float = 10.0,
        patience: float = 15.0,
        stall: float = 120.0,
        grace: float = 1.0,
        poll: float = 0.3,
    ) -> None:
        """Raises ValueError for an address or a paper that cannot be."""
        self.options = options or PrintOptions()
        paper_points(self.options.media)
        self._wire = Wire(uri, timeout, ca_file=ca_file, fingerprint=fingerprint)
        self._patience, self._stall = patience, stall
        self._grace, self._poll = grace, poll
        self._child = Child(ChildSpec("rasterizer", "drivers.ipp_raster:Rasterizer", deadline=60))
        self._entries: dict[str, _Entry] = {}
        self._lock = asyncio.Lock()
        self._stop = threading.Event()
        self._supplies: tuple[Supply, ...] = ()
        self._spools = False
        self._status = Status(Health.OPENING, time.monotonic())

    def status(self) -> Status:
        return self._status

    def supplies(self) -> tuple[Supply, ...]:
        return self._supplies

    async def close(self) -> None:
        self._stop.set()
        async with self._lock:
            await self._child.close()
            self._set(Health.ABSENT)

    async def check(self) -> None:
        """Raises DeviceError (PRINTER_*)."""
        async with self._lock:
            await self._in_thread(self._ready, busy=False)

    async def print_document(self, pdf: bytes, name: str, copies: int = 1) -> Printed:
        """See the contract. Cancelling cancels the job as well: its reader has left.

        Raises DeviceError: PRINTER_*, and CHILD_* when the PDF cannot be read.
        """
        async with self._lock:
            try:
                return await self._print(pdf, name, copies)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.to_thread(self._cancel_quietly, name))
                raise

    async def cancel(self, name: str) -> Printed:
        """Raises DeviceError when the printer does not say what became of it."""
        async with self._lock:
            return await self._in_thread(lambda: self._cancel(name))

    async def _print(self, pdf: bytes, name: str, copies: int) -> Printed:
        pages = await self._child.call("count", pdf=Blob.of(pdf))
        entry = await self._in_thread(lambda: self._known(name, pages, copies))
        if entry.settled:
            return entry.settled
        if entry.job_id is None:
            state = await self._in_thread(self._ready)
            kind = ipp_jobs.choose_format(state)
            data = pdf if kind == ipp_jobs.PDF else await self._raster(pdf, state)
            await self._in_thread(lambda: self._send(entry, name, kind, data, state))
        return await self._in_thread(lambda: self._settle(entry, name))

    async def _raster(self, pdf: bytes, state: PrinterState) -> bytes:
        options = self.options
        wish = ipp_jobs.raster_wish(state, options)
        offered = ipp.strings(state.attributes, "sides-supported")
        sides = options.sides if options.sides in offered else "one-sided"
        raster: Blob = await self._child.call(
            "render",
            pdf=Blob.of(pdf),
            media=options.media,
            dpi=wish.dpi,
            colour=wish.colour,
            sides=sides,
            back=wish.back,
        )
        return raster.read()

    async def _in_thread(self, job: Callable[[], T], *, busy: bool = True) -> T:
        self._stop.clear()
        if busy:
            self._set(Health.BUSY)
        work = asyncio.ensure_future(asyncio.to_thread(self._reported, job))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The next caller must not meet a job that is half sent.
            self._stop.set()
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()
            raise

    def _reported(self, job: Callable[[], T]) -> T:
        try:
            result = job()
        except DeviceError as error:
            absent = error.code == Fault.PRINTER_ABSENT
            self._set(Health.ABSENT if absent else Health.FAULT, error.code)
            raise
        self._set(Health.READY)
        return result

    def _set(self, health: Health, code: str | None = None) -> None:
        if (health, code) != (self._status.health, self._status.code):
            self._status = Status(health, time.monotonic(), code)

    def _look(self) -> PrinterState:
        state = ipp_jobs.ask_state(self._wire)
        self._supplies, self._spools = state.supplies, state.spools
        return state

    def _ready(self) -> PrinterState:
        state = self._look()
        state.require_ready()
        return state

    def _known(self, name: str, pages: int, copies: int) -> _Entry:
        """The entry of ``name``; its job is looked up at the printer when it may have one."""
        entry = self._entries.pop(name, None) or _Entry(pages, copies)
        self._entries[name] = entry
        while len(self._entries) > _REMEMBERED:
            del self._entries[next(iter(self._entries))]
        if entry.job_id is None and not entry.settled:
            self._adopt(entry, ipp_jobs.find_job(self._wire, name))
        return entry

    def _adopt(self, entry: _Entry, job: Job | None) -> None:
        if job is None:
            if entry.sent:
                raise _unconfirmed("the printer does not know the job")
        elif job.without_document:
            ended = self._end(job.id)
            if ended and (ended.sides or ended.state == ipp.JobState.COMPLETED):
                entry.job_id = job.id
        elif job.state == ipp.JobState.COMPLETED or not job.ended or entry.sent:
            entry.job_id = job.id
        elif job.sides is None:
            raise _unconfirmed("ended early, sides not counted")

    def _send(
        self,
        entry: _Entry,
        name: str,
        kind: str,
        data: bytes,
        state: PrinterState,
    ) -> None:
        job = ipp_jobs.job_attributes(state, self.options, entry.copies - entry.came_out)
        if ipp_jobs.takes(state, ipp.Operation.VALIDATE_JOB):
            ipp_jobs.validate(self._wire, name, kind, job)
        if ipp_jobs.takes(state, ipp.Operation.CREATE_JOB, ipp.Operation.SEND_DOCUMENT):
            job_id = ipp_jobs.create_job(self._wire, name, job)
            self._deliver(
                entry, job_id, lambda: ipp_jobs.send_document(self._wire, job_id, kind, data)
            )
        else:
            self._deliver(
                entry, None, lambda: ipp_jobs.print_job(self._wire, name, kind, job, data)
            )

    def _deliver(self, entry: _Entry, job_id: int | None, send: Callable[[], int | None]) -> None:
        """Send once. Silence means: the printer may have it, so it is watched, not sent again."""
        entry.job_id, entry.sent = job_id, True
        try:
            entry.job_id = send() or job_id
        except DeviceError as error:
            if error.code == Fault.PRINTER_SILENT:
                entry.lost = True
                return
            # Nothing was taken; an empty job must not stay behind.
            entry.job_is_over()
            if job_id is not None:
                self._end(job_id)
            raise

    def _settle(self, entry: _Entry, name: str) -> Printed:
        """Watch until the job has ended. Raises DeviceError; the job stays, a call goes on."""
        watch = Watch(self._patience)
        while True:
            try:
                job = self._job_of(entry, name)
                state = self._look()
            except DeviceError as error:
                if error.code not in _LOST or watch.lost_too_long():
                    raise
            else:
                if job.ended:
                    entry.settled = self._conclude(entry, job, state)
                    return entry.settled
                watch.saw(job)
                self._require_progress(entry, job, state, watch)
            if self._stop.wait(self._poll):
                raise DeviceError(Fault.PRINTER_UNCONFIRMED, "no longer waited for")

    def _job_of(self, entry: _Entry, name: str) -> Job:
        if entry.job_id is None:
            job = ipp_jobs.find_job(self._wire, name)
        else:
            job = ipp_jobs.ask_job(self._wire, entry.job_id)
        if job is None:
            entry.job_id = None
            raise _unconfirmed("the printer does not know the job")
        entry.job_id = job.id
        return job

    def _require_progress(self, entry: _Entry, job: Job, state: PrinterState, watch: Watch) -> None:
        if entry.lost and job.without_document and watch.quiet_for(self._grace):
            ended = self._end(job.id)
            if ended and (ended.sides or ended.state == ipp.JobState.COMPLETED):
                return  # it had all the same, and is settled by the next look
            entry.job_is_over()
            raise DeviceError(Fault.PRINTER_SILENT, "it did not get the document")
        slow = watch.quiet_for(_SLOW * self._grace)
        error = state.hindrance(stopped=job.state == ipp.JobState.STOPPED, slow=slow)
        if error and watch.quiet_for(self._grace):
            raise _while_printing(error, job)
        if watch.quiet_for(self._stall):
            raise DeviceError(Fault.PRINTER_SILENT, f"no progress after {job.sides} sides")

    def _conclude(self, entry: _Entry, job: Job, state: PrinterState) -> Printed:
        if job.state == ipp.JobState.COMPLETED:
            # Some printers count one set of copies only, and some leave the counter at 0.
            if job.sides and job.sides < entry.pages:
                raise _unconfirmed(f"completed with {job.sides} of {entry.pages} sides")
            return self._printed(entry, job, state.warnings)
        if job.sides is None:
            entry.job_id = None
            raise _unconfirmed("ended early, sides not counted")
        self._count_early_end(entry, job)
        if entry.settled:
            return entry.settled
        cause = state.hindrance() or DeviceError(Fault.PRINTER_ERROR, "job ended by the printer")
        raise _while_printing(cause, job)

    def _printed(self, entry: _Entry, job: Job, warnings: tuple[str, ...] = ()) -> Printed:
        sides = None if self._spools else job.sides or None
        return Printed(entry.copies, sides, warnings, certain=not self._spools)

    def _count_early_end(self, entry: _Entry, job: Job) -> None:
        if self._spools and job.sides:
            raise _unconfirmed("a spooler counts what it sent")
        whole = (job.sides or 0) // entry.pages
        entry.came_out = min(entry.came_out + whole, entry.copies)
        entry.job_is_over()
        if entry.came_out == entry.copies:
            entry.settled = Printed(entry.copies, job.sides)

    def _cancel(self, name: str) -> Printed:
        entry = self._entries.get(name)
        if entry and entry.settled:
            return entry.settled
        try:
            return self._cancel_at_printer(entry, name)
        except DeviceError:
            if entry is None or entry.job_id is not None or entry.sent:
                raise
            return Printed(entry.came_out, 0)  # it got no document, so nothing can come out

    def _cancel_at_printer(self, entry: _Entry | None, name: str) -> Printed:
        if entry and entry.job_id is not None:
            job = ipp_jobs.ask_job(self._wire, entry.job_id)
        else:
            job = ipp_jobs.find_job(self._wire, name)
        if job and not job.ended:
            job = self._end(job.id)
        if entry is None or job is None or entry.job_id is None:
            forgotten = entry is not None and entry.job_id is not None
            unknown = None if forgotten else 0
            return Printed(entry.came_out if entry else 0, job.sides if job else unknown)
        if job.state == ipp.JobState.COMPLETED:
            entry.settled = self._printed(entry, job)
            return entry.settled
        self._count_early_end(entry, job)
        return Printed(entry.came_out, job.sides)

    def _cancel_quietly(self, name: str) -> None:
        try:
            self._cancel(name)
        except DeviceError as error:
            self._set(Health.FAULT, error.code)

    def _end(self, job_id: int) -> Job | None:
        """Cancel, and wait until the printer says that it has ended."""
        ipp_jobs.cancel_job(self._wire, job_id)
        deadline = time.monotonic() + self._patience
        while (job := ipp_jobs.ask_job(self._wire, job_id)) and not job.ended:
            if time.monotonic() > deadline:
                raise DeviceError(Fault.PRINTER_SILENT, "a cancelled job does not end")
            time.sleep(self._poll)
        return job


def _unconfirmed(detail: str) -> DeviceError:
    return DeviceError(Fault.PRINTER_UNCONFIRMED, detail, retryable=False)


def _while_printing(error: DeviceError, job: Job) -> DeviceError:
    done = "" if job.sides is None else f", {job.sides} sides are out"
    return DeviceError(
        error.code, f"{error.detail}{done}", retryable=True, paper_inside=error.paper_inside
    )
