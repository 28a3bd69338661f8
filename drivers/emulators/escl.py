"""An eSCL scanner (Mopria eSCL 2.x over HTTP) with a feeder and a glass, serving given pages.

Sheets lie in the feeder until a job pulls them; a job on the glass takes the topmost one, as a
person who turns the pages of a booklet would lay them down. Faults come at once or on a page.
"""

from __future__ import annotations

import io
import re
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, Self

from PIL import Image, ImageOps

from drivers.emulators.control import Control
from drivers.emulators.loopback import LoopbackServer, cut

A4_MM = (210, 297)
_UNITS_PER_INCH = 300  # eSCL regions are in three-hundredths of an inch
_ADF_STATES = {
    "loaded": "ScannerAdfLoaded",
    "empty": "ScannerAdfEmpty",
    "jam": "ScannerAdfJam",
    "door-open": "ScannerAdfDoorOpen",
    "multifeed": "ScannerAdfMultipickDetected",
}
_FAULTS = frozenset({"jam", "door-open", "multifeed"})
_NAMESPACES = (
    'xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03" '
    'xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm"'
)


@dataclass
class EsclState:
    """What a test, a demo or a person may see and set through the control handle.

    ``adf`` is what the feeder's sensors say: loaded (empty once the sheets are gone), empty, jam,
    door-open or multifeed. ``fault_on_page`` N (from 1, counted in a job) makes ``fault`` happen
    when that sheet is pulled: one of these, or "die". ``http_status`` answers every request when
    set; ``truncate`` breaks an image off after that many bytes, with the connection or, when
    ``quietly``, as firmware does that announces the short image as whole; ``delay`` is seconds a
    page.
    """

    adf: str = "loaded"
    busy: bool = False
    fault: str = "jam"
    fault_on_page: int = 0
    http_status: int = 0
    delay: float = 0.0
    truncate: int = 0
    quietly: bool = False
    sheets_waiting: int = 0
    pages_delivered: int = 0


@dataclass
class _Job:
    source: str
    dpi: int
    mode: str
    format: str
    box: tuple[int, int, int, int]  # left, top, width, height in 1/300 inch
    state: str = "Processing"
    pages: int = 0


class EsclScanner:
    """Serves from construction until ``close`` (or the end of the ``with`` block).

    Control actions: ``load`` (paths of image files; replaces what lies in the feeder),
    ``repair`` (clears every fault, plugs in again), ``die`` (gone from the network).
    Raises OSError for a page that cannot be read, ValueError for one that is no whole image.
    """

    def __init__(self, pages: Sequence[Path | bytes] = (), port: int = 0) -> None:
        self.state = EsclState()
        self._lock = threading.RLock()
        self._jobs: dict[str, _Job] = {}
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
        if changes.get("adf", "loaded") not in _ADF_STATES:
            raise ValueError(f"adf is one of {', '.join(_ADF_STATES)}")
        if changes.get("fault", "die") not in {*_FAULTS, "die"}:
            raise ValueError(f"fault is die or one of {', '.join(sorted(_FAULTS))}")
        self._control.set(**changes)

    def load(self, pages: Sequence[Path | str | bytes]) -> None:
        sheets = [p if isinstance(p, bytes) else Path(p).read_bytes() for p in pages]
        for sheet in sheets:
            _check(sheet)
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
            if self._server is None:
                self._server = LoopbackServer(self._handler(), self._port)

    def die(self) -> None:
        with self._lock:
            server, self._server = self._server, None
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
        job = _parse_job(settings)
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
        time.sleep(self.state.delay)
        status, sheet = self._pull(job)
        if status != 200:
            return status, b"", ""
        return 200, _render(sheet, job), job.format

    def _pull(self, job: _Job) -> tuple[int, bytes | None]:
        with self._lock:
            if job.source == "Platen":
                return self._take_from_glass(job)
            if job.pages + 1 == self.state.fault_on_page:
                self._break()
            adf = self.adf_state()
            if adf == "loaded" and self._server:
                return 200, self._deliver(job)
            job.state = "Completed" if adf == "empty" else "Aborted"
            return (404 if adf == "empty" else 409), None

    def _take_from_glass(self, job: _Job) -> tuple[int, bytes | None]:
        if job.pages:
            job.state = "Completed"
            return 404, None
        if self._sheets:
            self._on_glass = self._deliver(job)
        else:
            job.pages += 1
            self.state.pages_delivered += 1
        return 200, self._on_glass

    def _deliver(self, job: _Job) -> bytes:
        sheet = self._sheets.pop(0)
        job.pages += 1
        self.state.sheets_waiting = len(self._sheets)
        self.state.pages_delivered += 1
        return sheet

    def _break(self) -> None:
        """The sheet stays where it is: whoever repairs the scanner lays it back on the stack."""
        if self.state.fault == "die":
            self.die()
        else:
            self.state.adf = self.state.fault

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"scanner": self})

    def scanner_status(self) -> str:
        with self._lock:
            adf = self.adf_state()
            state = "Processing" if self.state.busy else "Stopped" if adf in _FAULTS else "Idle"
            jobs = "".join(_job_info(name, job) for name, job in self._jobs.items())
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><scan:ScannerStatus {_NAMESPACES}>'
            f"<pwg:Version>2.6</pwg:Version><pwg:State>{state}</pwg:State>"
            f"<scan:AdfState>{_ADF_STATES[adf]}</scan:AdfState>"
            f"<scan:Jobs>{jobs}</scan:Jobs></scan:ScannerStatus>"
        )


