"""Debian's ippeveprinter, which is no code of ours, prints what the driver sends.

It wants Avahi even where nothing is announced, so both get a bus of their own and a private /run.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers import dns_sd, pwg_raster
from drivers.contract import DeviceError, Fault, Printed
from drivers.document_printer import IppPrinter
from tests.drivers.test_document_printer import TWO_PAGES, fault_of

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
<allow user="*"/></policy></busconfig>
"""
_AVAHI = "[server]\nhost-name=kiosk-test\nallow-interfaces=lo\nuse-ipv6=no\n"
_PRINT = """#!/bin/sh
# $1: the document. A FIFO named "refill" blocks until somebody writes into it.
if [ -p {folder}/refill ]; then
  echo "STATE: +media-empty-error" >&2
  read -r line < {folder}/refill
  rm {folder}/refill
  echo "STATE: -media-empty-error" >&2
fi
[ -e {folder}/broken ] && exit 1
cp "$1" {folder}/printed-$(basename "$1")
echo "ATTR: job-impressions=2 job-impressions-completed=2" >&2
"""
_SECONDS = 15


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not ready():
        assert process.poll() is None, f"{process.args!r} ended"
        assert time.monotonic() < deadline, f"{process.args!r} is not ready"
        os.sched_yield()


def _stop(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        process.terminate()
        process.wait(_SECONDS)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bus")
    path, settings, avahi = folder / "bus", folder / "bus.conf", folder / "avahi.conf"
    settings.write_text(_BUS.format(path=path))
    avahi.write_text(_AVAHI)
    address = f"unix:path={path}"
    log = (folder / "log").open("wb")
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={settings}", "--nofork", "--nopidfile"], stderr=log
    )
    try:
        _until(path.exists, daemon)
        discovery = subprocess.Popen(
            [
                *_as_root(),
                f"mount -t tmpfs none /run && mkdir /run/avahi-daemon && {_avahi(avahi)}",
            ],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": address},
            stderr=log,
        )
        try:
            _until(lambda: b"startup complete" in (folder / "log").read_bytes(), discovery)
            yield address
        finally:
            _stop(discovery)
    finally:
        _stop(daemon)
        log.close()


def _as_root() -> list[str]:
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "sh", "-c"]


def _avahi(settings: Path) -> str:
    options = "--no-drop-root --no-chroot --no-rlimits"
    return f"exec avahi-daemon {options} -f {settings}"


class Reference:
    """An ippeveprinter on a free port; ``folder`` holds what it printed."""

    def __init__(
        self, bus: str, folder: Path, formats: str = "application/pdf", announced: str = "off"
    ) -> None:
        self.folder = folder
        command = folder / "print.sh"
        command.write_text(_PRINT.format(folder=folder))
        command.chmod(0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.uri = f"ipp://127.0.0.1:{port}/ipp/print"
        options = ["-n", "localhost", "-r", announced, "-f", formats, "-c", str(command)]
        where = ["-d", str(folder / "spool"), "-K", str(folder), "-p", str(port)]
        (folder / "spool").mkdir()
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            ["ippeveprinter", *options, *where, "Kiosk test"],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus, "HOME": str(folder)},
            stdout=self._log,
            stderr=self._log,
        )
        _until(lambda: _listens(port), self._process)

    def close(self) -> None:
        _stop(self._process)
        self._log.close()

    def take_paper_out(self) -> None:
        os.mkfifo(self.folder / "refill")

    def refill(self) -> None:
        (self.folder / "refill").write_text("paper\n")

    @property
    def printed(self) -> list[bytes]:
        return [path.read_bytes() for path in self.folder.glob("printed-*")]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def reference(bus: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reference]:
    printer = Reference(bus, tmp_path, getattr(request, "param", "application/pdf"))
    yield printer
    printer.close()


def run(reference: Reference, use: Callable[[IppPrinter], Any]) -> Any:
    async def with_printer() -> Any:
        printer = IppPrinter(uri=reference.uri, grace=0.1, poll=0.05)
        try:
            return await use(printer)
        finally:
            await printer.close()

    return asyncio.run(with_printer())


def test_a_pdf_is_printed(reference: Reference) -> None:
    printed = run(reference, lambda p: p.print_document(TWO_PAGES, "copy-1"))
    assert printed == Printed(1, 2)
    assert reference.printed == [TWO_PAGES]


@pytest.mark.parametrize("reference", ["image/pwg-raster"], indirect=True)
def test_raster_where_it_takes_no_pdf(reference: Reference) -> None:
    assert run(reference, lambda p: p.print_document(TWO_PAGES, "copy-1")) == Printed(1, 2)
    (raster,) = reference.printed
    assert len(pwg_raster.decode(raster)) == 2


def test_paper_out_then_refilled_goes_on_with_the_same_job(reference: Reference) -> None:
    async def use(printer: IppPrinter) -> Printed:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        assert error.code == Fault.PRINTER_PAPER_OUT
        await asyncio.to_thread(reference.refill)
        return await printer.print_document(TWO_PAGES, "copy-1")

    reference.take_paper_out()
    assert run(reference, use) == Printed(1, 2)
    assert reference.printed == [TWO_PAGES]


def test_a_job_that_the_printer_aborts_is_no_success(reference: Reference) -> None:
    (reference.folder / "broken").touch()
    error: DeviceError = run(reference, lambda p: fault_of(p.print_document(TWO_PAGES, "copy-1")))
    assert error.code == Fault.PRINTER_ERROR
    assert reference.printed == []


def test_supplies_are_told(reference: Reference) -> None:
    async def use(printer: IppPrinter) -> Any:
        await printer.check()
        return printer.supplies()

    assert run(reference, use)


def test_it_is_found_by_what_it_announces(bus: str, tmp_path: Path) -> None:
    printer = Reference(bus, tmp_path, announced="_print")
    try:
        heard = asyncio.run(dns_sd.announced([dns_sd.IPP], 1.0, ["127.0.0.1"]))
    finally:
        printer.close()
    told = [f"ipp://{one.address}:{one.port}/{one.about['rp']}" for one in heard]
    assert printer.uri in told
