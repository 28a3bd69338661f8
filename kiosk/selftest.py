"""Self-tests that use the devices for real: a slip is printed, laid on the scanner and read back.

A person's hands are needed for that. ``PersonsHands`` asks for them; in the sandbox
``ControlHands`` does the same at the emulators' controls.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import requests

from drivers.contract import (
    DeviceError,
    Fault,
    Raster,
    ScanSettings,
    Slip,
    SlipCode,
    SlipText,
)
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob
from kiosk.app import Kiosk

_PREFIX = "KIOSK-TEST-"
_ANSWER_SECONDS = 60.0
_DARKEST = 25.0  # mean of 0 to 255 below which a picture counts as black
_LEAST_DETAIL = 15.0  # variance of the Laplacian below which nothing in a picture is sharp
_BETWEEN_LOOKS = 1.0


class Hands(Protocol):
    """What a person does for a test. Each returns when it is done."""

    async def lay_slip_on_scanner(self) -> None: ...

    async def show_slip_to_reader(self, payload: str) -> None: ...


class PersonsHands:
    """``say`` tells the person what to do; the test then waits for it to happen."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    async def lay_slip_on_scanner(self) -> None:
        self._say("Please lay the printed slip on the glass (or into the feeder) of the scanner.")

    async def show_slip_to_reader(self, payload: str) -> None:
        self._say("Please hold the code on the printed slip before the code reader.")