def _check(sheet: bytes) -> None:
    try:
        Image.open(io.BytesIO(sheet)).load()
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"not a readable image: {error}") from None


def _parse_job(settings: str) -> _Job:
    def value(name: str, default: str) -> str:
        found = re.search(rf"<\w+:{name}>\s*([^<]+?)\s*</", settings)
        return found[1] if found else default

    box = [value("XOffset", "0"), value("YOffset", "0"), value("Width", "2480")]
    box.append(value("Height", "3508"))
    return _Job(
        source=value("InputSource", "Platen"),
        dpi=int(value("XResolution", "300")),
        mode=value("ColorMode", "RGB24"),
        format=value("DocumentFormatExt", value("DocumentFormat", "image/jpeg")),
        box=(int(box[0]), int(box[1]), int(box[2]), int(box[3])),
    )


def _job_info(name: str, job: _Job) -> str:
    return (
        f"<scan:JobInfo><pwg:JobUri>/eSCL/ScanJobs/{name}</pwg:JobUri>"
        f"<pwg:JobUuid>{name}</pwg:JobUuid><scan:Age>1</scan:Age>"
        f"<pwg:JobState>{job.state}</pwg:JobState>"
        f"<pwg:ImagesCompleted>{job.pages}</pwg:ImagesCompleted></scan:JobInfo>"
    )


def _render(sheet: bytes | None, job: _Job) -> bytes:
    """The asked region of an A4 bed with the sheet on it, encoded."""
    mode = "L" if job.mode == "Grayscale8" else "RGB"
    left, top, width, height = (round(side * job.dpi / _UNITS_PER_INCH) for side in job.box)
    bed = Image.new(mode, (left + width, top + height), "white")
    if sheet is not None:
        page = _lay_down(Image.open(io.BytesIO(sheet)).convert(mode), job.dpi)
        bed.paste(page, (0, 0))
    out = io.BytesIO()
    kind = "PNG" if job.format == "image/png" else "JPEG"
    options: dict[str, Any] = {"quality": 95} if kind == "JPEG" else {"compress_level": 1}
    region = bed.crop((left, top, left + width, top + height))
    region.save(out, kind, dpi=(job.dpi, job.dpi), **options)
    return out.getvalue()


