"""An IPP Everywhere printer that prints into memory (RFC 8010, 8011), worked from outside.

What it does wrong, it does on the wire as printers do; what it printed is kept for tests.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from drivers import ipp
from drivers.emulators import ipp_answers
from drivers.emulators.control import Control
from drivers.emulators.ipp_answers import EmulatedJob
from drivers.emulators.loopback import LoopbackServer, cut, trickle
from drivers.ipp import JobState

_TICK = 0.02
_PATH = "/ipp/print"


@dataclass
class IppState:
    """``paper`` sheets, ``toner`` percent. ``jam_on_side``, ``abort_on_side``, ``unplug_on_side``:
    of the next job that gets there (0: none). ``garbage``, ``half``, ``busy``, ``drip`` (seconds
    between two bytes): how every answer is spoilt. ``lose``: an operation whose answer is lost
    after it was done, once; ``drop``: one that is lost on its way in, once. ``miscount``: sides
    that the counter misses. ``printed``: jobs completed.
    """

    paper: int = 250
    toner: int = 80
    cover_open: bool = False
    jammed: bool = False
    jam_on_side: int = 0
    abort_on_side: int = 0
    unplug_on_side: int = 0
    seconds_per_side: float = 0.02
    seconds_per_answer: float = 0.0
    drip: float = 0.0
    busy: bool = False
    garbage: bool = False
    half: bool = False
    lose: str = ""
    drop: str = ""
    miscount: int = 0
    counts_sides: bool = True
    formats: list[str] = field(default_factory=lambda: ["application/pdf", "image/pwg-raster"])
    creates_jobs: bool = True
    duplex: bool = True
    plugged: bool = True
    sides_out: int = 0
    printed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        hindered = {
            "media-jam-error": self.jammed,
            "cover-open-error": self.cover_open,
            "media-empty-error": self.paper <= 0,
            "marker-supply-empty-error": self.toner <= 0,
        }
        return [reason for reason, holds in hindered.items() if holds]


class IppEmulator:
    """Serves until ``close``. ``port`` 0 picks a free one."""

    def __init__(self, port: int = 0, control_port: int = 0) -> None:
        self.state = IppState()
        self.jobs: dict[int, EmulatedJob] = {}
        self.documents: list[bytes] = []
        self._next_id = 1
        self._changed = threading.Condition()
        self._closing = False
        self._server: LoopbackServer | None = LoopbackServer(_handler(self), port)
        self._port = self._server.port
        actions: dict[str, Callable[..., None]] = {
            "refill": self.refill,
            "repair": self.repair,
            "unplug": self.unplug,
            "plug": self.plug,
            "die": self.die,
            "forget_jobs": self.forget_jobs,
            "save": self.save,
        }
        self._control = Control(self.state, actions, control_port)
        self._engine = threading.Thread(target=self._run, daemon=True)
        self._engine.start()

    @property
    def address(self) -> str:
        return f"ipp://127.0.0.1:{self._port}{_PATH}"

    @property
    def control_url(self) -> str:
        return self._control.url

    def close(self) -> None:
        self._closing = True
        self.unplug()
        self._engine.join()
        self._control.close()

    def refill(self, sheets: int = 250) -> None:
        self.state.paper = sheets

    def repair(self) -> None:
        """What staff does: paper, toner, jam and cover."""
        self.refill()
        self.state.toner = 80
        self.state.jammed = self.state.cover_open = False

    def unplug(self) -> None:
        """Pull the network cable: it goes on with what it has."""
        server, self._server = self._server, None
        self.state.plugged = False
        if server:
            server.close()

    def plug(self) -> None:
        if self._server is None:
            self._server = LoopbackServer(_handler(self), self._port)
        self.state.plugged, self.state.unplug_on_side = True, 0

    def die(self) -> None:
        """Pull the power cord: paper stays where it is, jobs are gone."""
        self.unplug()
        self.forget_jobs()

    def forget_jobs(self) -> None:
        with self._changed:
            for job in self.jobs.values():
                job.gone = True
            self.jobs.clear()

    def save(self, path: str, index: int = -1) -> None:
        """Write a printed document. Raises ValueError when there is none."""
        try:
            Path(path).write_bytes(self.documents[index])
        except IndexError:
            raise ValueError("nothing was printed") from None

    def answer(self, request: ipp.Message) -> ipp.Message:
        with self._changed:
            status, groups = ipp_answers.answer(self, request)
        head = {
            "attributes-charset": ipp.attribute(ipp.CHARSET, "utf-8"),
            "attributes-natural-language": ipp.attribute(ipp.LANGUAGE, "en"),
        }
        return ipp.Message(status, request.request_id, ((ipp.GroupTag.OPERATION, head), *groups))

    def new_job(self, name: str, copies: int) -> EmulatedJob:
        job = EmulatedJob(self._next_id, name, copies)
        self.jobs[job.id] = job
        self._next_id += 1
        return job

    def _run(self) -> None:
        while not self._closing:
            with self._changed:
                job = next((j for j in self.jobs.values() if j.ready), None)
                if job is None:
                    self._changed.wait(_TICK)
                    continue
                job.state = JobState.PROCESSING
            self._print(job)

    def _print(self, job: EmulatedJob) -> None:
        while job.sides < job.total_sides and self._one_side(job):
            job.sides += 1
            self.state.sides_out += 1
            if job.sides % job.sides_per_sheet == 0 or job.sides % job.pages == 0:
                self.state.paper -= 1
        with self._changed:
            if not job.ended and job.sides == job.total_sides:
                self._complete(job)

    def _complete(self, job: EmulatedJob) -> None:
        job.state = JobState.COMPLETED
        self.documents.append(job.data)
        self.state.printed.append(
            {
                "name": job.name,
                "format": job.format,
                "copies": job.copies,
                "sides": job.sides,
                "sha256": hashlib.sha256(job.data).hexdigest(),
            }
        )

    def _one_side(self, job: EmulatedJob) -> bool:
        """Wait for its turn. False: the job has ended."""
        state = self.state
        waited = 0.0
        with self._changed:
            while not self._closing and not job.ended and not job.gone:
                if state.abort_on_side == job.sides + 1:
                    state.abort_on_side, job.state = 0, JobState.ABORTED
                elif state.unplug_on_side == job.sides + 1:
                    state.unplug_on_side = 0
                    threading.Thread(target=self.unplug).start()  # it waits for open answers
                elif state.jam_on_side == job.sides + 1:
                    state.jam_on_side, state.jammed = 0, True
                elif state.reasons:
                    job.state = JobState.STOPPED
                    self._changed.wait(_TICK)
                elif waited < state.seconds_per_side:
                    job.state = JobState.PROCESSING
                    self._changed.wait(_TICK)
                    waited += _TICK
                else:
                    return True
        return False


def _handler(printer: IppEmulator) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        emulator = printer

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    emulator: IppEmulator

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self._body()
        state = self.emulator.state
        request = ipp.decode(body)
        name = ipp.Operation(request.code).name
        if state.seconds_per_answer:
            threading.Event().wait(state.seconds_per_answer)
        if state.busy:
            self._answer(503, b"")
        elif state.drop == name:
            state.drop = ""
            self._hang_up()
        else:
            self._answer_ipp(ipp.encode(self.emulator.answer(request)), name)

    def _body(self) -> bytes:
        """CUPS sends a document in chunks (RFC 9112, 7.1)."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer_ipp(self, answer: bytes, operation: str) -> None:
        state = self.emulator.state
        if state.lose == operation:
            state.lose = ""
            self._hang_up()
        elif state.garbage:
            self._answer(200, b"\x00<html>" + answer[::-1])
        elif state.half:
            self._answer(200, answer, send=len(answer) // 2)
            self._hang_up()
        else:
            self._answer(200, answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        cut(self.connection)

    def _answer(self, status: int, body: bytes, send: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/ipp")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        trickle(self.wfile, body[:send], lambda: self.emulator.state.drip)
