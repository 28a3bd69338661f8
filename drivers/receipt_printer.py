"""ESC/POS receipt printers (80 or 58 mm thermal paper, 203 dpi), by python-escpos.

Source of commands and status bits: Epson's ESC/POS command reference. "Sent" is not "printed":
after the cut the printer is asked with a command that it answers in order (GS r), so an answer
means that all before it is on paper. When the answer is lost, the printer's own count of cuts
(GS g 2) tells whether the slip came out.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers import receipt_presenter as presenter
from drivers.contract import DeviceError, Fault, Health, Slip, Status
from drivers.own_thread import OwnThread
from drivers.receipt_roll import PaperRoll
from drivers.receipt_slip import WIDTH_DOTS, encode, length_dots, render_slip
from drivers.receipt_wires import GONE, Wire, check_address, connect
from drivers.standing import Standing

log = logging.getLogger(__name__)

_ROWS_PER_SECOND = 400  # 50 mm/s, the slowest printer we expect
_POLL_SECONDS = 0.2

_ASK = b"\x10\x04"  # DLE EOT n, in real time
_FINE = 0x12  # the answer to each of them when all is well
_ASK_IN_ORDER = b"\x1dr\x01"  # GS r 1
_ASK_CUTS = b"\x1dg2\x00\x32\x00"  # GS g 2: counter 50, what the cutter did since it was built
_FORGET = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"  # DLE DC4 8: drop what is buffered
_FORGOTTEN = b"\x37\x25\x00"  # its answer
_LOST_SIGHT = (Fault.RECEIPT_SILENT, Fault.RECEIPT_ABSENT, Fault.RECEIPT_UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Traits:
    """In what a model differs: ``cutter`` full, partial or none; ``native_qr``: it draws QR codes
    itself; ``near_end_sensor``: its near-end bits mean something; ``status``: the arguments of
    DLE EOT that it answers; ``cut_counter``: asked for its count of cuts, it does not print the
    question; ``dpi``: dots an inch along the paper; ``present_steps``: how far its presenter pushes
    a slip out (``drivers/receipt_presenter.py``), 0: it has none."""

    cutter: str = "full"
    native_qr: bool = True
    near_end_sensor: bool = True
    status: tuple[int, ...] = (1, 2, 3, 4)
    cut_counter: bool = True
    dpi: int = 203
    present_steps: int = 0


_USUAL = Traits()


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A slip of which it is not known whether it came out; ``cuts``: the count before it.

    A digest, since what a slip says of a person must not outlive the session.
    """

    digest: bytes
    cuts: int


def _digest(slip: Slip) -> bytes:
    return hashlib.sha256(repr(slip).encode()).digest()