def _lay_down(image: Image.Image, dpi: int) -> Image.Image:
    """The page as large as A4 allows, white around it."""
    width, height = (round(mm / 25.4 * dpi) for mm in A4_MM)
    if abs(image.width / image.height - width / height) < 0.02:
        return image.resize((width, height), Image.Resampling.BICUBIC)
    return ImageOps.pad(image, (width, height), color="white", centering=(0.5, 0.0))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scanner: ClassVar[EsclScanner]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.scanner.state.http_status:
            self._answer(self.scanner.state.http_status)
        elif self.path == "/eSCL/ScannerCapabilities":
            self._answer(200, _CAPABILITIES.encode())
        elif self.path == "/eSCL/ScannerStatus":
            self._answer(200, self.scanner.scanner_status().encode())
        elif self.path.endswith("/NextDocument"):
            self._answer_image(*self.scanner.next_document(self.path.split("/")[-2]))
        else:
            self._answer(404)

    def do_POST(self) -> None:
        settings = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.scanner.state.http_status:
            self._answer(self.scanner.state.http_status)
        elif self.path == "/eSCL/ScanJobs":
            status, location = self.scanner.create_job(settings)
            self._answer(status, location=location)
        else:
            self._answer(404)

    def do_DELETE(self) -> None:
        self._answer(self.scanner.cancel_job(self.path.split("/")[-1]))

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
        self.wfile.write(body[:send])


def _input_capabilities() -> str:
    resolutions = "".join(
        f"<scan:DiscreteResolution><scan:XResolution>{dpi}</scan:XResolution>"
        f"<scan:YResolution>{dpi}</scan:YResolution></scan:DiscreteResolution>"
        for dpi in (75, 100, 150, 200, 300, 600)
    )
    return (
        "<scan:MinWidth>16</scan:MinWidth><scan:MaxWidth>2550</scan:MaxWidth>"
        "<scan:MinHeight>16</scan:MinHeight><scan:MaxHeight>3508</scan:MaxHeight>"
        "<scan:MaxScanRegions>1</scan:MaxScanRegions><scan:SettingProfiles><scan:SettingProfile>"
        "<scan:ColorModes><scan:ColorMode>Grayscale8</scan:ColorMode>"
        "<scan:ColorMode>RGB24</scan:ColorMode></scan:ColorModes><scan:DocumentFormats>"
        "<pwg:DocumentFormat>image/jpeg</pwg:DocumentFormat>"
        "<scan:DocumentFormatExt>image/jpeg</scan:DocumentFormatExt></scan:DocumentFormats>"
        f"<scan:SupportedResolutions><scan:DiscreteResolutions>{resolutions}"
        "</scan:DiscreteResolutions></scan:SupportedResolutions>"
        "</scan:SettingProfile></scan:SettingProfiles>"
        "<scan:MaxOpticalXResolution>600</scan:MaxOpticalXResolution>"
        "<scan:MaxOpticalYResolution>600</scan:MaxOpticalYResolution>"
    )


_CAPABILITIES = (
    f'<?xml version="1.0" encoding="UTF-8"?><scan:ScannerCapabilities {_NAMESPACES}>'
    "<pwg:Version>2.6</pwg:Version><pwg:MakeAndModel>Kiosk Emulated MFP</pwg:MakeAndModel>"
    "<pwg:SerialNumber>EMULATED</pwg:SerialNumber>"
    f"<scan:Platen><scan:PlatenInputCaps>{_input_capabilities()}</scan:PlatenInputCaps>"
    f"</scan:Platen><scan:Adf><scan:AdfSimplexInputCaps>{_input_capabilities()}"
    "</scan:AdfSimplexInputCaps><scan:FeederCapacity>50</scan:FeederCapacity><scan:AdfOptions>"
    "<scan:AdfOption>DetectPaperLoaded</scan:AdfOption></scan:AdfOptions></scan:Adf>"
    "</scan:ScannerCapabilities>"
)
