"""A CUPS queue as the printer's address: Debian's cupsd in front of our emulator, both real wires.

cupsd runs as the user of the test (as nobody, when that is root) on a port of its own, with files
of its own; it needs neither D-Bus nor Avahi. The queue is raw, so no filter is in between: what is
tried is what CUPS says of jobs, not how it draws.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import DeviceError, Fault, Printed
from drivers.document_printer import IppPrinter
from drivers.emulators.ipp import IppEmulator
from tests.drivers.test_document_printer import TWO_PAGES, fault_of, pdf_of

_FILES = """ServerRoot {folder}/etc
RequestRoot {folder}/spool
CacheDir {folder}/cache
StateDir {folder}/run
TempDir {folder}/tmp
AccessLog {folder}/access_log
ErrorLog {folder}/error_log
PageLog {folder}/page_log
Printcap
User {user}
Group {group}
SystemGroup root
Sandboxing relaxed
"""
_SERVER = """LogLevel debug
Listen 127.0.0.1:{port}
Browsing Off
DefaultAuthType None
WebInterface No
<Location />
  Order allow,deny
  Allow from 127.0.0.1
</Location>
<Policy default>
  <Limit All>
    Order allow,deny
    Allow from 127.0.0.1
  </Limit>
</Policy>
"""
_QUEUE = """<Printer Copies>
Info Copies
DeviceURI {device}
State Idle
Accepting Yes
ErrorPolicy abort-job
OpPolicy default
</Printer>
"""
ONE_PAGE = pdf_of(1)
_NOBODY = 65534
_SECONDS = 15


class Cups:
    """One cupsd with the queue ``Copies``."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder, self._port = folder, _free_port()
        for name in ("etc", "spool", "cache", "run", "tmp"):
            (folder / name).mkdir()
        user, group = ("nobody", "nogroup") if os.getuid() == 0 else _own_names()
        (folder / "files.conf").write_text(_FILES.format(folder=folder, user=user, group=group))
        (folder / "cupsd.conf").write_text(_SERVER.format(port=self._port))
        (folder / "etc" / "printers.conf").write_text(_QUEUE.format(device=device))
        if os.getuid() == 0:
            _give_away(folder)
        self.start()

    @property
    def uri(self) -> str:
        return f"ipp://127.0.0.1:{self._port}/printers/Copies"

    def start(self) -> None:
        files = ["-c", str(self._folder / "cupsd.conf"), "-s", str(self._folder / "files.conf")]
        drop = {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()} if not os.getuid() else {}
        self._process = subprocess.Popen(["cupsd", "-f", *files], **drop)  # type: ignore[call-overload]
        deadline = time.monotonic() + _SECONDS
        while not _listens(self._port):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            os.sched_yield()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_SECONDS)

    @property
    def log(self) -> str:
        log = self._folder / "error_log"
        return log.read_text("utf-8", "replace")[-3000:] if log.exists() else ""


def _own_names() -> tuple[str, str]:
    import grp
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name


def _give_away(folder: Path) -> None:
    """To nobody."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def device() -> Iterator[IppEmulator]:
    emulator = IppEmulator()
    yield emulator
    emulator.close()


@pytest.fixture
def cups(device: IppEmulator) -> Iterator[Cups]:
    # Not among pytest's folders: those are closed to everybody but the user who runs the tests.
    with tempfile.TemporaryDirectory(prefix="cups-") as folder:
        server = Cups(Path(folder), device.address)
        yield server
        server.stop()


def run(cups: Cups, use: Callable[[IppPrinter], Any], **options: Any) -> Any:
    async def with_printer() -> Any:
        printer = IppPrinter(uri=cups.uri, **{"grace": 0.1, "poll": 0.05, **options})
        try:
            return await asyncio.wait_for(use(printer), 60)
        finally:
            await printer.close()

    return asyncio.run(with_printer())


def test_completed_comes_after_the_paper(cups: Cups, device: IppEmulator) -> None:
    device.state.seconds_per_side = 0.3

    async def use(printer: IppPrinter) -> tuple[Printed, int]:
        await printer.check()
        printed = await printer.print_document(TWO_PAGES, "copy-1")
        return printed, device.state.sides_out

    printed, out = run(cups, use)
    assert printed == Printed(1, None, certain=False)
    assert (out, device.documents) == (2, [TWO_PAGES])


def test_a_name_is_printed_once_also_after_a_restart_of_both(
    cups: Cups, device: IppEmulator
) -> None:
    """The history of CUPS tells a new process of ours what the old one had printed."""
    run(cups, lambda p: p.print_document(TWO_PAGES, "copy-1"))
    cups.stop()
    cups.start()
    assert run(cups, lambda p: p.print_document(TWO_PAGES, "copy-1")).copies == 1
    assert len(device.documents) == 1


def test_a_printer_that_is_gone_is_told_and_the_job_can_be_taken_back(
    cups: Cups, device: IppEmulator
) -> None:
    """CUPS would keep it and print it hours later, into anybody's hands."""
    device.unplug()

    async def use(printer: IppPrinter) -> tuple[DeviceError, Printed]:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        return error, await printer.cancel("copy-1")

    error, left = run(cups, use, stall=3.0)
    assert error.code == Fault.PRINTER_SILENT
    assert left == Printed(0, 0)
    device.plug()
    assert device.documents == []


def test_paper_out_is_told_by_its_reason_and_the_job_goes_on(
    cups: Cups, device: IppEmulator
) -> None:
    device.state.paper = 0

    async def use(printer: IppPrinter) -> tuple[DeviceError, Printed]:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        device.refill()
        return error, await printer.print_document(TWO_PAGES, "copy-1")

    error, printed = run(cups, use, stall=5.0)
    assert error.code == Fault.PRINTER_PAPER_OUT
    assert (printed.copies, len(device.documents)) == (1, 1)


def test_of_a_job_that_the_printer_drops_nobody_says_that_it_is_printed(
    cups: Cups, device: IppEmulator
) -> None:
    """CUPS calls it completed (its issue 1703): only the count of two sides gives it away, and of
    a single side nothing does, which is why its word is never certain."""
    device.state.abort_on_side = 1
    error: DeviceError = run(cups, lambda p: fault_of(p.print_document(TWO_PAGES, "copy-1")))
    assert error.code == Fault.PRINTER_UNCONFIRMED
    device.state.abort_on_side = 1
    printed: Printed = run(cups, lambda p: p.print_document(ONE_PAGE, "copy-2"))
    assert not printed.certain
    assert device.documents == []
