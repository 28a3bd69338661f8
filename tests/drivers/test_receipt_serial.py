"""A receipt printer on a serial line that is pulled out, as a USB adapter is: nothing untyped."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import threading
import tty

import pytest

from drivers.contract import DeviceError, Fault, Health, Slip, SlipText
from drivers.receipt_printer import EscposPrinter

_TIOCVHANGUP = 0x5437
_READY = b"\x12" * 4
SLIP = Slip((SlipText("Phiếu thử"),))


class Line:
    """Answers the first ``answers`` pieces, then hangs up the line under the driver."""

    def __init__(self, answers: int) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self._name = os.ttyname(slave)
        self.address = f"serial:{self._name}"
        self._slave = slave
        self._thread = threading.Thread(target=self._serve, args=(answers,))
        self._thread.start()

    def close(self) -> None:
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)

    def _serve(self, answers: int) -> None:
        for _ in range(answers):
            os.read(self._master, 4096)
            os.write(self._master, _READY)
        os.read(self._master, 4096)
        fcntl.ioctl(self._slave, _TIOCVHANGUP)


@pytest.mark.parametrize("answers", [0, 1])
def test_a_line_that_is_gone_is_an_absent_printer(answers: int) -> None:
    line = Line(answers)
    before = len(os.listdir("/proc/self/fd"))
    printer = EscposPrinter(address=line.address, timeout=1.0)
    try:
        with pytest.raises(DeviceError) as caught:
            asyncio.run(printer.print_slip(SLIP))
        assert caught.value.code == Fault.RECEIPT_ABSENT
        assert printer.status().health is Health.ABSENT
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        line.close()


def test_a_defect_does_not_leave_a_printer_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    printer = EscposPrinter(address="tcp://127.0.0.1:9", timeout=0.1)

    def blunder(*_: object, **__: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr("drivers.receipt_printer.render_slip", blunder)
    with pytest.raises(KeyError):
        asyncio.run(printer.print_slip(SLIP))
    assert printer.status().health is Health.FAULT
