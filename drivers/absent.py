"""Devices that a kiosk was not given: every use is told as absence, and nothing else breaks."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence

from drivers.contract import (
    DeviceError,
    Fault,
    Health,
    Printed,
    Raster,
    ScanSettings,
    Slip,
    Status,
    Supply,
)

_DETAIL = "none in the settings"


class _Absent:
    def __init__(self) -> None:
        self._since = time.monotonic()

    def status(self) -> Status:
        return Status(Health.ABSENT, self._since)

    async def close(self) -> None:
        """Nothing is open."""


class AbsentCodeReader(_Absent):
    async def check(self) -> None:
        raise DeviceError(Fault.READER_ABSENT, _DETAIL)

    async def read(self) -> str:
        raise DeviceError(Fault.READER_ABSENT, _DETAIL)


class AbsentCamera(_Absent):
    async def check(self) -> None:
        raise DeviceError(Fault.CAMERA_ABSENT, _DETAIL)

    async def frames(self) -> AsyncGenerator[Raster]:
        raise DeviceError(Fault.CAMERA_ABSENT, _DETAIL)
        yield  # makes this a generator, as the contract wants

    async def meter(self, luma: float) -> None:
        """No frame will come that could be exposed for it."""


class AbsentScanner(_Absent):
    async def check(self) -> None:
        raise DeviceError(Fault.SCANNER_ABSENT, _DETAIL)

    async def scan(self, settings: ScanSettings) -> AsyncGenerator[Raster]:
        raise DeviceError(Fault.SCANNER_ABSENT, _DETAIL)
        yield  # makes this a generator, as the contract wants


class AbsentReceiptPrinter(_Absent):
    async def check(self) -> None:
        raise DeviceError(Fault.RECEIPT_ABSENT, _DETAIL)

    async def print_slip(self, slip: Slip) -> None:
        raise DeviceError(Fault.RECEIPT_ABSENT, _DETAIL)

    def paper_left(self) -> int | None:
        return None

    async def slip_waits(self) -> bool:
        return False

    async def take_back(self) -> bool:
        return True


class AbsentPowerSupply(_Absent):
    async def check(self) -> None:
        """A kiosk on bare mains knows no trouble before it is off."""


class AbsentSignals(_Absent):
    async def check(self) -> None:
        """A housing without a switch is not known to be open."""

    async def rearm(self) -> None:
        """Nothing was armed."""

    async def call(self) -> bool:
        return False


class AbsentDocumentPrinter(_Absent):
    def supplies(self) -> tuple[Supply, ...]:
        return ()

    async def check(self) -> None:
        raise DeviceError(Fault.PRINTER_ABSENT, _DETAIL)

    async def print_document(self, pdf: bytes, name: str, copies: int = 1) -> Printed:
        raise DeviceError(Fault.PRINTER_ABSENT, _DETAIL)

    async def cancel(self, name: str) -> Printed:
        return Printed(0, 0)


class AbsentCardReader(_Absent):
    async def check(self) -> None:
        raise DeviceError(Fault.CARD_READER_ABSENT, _DETAIL)

    async def wait_for_card(self) -> bytes:
        raise DeviceError(Fault.CARD_READER_ABSENT, _DETAIL)

    async def transmit(self, apdus: Sequence[bytes]) -> list[bytes]:
        raise DeviceError(Fault.CARD_READER_ABSENT, _DETAIL)

    async def release(self) -> None:
        """No card is held."""