class ControlHands:
    """``controls``: device name -> control address, as ``kiosk sandbox`` writes them."""

    def __init__(self, controls: dict[str, str]) -> None:
        self._controls = controls

    async def lay_slip_on_scanner(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            slip, sheet = Path(folder) / "slip.png", Path(folder) / "sheet.png"
            await self._do("receipt-printer", "save", path=str(slip))
            await asyncio.to_thread(_on_white_a4, slip, sheet)
            await self._do("scanner", "load", pages=[str(sheet)])

    async def show_slip_to_reader(self, payload: str) -> None:
        await self._do("code-reader", "show", payload=payload)

    async def _do(self, device: str, action: str, **details: Any) -> None:
        url = f"{self._controls[device]}/{action}"
        answer = await asyncio.to_thread(requests.post, url, json=details, timeout=10)
        answer.raise_for_status()


def control_hands(file: Path) -> ControlHands:
    return ControlHands(json.loads(file.read_text("utf-8")))


@dataclass(slots=True)
class Bench:
    """What the self-tests share. ``token`` is on the slip and must come back."""

    kiosk: Kiosk
    hands: Hands
    token: str
    printed: bool = False


def bench(kiosk: Kiosk, hands: Hands) -> Bench:
    return Bench(kiosk, hands, _PREFIX + secrets.token_hex(4).upper())


async def camera_frame(bench: Bench) -> str:
    """Raises DeviceError when no frame comes, or when it shows nothing."""
    async with aclosing(bench.kiosk.camera.frames()) as frames:
        frame = await anext(frames)
    try:
        mean, detail = light_and_detail(frame)
    finally:
        frame.pixels.close()
    if mean < _DARKEST:
        raise DeviceError(Fault.CAMERA_STOPPED, f"the picture is black (mean {mean:.0f} of 255)")
    if detail < _LEAST_DETAIL:
        raise DeviceError(Fault.CAMERA_STOPPED, f"nothing is sharp (detail {detail:.0f})")
    return f"{frame.width} x {frame.height}, mean {mean:.0f}, detail {detail:.0f}"


def light_and_detail(frame: Raster) -> tuple[float, float]:
    """Mean of the green channel, 0 to 255, and the variance of its Laplacian."""
    import numpy as np

    shape = (frame.height, frame.width, frame.channels)
    pixels = np.frombuffer(frame.pixels.read(), np.uint8).reshape(shape)
    green = pixels[:, :, min(1, frame.channels - 1)].astype(np.float32)
    edges = (
        green[:-2, 1:-1] + green[2:, 1:-1] + green[1:-1, :-2] + green[1:-1, 2:]
        - 4 * green[1:-1, 1:-1]
    )  # fmt: skip
    return float(green.mean()), float(edges.var())


async def print_slip(bench: Bench) -> str:
    slip = Slip(
        (
            SlipText("Phiếu thử máy", scale=1.2, bold=True, centred=True),
            SlipText("ẮẰẲẴẶ ẾỀỂỄỆ ỐỒỔỖỘ ƯỨỪỬỮỰ đ", centred=True),
            SlipCode(bench.token, module_dots=8),
            SlipText(bench.token, centred=True),
        )
    )
    await bench.kiosk.receipt.print_slip(slip)
    bench.printed = True
    return f"a slip with {bench.token}"


async def scan_slip(bench: Bench) -> str:
    """Scan until the slip's code is on a page. Raises DeviceError."""
    _require_slip(bench, Fault.SCANNER_EMPTY)
    await bench.hands.lay_slip_on_scanner()
    reader = Child(ChildSpec("codes", "drivers.codes:CodesWorker", deadline=20))
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await _until_seen(bench, reader)
    except TimeoutError:
        raise DeviceError(Fault.SCANNER_EMPTY, "the slip's code was on no page") from None
    finally:
        await reader.close()
    return "the printed code was read back"


async def _until_seen(bench: Bench, reader: Child) -> None:
    while True:
        if bench.token in await _codes_on_page(bench.kiosk, reader):
            return
        await asyncio.sleep(_BETWEEN_LOOKS)


async def _codes_on_page(kiosk: Kiosk, reader: Child) -> list[str]:
    """Of the first sheet in the feeder, or else of what lies on the glass."""
    for source in ("feeder", "glass"):
        sheets = kiosk.scanner.scan(ScanSettings(source=source, dpi=200, colour=False))
        async with aclosing(sheets):
            try:
                page = await anext(sheets)
            except DeviceError as error:
                if error.code not in (Fault.SCANNER_EMPTY, Fault.SCANNER_ABSENT):
                    raise
                continue
        found: list[str] = await reader.call("decode", image=await asyncio.to_thread(_png, page))
        return found
    raise DeviceError(Fault.SCANNER_ABSENT)


async def read_slip(bench: Bench) -> str:
    """Raises DeviceError when another code or none comes."""
    _require_slip(bench, Fault.READER_GARBLED)
    await bench.kiosk.reader.check()
    reading = asyncio.ensure_future(bench.kiosk.reader.read())
    try:
        await asyncio.sleep(0)  # the reader listens before the code is shown
        await bench.hands.show_slip_to_reader(bench.token)
        payload = await asyncio.wait_for(reading, _ANSWER_SECONDS)
    except TimeoutError:
        raise DeviceError(Fault.READER_ABSENT, "no code came") from None
    finally:
        reading.cancel()
    if payload != bench.token:
        raise DeviceError(Fault.READER_GARBLED, "another code than the slip's")
    return "the printed code came back"


def _require_slip(bench: Bench, code: Fault) -> None:
    if not bench.printed:
        raise DeviceError(code, "no slip was printed to try it with")


def _png(page: Raster) -> Blob:
    import io

    from PIL import Image

    mode = "RGB" if page.channels == 3 else "L"
    out = io.BytesIO()
    try:
        picture = Image.frombytes(mode, (page.width, page.height), page.pixels.read())
    finally:
        page.pixels.close()
    picture.save(out, "PNG", compress_level=1)
    return Blob.of(out.getvalue())


def _on_white_a4(slip: Path, sheet: Path) -> None:
    """The slip as it lies on the glass: at its size, 203 dpi, white around it."""
    from PIL import Image

    paper = Image.new("L", (1679, 2374), 255)
    paper.paste(Image.open(slip).convert("L"), (200, 200))
    paper.save(sheet)


TESTS: tuple[tuple[str, Callable[[Bench], Awaitable[str]]], ...] = (
    ("camera picture", camera_frame),
    ("test slip", print_slip),
    ("slip scanned", scan_slip),
    ("slip read", read_slip),
)
