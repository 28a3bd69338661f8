"""A device that drips its answer is late as one that says nothing: the whole has one limit."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead
from pathlib import Path

import pytest

from drivers import escl_status
from drivers.contract import DeviceError, Fault, ScanSettings
from drivers.document_printer import IppPrinter
from drivers.emulators.escl import EsclScanner
from drivers.emulators.ipp import IppEmulator
from drivers.http_once import NoConnectionError, Request, ask
from drivers.scanner import SaneScanner

DRIP = 0.05
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def dripped(peer: socket.socket, answer: bytes) -> None:
    try:
        for byte in answer:
            peer.sendall(bytes([byte]))
            time.sleep(DRIP)
    except OSError:
        pass  # given up, as it should


@contextmanager
def answering(give: Callable[[socket.socket], object]) -> Iterator[str]:
    """The address of a server for one question."""

    def serve() -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(65536)
            give(peer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/status"
        thread.join()


def test_an_answer_is_read_to_its_end() -> None:
    with answering(lambda peer: peer.sendall(WHOLE)) as url:
        assert ask(Request(url), 5, most=100) == (200, b"abc")


def test_an_answer_that_drips_from_its_first_byte_is_late() -> None:
    with answering(lambda peer: dripped(peer, ANSWER)) as url:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            ask(Request(url), 0.4, most=1000)
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (WHOLE[:-1], HTTPException),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", IncompleteRead),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200, HTTPException),
        (b"\x00\xff\r\n", HTTPException),
        (b"", ConnectionError),
    ],
)
def test_half_an_answer_or_too_much_is_none(answer: bytes, error: type[Exception]) -> None:
    with answering(lambda peer: peer.sendall(answer)) as url, pytest.raises(error):
        ask(Request(url), 5, most=100)


def test_nobody_there_is_told_from_no_answer() -> None:
    with pytest.raises(NoConnectionError):
        ask(Request("http://127.0.0.1:9/"), 1, most=100)


async def left_after(work: asyncio.Task[object]) -> float:
    """Seconds until a cancelled task is at its end."""
    begun = time.monotonic()
    work.cancel()
    await asyncio.wait([work], timeout=20)
    assert work.done()
    return time.monotonic() - begun


def test_whoever_leaves_a_dripping_scanner_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escl_status, "_STATUS_TIMEOUT", 0.5)

    async def main(device: EsclScanner) -> float:
        scanner = SaneScanner(url=device.url, work_dir=tmp_path)
        page: asyncio.Task[object] = asyncio.ensure_future(anext(scanner.scan(ScanSettings())))
        await asyncio.wait([page], timeout=0.2)
        try:
            return await left_after(page)
        finally:
            await scanner.close()

    with EsclScanner() as device:
        device.state.drip = DRIP
        assert asyncio.run(main(device)) < 5


def test_a_dripping_printer_is_silent_and_holds_nobody() -> None:
    async def main(device: IppEmulator) -> DeviceError:
        printer = IppPrinter(uri=device.address, timeout=0.4)
        check: asyncio.Task[object] = asyncio.ensure_future(printer.check())
        await asyncio.wait([check], timeout=0.2)
        assert await left_after(check) < 0.2
        try:
            with pytest.raises(DeviceError) as caught:
                await asyncio.wait_for(printer.check(), 5)
            return caught.value
        finally:
            await printer.close()

    device = IppEmulator()
    device.state.drip = DRIP
    try:
        assert asyncio.run(main(device)).code == Fault.PRINTER_SILENT
    finally:
        device.close()
