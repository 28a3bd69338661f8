"""An eSCL scanner (Mopria eSCL 2.x over HTTP) with a feeder and a glass, serving given pages.

Pages lie in the feeder until a job pulls them; a job of both sides takes two of them for a sheet,
the last back is empty where they are odd. A job on the glass takes the topmost one, as a person who
turns the pages of a booklet would lay them down. Faults come at once or on a page.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, Self

from drivers.emulators.control import Control
from drivers.emulators.escl_sheets import check, render
from drivers.emulators.escl_wire import (
    ADF_STATES,
    FAULTS,
    Job,
    capabilities,
    parse_job,
    scanner_status,
)
from drivers.emulators.loopback import LoopbackServer, cut, trickle


@dataclass
class EsclState:
    """What a test, a demo or a person may see and set through the control handle.

    ``adf`` is what the feeder's sensors say: loaded (empty once the sheets are gone), empty, jam,
    door-open or multifeed. ``fault_on_page`` N (from 1, counted in a job) makes ``fault`` happen
    when that sheet is pulled: one of these, or "die". ``http_status`` answers every request when
    set; ``truncate`` breaks an image off after that many bytes, with the connection or, when
    ``quietly``, as firmware does that announces the short image as whole; ``delay`` is seconds a
    page. ``garbage`` answers everything with bytes that mean nothing, ``half`` breaks every answer
    off; ``slow`` is seconds before the scanner says how it is, ``drip`` seconds between two bytes.
    With ``ahead`` the feeder takes the next sheet while the client still has to ask for it, as one
    with memory for a page does. Page ``hold_page`` waits until this
    is changed; ``lose_page`` goes through the feeder, but its image never comes. ``feeder`` and
    ``duplex`` tell what the model has.
    """

    adf: str = "loaded"
    busy: bool = False
    fault: str = "jam"
    fault_on_page: int = 0
    http_status: int = 0
    delay: float = 0.0
    truncate: int = 0
    quietly: bool = False
    garbage: bool = False
    half: bool = False
    slow: float = 0.0
    drip: float = 0.0
    ahead: bool = False
    hold_page: int = 0
    lose_page: int = 0
    feeder: bool = True
    duplex: bool = True
    sheets_waiting: int = 0
    pages_delivered: int = 0


class EsclScanner:
    """Serves from construction until ``close`` (or the end of the ``with`` block).

    Control actions: ``load`` (paths of image files; replaces what lies in the feeder),
    ``repair`` (clears every fault, plugs in again), ``die`` (gone from the network).
    Raises OSError for a page that cannot be read, ValueError for one that is no whole image.
    """

    def __init__(self, pages: Sequence[Path | bytes] = (), port: int = 0) -> None:
        self.state = EsclState()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._jobs: dict[str, Job] = {}
        self._sheets: list[bytes] = []
        self._on_glass: bytes | None = None
        self.load(pages)
        self._server: LoopbackServer | None = LoopbackServer(self._handler(), port)
        self._port = self._server.port
        actions: dict[str, Callable[..., Any]] = {
            "set": self.set,
            "load": self.load,
            "repair": self.repair,
            "die": self.die,
        }
        self._control = Control(self.state, actions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/eSCL"

    @property
    def address(self) -> str:
        return self.url

    @property
    def control_url(self) -> str:
        return self._control.url

    @property
    def pages_delivered(self) -> int:
        return self.state.pages_delivered

    def set(self, **changes: Any) -> None:
        """Raises ValueError for a field or a state of the feeder that there is not."""
        if changes.get("adf", "loaded") not in ADF_STATES:
            raise ValueError(f"adf is one of {', '.join(ADF_STATES)}")
        if changes.get("fault", "die") not in {*FAULTS, "die"}:
            raise ValueError(f"fault is die or one of {', '.join(sorted(FAULTS))}")
        with self._changed:
            self._control.set(**changes)
            self._changed.notify_all()

    def load(self, pages: Sequence[Path | str | bytes]) -> None:
        sheets = [p if isinstance(p, bytes) else Path(p).read_bytes() for p in pages]
        for sheet in sheets:
            check(sheet)
        with self._lock:
            self._sheets = sheets
            self.state.sheets_waiting = len(sheets)
            if self.state.adf == "empty":
                self.state.adf = "loaded"

    def repair(self) -> None:
        with self._lock:
            waiting, delivered = self.state.sheets_waiting, self.state.pages_delivered
            healthy = EsclState(sheets_waiting=waiting, pages_delivered=delivered)
            vars(self.state).update(vars(healthy))
            self._changed.notify_all()
            if self._server is None:
                self._server = LoopbackServer(self._handler(), self._port)

    def die(self) -> None:
        with self._lock:
            server, self._server = self._server, None
            self._changed.notify_all()
        if server:
            server.close()

    def close(self) -> None:
        self.die()
        self._control.close()

    def adf_state(self) -> str:
        with self._lock:
            adf = self.state.adf
            return "empty" if adf == "loaded" and not self._sheets else adf

    def create_job(self, settings: str) -> tuple[int, str]:
        """HTTP status and the path of the new job."""
        job = parse_job(settings)
        with self._lock:
            if self.state.busy:
                return 503, ""
            if job.source == "Feeder" and self.adf_state() != "loaded":
                return 409, ""
            name = str(uuid.uuid4())
            self._jobs = {n: j for n, j in self._jobs.items() if j.state == "Processing"}
            self._jobs[name] = job
            return 201, f"/eSCL/ScanJobs/{name}"

    def cancel_job(self, name: str) -> int:
        with self._lock:
            job = self._jobs.get(name)
            if job is None:
                return 404
            if job.state == "Processing":
                job.state = "Canceled"
            return 200

    def next_document(self, name: str) -> tuple[int, bytes, str]:
        """HTTP status, the image and its type: 404 is the end of the job, 409 a fault."""
        with self._lock:
            job = self._jobs.get(name)
        if job is None or job.state != "Processing":
            return 404, b"", ""
        self._take_time(job)
        status, sheet = self._pull(job)
        if status != 200:
            return status, b"", ""
        return 200, render(sheet, job), job.format

    def _take_time(self, job: Job) -> None:
        begun = job.handed_over if self.state.ahead else time.monotonic()
        time.sleep(max(0.0, begun + self.state.delay - time.monotonic()))
        job.handed_over = time.monotonic()
        with self._changed:
            self._changed.wait_for(
                lambda: not self._server or self.state.hold_page != job.pages + 1
            )

    def _pull(self, job: Job) -> tuple[int, bytes | None]:
        with self._lock:
            if job.source == "Platen":
                return self._take_from_glass(job)
            if job.pages + 1 == self.state.fault_on_page:
                self._break()
            if job.pages + 1 == self.state.lose_page and self._sheets:
                self._deliver(job)
            if job.duplex and job.pages % 2 and not self._sheets and self.state.adf == "loaded":
                self._count(job)
                return 200, None
            adf = self.adf_state()
            if adf == "loaded" and self._server:
                return 200, self._deliver(job)
            job.state = "Completed" if adf == "empty" else "Aborted"
            return (404 if adf == "empty" else 409), None

    def _take_from_glass(self, job: Job) -> tuple[int, bytes | None]:
        if job.pages:
            job.state = "Completed"
            return 404, None
        if self._sheets:
            self._on_glass = self._deliver(job)
        else:
            self._count(job)
        return 200, self._on_glass

    def _deliver(self, job: Job) -> bytes:
        sheet = self._sheets.pop(0)
        self.state.sheets_waiting = len(self._sheets)
        self._count(job)
        return sheet

    def _count(self, job: Job) -> None:
        job.pages += 1
        self.state.pages_delivered += 1

    def _break(self) -> None:
        """The sheet stays where it is: whoever repairs the scanner lays it back on the stack."""
        if self.state.fault == "die":
            self.die()
        else:
            self.state.adf = self.state.fault

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"scanner": self})

    def describe(self) -> str:
        time.sleep(self.state.slow)
        with self._lock:
            adf = self.adf_state()
            state = "Processing" if self.state.busy else "Stopped" if adf in FAULTS else "Idle"
            return scanner_status(state, adf, self._jobs)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scanner: ClassVar[EsclScanner]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        state = self.scanner.state
        if self._out_of_order():
            return
        if self.path == "/eSCL/ScannerCapabilities":
            self._answer(200, capabilities(feeder=state.feeder, duplex=state.duplex).encode())
        elif self.path == "/eSCL/ScannerStatus":
            self._answer(200, self.scanner.describe().encode())
        elif self.path.endswith("/NextDocument"):
            self._answer_image(*self.scanner.next_document(self.path.split("/")[-2]))
        else:
            self._answer(404)

    def do_POST(self) -> None:
        settings = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self._out_of_order():
            return
        if self.path == "/eSCL/ScanJobs":
            status, location = self.scanner.create_job(settings)
            self._answer(status, location=location)
        else:
            self._answer(404)

    def do_DELETE(self) -> None:
        self._answer(self.scanner.cancel_job(self.path.split("/")[-1]))

    def _out_of_order(self) -> bool:
        state = self.scanner.state
        if state.http_status:
            self._answer(state.http_status)
        elif state.garbage:
            self._answer(200, b"\x00\xff" * 500)
        return bool(state.http_status or state.garbage)

    def _answer_image(self, status: int, data: bytes, kind: str) -> None:
        limit = self.scanner.state.truncate or len(data)
        if self.scanner.state.quietly:
            data = data[:limit]
        self._answer(status, data, kind or "text/xml", send=limit)
        if limit < len(data):
            self.close_connection = True
            cut(self.connection)

    def _answer(
        self,
        status: int,
        body: bytes = b"",
        kind: str = "text/xml",
        *,
        location: str = "",
        send: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.scanner.state.half:
            send = len(body) // 2
            self.close_connection = True
        trickle(self.wfile, body[:send], lambda: self.scanner.state.drip)
        if self.scanner.state.half:
            self.wfile.flush()
            cut(self.connection)
