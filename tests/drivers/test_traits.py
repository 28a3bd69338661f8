"""What a profile says of a model, at work in the driver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp

from drivers.code_reader import Format, WiredCodeReader
from drivers.contract import DeviceError, Fault, ScanSettings, Slip, SlipCode, SlipText
from drivers.emulators.escl import EsclScanner
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.serial_reader import SerialReaderEmulator
from drivers.reader_wires import wire
from drivers.receipt_printer import EscposPrinter, Traits
from drivers.receipt_slip import encode, render_slip
from drivers.sane_worker import Quirks, SaneWorker
from drivers.scanner import SaneScanner
from tests.drivers.image_devices import encoded, page

SLIP = Slip((SlipText("Phiếu"), SlipCode("KIOSK-TEST-0001", module_dots=8)))


@pytest.fixture
def printer() -> Iterator[EscposEmulator]:
    emulator = EscposEmulator(width_dots=384)
    yield emulator
    emulator.close()


def of(emulator: EscposEmulator, **traits: object) -> EscposPrinter:
    return EscposPrinter(
        address=emulator.address,
        width_mm=58,
        traits=Traits(**traits),  # type: ignore[arg-type]
        timeout=0.5,
    )


def test_a_printer_without_codes_gets_a_picture_that_reads(printer: EscposEmulator) -> None:
    asyncio.run(of(printer, native_qr=False).print_slip(SLIP))
    assert [code.text for code in zxingcpp.read_barcodes(printer.receipts[0].convert("L"))] == [
        "KIOSK-TEST-0001"
    ]
    assert not any(isinstance(p, SlipCode) for p in render_slip(SLIP, 384, native_qr=False))


@pytest.mark.parametrize(
    ("cutter", "end"),
    [("full", b"\x1dV\x00"), ("partial", b"\x1dV\x01"), ("none", b"\x1bd\x06")],
)
def test_each_cutter_has_its_command(cutter: str, end: bytes) -> None:
    last = encode(render_slip(SLIP, 384), cutter)[-1]
    assert last.endswith(end)


def test_near_end_bits_without_a_sensor_mean_nothing(printer: EscposEmulator) -> None:
    printer.set(paper="near-end")
    with_sensor, without = of(printer), of(printer, near_end_sensor=False)
    asyncio.run(with_sensor.check())
    asyncio.run(without.check())
    assert (with_sensor.paper_near_end, without.paper_near_end) == (True, False)


def test_a_printer_is_asked_only_what_it_answers(printer: EscposEmulator) -> None:
    """A model that knows no DLE EOT 3 says three bytes, and that is no silence."""
    printer._status = lambda kind: 0 if kind == 3 else 0x12  # type: ignore[method-assign]
    with pytest.raises(DeviceError) as raised:
        asyncio.run(of(printer).check())
    assert raised.value.code == Fault.RECEIPT_SILENT
    asyncio.run(of(printer, status=(1, 2, 4)).check())


def test_paper_out_is_seen_with_fewer_questions(printer: EscposEmulator) -> None:
    printer.set(paper="out")
    with pytest.raises(DeviceError) as raised:
        asyncio.run(of(printer, status=(4,)).check())
    assert raised.value.code == Fault.RECEIPT_PAPER_OUT


def test_a_width_that_the_model_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 80"):
        EscposPrinter(address="tcp://h:1", width_mm=58, dots={80: 512})


@pytest.mark.parametrize(
    ("prefix", "terminator", "sent"),
    [
        (b"\x02", b"\x03", b"\x02MA 42\x03"),
        (b"", b"\n", b"MA 42\n"),
        (b"]Q3", b"\r", b"]Q3MA 42\r"),
    ],
)
def test_what_frames_a_payload_is_taken_off(prefix: bytes, terminator: bytes, sent: bytes) -> None:
    emulator = SerialReaderEmulator()

    async def read() -> str:
        line = wire(emulator.address, terminator=terminator)
        reader = WiredCodeReader(line, Format(prefix, terminator))
        await reader.check()
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        emulator.send(sent)
        try:
            return await asyncio.wait_for(reading, 5)
        finally:
            await reader.close()

    try:
        assert asyncio.run(read()) == "MA 42"
    finally:
        emulator.close()


def test_a_scanner_pulls_from_the_source_that_its_profile_names(tmp_path: Path) -> None:
    async def scan(quirks: Quirks) -> int:
        scanner = SaneScanner(url=device.url, work_dir=tmp_path, quirks=quirks)
        try:
            sheets = scanner.scan(ScanSettings(dpi=100))
            return (await anext(sheets)).dpi
        finally:
            await scanner.close()

    with EsclScanner([encoded(page(1))]) as device:
        with pytest.raises(DeviceError) as raised:
            asyncio.run(scan(Quirks(feeder=("adf front",))))
        assert raised.value.code == Fault.SCANNER_ABSENT
        assert asyncio.run(scan(Quirks(feeder=("adf",)))) == 100


def test_a_text_of_the_backend_means_what_its_profile_says() -> None:
    quirks = {"texts": {"Papier fehlt": "device.scanner.empty"}}
    worker = SaneWorker("none", quirks)
    said = worker._sane_error(RuntimeError("Papier fehlt"))
    assert said.code == Fault.SCANNER_EMPTY
    assert worker._sane_error(RuntimeError("?")).code == Fault.SCANNER_IO