class EscposPrinter:
    """A receipt printer at ``tcp://host:port``, ``serial:/dev/...`` or ``usb:vvvv:pppp[:SERIAL]``.

    ``usb_backend``: pyusb's, for tests; None is libusb. ``timeout``: seconds until a printer that
    does not answer counts as silent. ``near_end_mm`` and ``roll_file``: as in ``PaperRoll``. The
    connection is opened for each call, so a printer that was switched off and on needs no care.

    Calls block, so they run in a thread of their own, one after the other. There is no child
    process: sockets and pyserial are plain Python. For libusb see
    docs/decisions/0045-blocking-calls.md.
    """

    def __init__(
        self,
        *,
        address: str,
        width_mm: int = 80,
        dots: Mapping[int, int] = WIDTH_DOTS,
        traits: Traits = _USUAL,
        timeout: float = 3.0,
        usb_backend: Any = None,
        near_end_mm: int = 0,
        roll_file: Path | None = None,
    ) -> None:
        """``dots``: printable width by paper width, millimetres. Raises ValueError for an address
        or a width that cannot be."""
        check_address(address)
        if width_mm not in dots:
            known = " or ".join(map(str, sorted(dots)))
            raise ValueError(f"paper width {width_mm} mm: expected {known}")
        self.address = address
        self.width_dots = dots[width_mm]
        self._traits = traits
        self.timeout = timeout
        self.paper_near_end = False
        self._slip_waits = False
        self._roll = PaperRoll(near_end_mm, traits.dpi, roll_file)
        self._cut_counter = traits.cut_counter and traits.cutter != "none"
        self._told_cuts = False
        self._usb_backend = usb_backend
        self._unsettled: _Unsettled | None = None
        self._thread = OwnThread("receipt-printer")
        self._standing = Standing()

    def status(self) -> Status:
        return self._standing.status()

    def paper_left(self) -> int | None:
        return self._roll.left_mm

    async def close(self) -> None:
        self._thread.close()
        self._standing.set(Health.ABSENT)

    async def check(self) -> None:
        """Raises DeviceError: RECEIPT_ABSENT, _SILENT, _COVER_OPEN, _PAPER_OUT, _CUTTER,
        _ERROR. Paper near its end and a slip that nobody took are no errors: ``status()`` is READY
        with RECEIPT_PAPER_LOW or RECEIPT_NOT_TAKEN.
        """
        await self._run(self._check)

    async def print_slip(self, slip: Slip) -> None:
        """Print and cut, once; never tries again by itself.

        Raises DeviceError as ``check``; RECEIPT_PAPER_SHORT when the slip would break off and
        RECEIPT_NOT_TAKEN when another's is in the exit and stays there, both before anything is
        printed; and RECEIPT_UNCONFIRMED when it lost sight of the printer
        after the cut; the detail says when a part may already be on paper. The same slip asked for
        next is printed again, whole, unless the printer's count of cuts says that it came out after
        all. Without that count it is printed again.
        Cancelling does not stop a slip that was begun.
        """
        await self._run(lambda: self._print(slip))

    async def slip_waits(self) -> bool:
        """Without a presenter nobody knows, and it is False. A printer that does not answer holds
        what it last held: nobody has seen it taken."""
        if self._traits.present_steps:
            try:
                await self._run(self._check)
            except DeviceError as error:
                log.warning("whether a slip hangs in the exit is not known: %s", error.code)
        return self._slip_waits

    async def take_back(self) -> bool:
        """Raises DeviceError as ``check``."""
        if self._traits.present_steps:
            await self._run(self._take_back)
        return not self._slip_waits

    async def _run(self, job: Callable[[], None]) -> None:
        await self._thread.run(lambda: self._reported(job))

    def _reported(self, job: Callable[[], None]) -> None:
        try:
            job()
        except DeviceError as error:
            absent = error.code == Fault.RECEIPT_ABSENT
            self._standing.set(Health.ABSENT if absent else Health.FAULT, error.code)
            raise
        except Exception:  # a defect, and nobody asks a device again that is BUSY
            self._standing.set(Health.FAULT, Fault.RECEIPT_ERROR)
            raise
        low = Fault.RECEIPT_PAPER_LOW if self.paper_near_end else None
        self._standing.set(Health.READY, Fault.RECEIPT_NOT_TAKEN if self._slip_waits else low)

    def _check(self) -> None:
        with self._connection() as wire:
            self._require_ready(wire)
            if self._traits.present_steps:
                self._slip_waits = presenter.holds_slip(wire, self.timeout)

    def _take_back(self) -> None:
        with self._connection() as wire:
            self._require_ready(wire)
            self._slip_waits = not presenter.pull_back(wire, self.timeout)

    def _free_exit(self, wire: Wire) -> None:
        """The next slip would push an earlier one out, into other hands."""
        if self._traits.present_steps and presenter.holds_slip(wire, self.timeout):
            self._slip_waits = not presenter.pull_back(wire, self.timeout)
            if self._slip_waits:
                raise DeviceError(Fault.RECEIPT_NOT_TAKEN)

    def _print(self, slip: Slip) -> None:
        self._standing.set(Health.BUSY)
        parts = render_slip(slip, self.width_dots, native_qr=self._traits.native_qr)
        length = length_dots(parts)
        seconds = self.timeout + length / _ROWS_PER_SECOND
        chunks = encode(parts, self._traits.cutter, self._traits.present_steps)
        with self._connection() as wire:
            self._require_ready_and_empty(wire)
            if self._came_out(wire, slip, seconds):
                return
            self._roll.require(length)
            self._free_exit(wire)
            cuts = self._cuts(wire)
            self._unsettled = None if cuts is None else _Unsettled(_digest(slip), cuts)
            self._roll.take(length)
            try:
                self._send(wire, chunks[:-1])
                self._cut(wire, chunks[-1], seconds)
            except (DeviceError, OSError) as error:
                cause = _typed(error)
                self._give_up(wire, cause)
                detail = f"while printing; {cause.detail}".rstrip("; ")
                raise DeviceError(cause.code, detail) from None
            self._unsettled = None
            self._slip_waits = self._traits.present_steps > 0

    def _require_ready_and_empty(self, wire: Wire) -> None:
        try:
            self._require_ready(wire)
        except DeviceError as error:
            if self._unsettled:
                self._give_up(wire, error)  # it could not be told when the wire broke
            raise

    def _give_up(self, wire: Wire, cause: DeviceError) -> None:
        """Unless it says that it forgot, a torn slip's cut on new paper would count as whole."""
        forgot = _forget(wire, min(self.timeout, 1.0))
        if not forgot and cause.code not in _LOST_SIGHT:
            self._unsettled = None

    def _came_out(self, wire: Wire, slip: Slip, seconds: float) -> bool:
        """Whether the slip that was lost sight of is this one, and was cut off."""
        lost = self._unsettled
        if lost is None:
            return False
        # What the printer still holds comes out first, and may be the end of that slip.
        self._wait_until_printed(wire, seconds)
        cuts = self._cuts(wire)
        self._unsettled = None
        return lost.digest == _digest(slip) and cuts is not None and cuts > lost.cuts

    def _cuts(self, wire: Wire) -> int | None:
        """The printer's count of cuts; None when it does not tell. One that never has is not asked
        again: some print the question."""
        if not self._cut_counter:
            return None
        wire.write(_ASK_CUTS)
        deadline = time.monotonic() + self.timeout
        received = b""
        while not (found := re.search(rb"_(\d+)\x00", received)):
            if (left := deadline - time.monotonic()) <= 0:
                self._cut_counter = self._told_cuts
                return None
            received += wire.read(left)
        self._told_cuts = True
        return int(found[1])

    def _send(self, wire: Wire, chunks: list[bytes]) -> None:
        for chunk in chunks:
            wire.write(chunk)
            self._require_ready(wire)

    def _cut(self, wire: Wire, command: bytes, seconds: float) -> None:
        """From here on a printer that says nothing may have printed all of it."""
        try:
            wire.write(command)
            self._wait_until_printed(wire, seconds)
        except (DeviceError, OSError) as error:
            cause = _typed(error)
            if cause.code in _LOST_SIGHT:
                raise DeviceError(Fault.RECEIPT_UNCONFIRMED, cause.detail) from None
            raise

    def _wait_until_printed(self, wire: Wire, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        wire.write(_ASK_IN_ORDER)
        received = wire.read(_POLL_SECONDS)
        while not (printed := _in_order(received)):
            if time.monotonic() > deadline:
                raise DeviceError(Fault.RECEIPT_SILENT, "printing was not confirmed")
            received = self._ask(wire)
            if not _in_order(received):
                self._judge(_in_real_time(received))
                received = wire.read(_POLL_SECONDS)
        if printed[0] & 0x0C:
            raise DeviceError(Fault.RECEIPT_PAPER_OUT)

    def _require_ready(self, wire: Wire) -> None:
        self._judge(_in_real_time(self._ask(wire)))

    def _ask(self, wire: Wire) -> bytes:
        """Everything the printer says until its status bytes are there, or the time is up."""
        kinds = self._traits.status
        wire.write(b"".join(_ASK + bytes([kind]) for kind in kinds))
        deadline = time.monotonic() + self.timeout
        received = b""
        while (
            len(_in_real_time(received)) < len(kinds) and (left := deadline - time.monotonic()) > 0
        ):
            received += wire.read(left)
        return received

    def _judge(self, status: bytes) -> None:
        # The library reads an empty answer as "paper is there"; here silence is never good news.
        kinds = self._traits.status
        if len(status) < len(kinds):
            raise DeviceError(Fault.RECEIPT_SILENT, f"{len(status)} of {len(kinds)} status bytes")
        said = dict(zip(kinds, status, strict=False))
        printer, offline, error, paper = (said.get(kind, _FINE) for kind in (1, 2, 3, 4))
        self.paper_near_end = self._traits.near_end_sensor and bool(paper & 0x0C)
        self._roll.saw(near_end=self.paper_near_end, out=bool(paper & 0x60))
        if offline & 0x04:
            raise DeviceError(Fault.RECEIPT_COVER_OPEN)
        if paper & 0x60 or offline & 0x20:
            raise DeviceError(Fault.RECEIPT_PAPER_OUT)
        if error & 0x08:
            raise DeviceError(Fault.RECEIPT_CUTTER)
        if offline & 0x40 or error & 0x60:
            raise DeviceError(Fault.RECEIPT_ERROR, _error_in_words(error))
        if printer & 0x08:
            raise DeviceError(Fault.RECEIPT_ERROR, "offline")

    @contextmanager
    def _connection(self) -> Iterator[Wire]:
        wire = connect(self.address, self.timeout, self._usb_backend)
        try:
            yield wire
        except OSError as error:
            raise _typed(error) from None
        finally:
            # What became of the slip is known by now; a wire that is gone cannot be closed well.
            with suppress(*GONE):
                wire.close()


def _typed(error: DeviceError | OSError) -> DeviceError:
    if isinstance(error, DeviceError):
        return error
    if isinstance(error, TimeoutError):
        return DeviceError(Fault.RECEIPT_SILENT, "takes no data")
    return DeviceError(Fault.RECEIPT_ABSENT, str(error))


def _in_real_time(received: bytes) -> bytes:
    """Answers to DLE EOT, told from others by their fixed bits 0xx1xx10."""
    return bytes(byte for byte in received if byte & 0x93 == 0x12)


def _in_order(received: bytes) -> bytes:
    """Answers to GS r, told from others by their fixed bits 0xx0xxxx."""
    return bytes(byte for byte in received if byte & 0x90 == 0)


def _error_in_words(error: int) -> str:
    return "recovers by itself (head too hot)" if error & 0x40 else "unrecoverable"


def _forget(wire: Wire, seconds: float) -> bool:
    """Whether the printer says that it dropped what it holds.

    After new paper it would go on with that: one person's slip before another's.
    """
    received = b""
    deadline = time.monotonic() + seconds
    try:
        wire.write(_FORGET)
        while _FORGOTTEN not in received and (left := deadline - time.monotonic()) > 0:
            received += wire.read(left)
    except OSError:
        pass  # a printer that is gone tells nothing
    return _FORGOTTEN in received
