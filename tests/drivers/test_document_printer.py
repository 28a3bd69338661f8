"""Documents over a real socket: printed once, whatever is lost or goes wrong on the way."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import requests
from PIL import Image

from drivers import pwg_raster
from drivers.contract import DeviceError, Fault, Health, Printed, PrintOptions
from drivers.document_printer import IppPrinter
from drivers.emulators.ipp import IppEmulator

T = TypeVar("T")


def pdf_of(pages: int) -> bytes:
    sheets = [Image.new("RGB", (595, 842), (255, 255 - n, 255)) for n in range(pages)]
    for sheet in sheets:
        sheet.paste((0, 0, 0), (50, 50, 300, 100))
    written = io.BytesIO()
    sheets[0].save(written, "PDF", save_all=True, append_images=sheets[1:], resolution=72)
    return written.getvalue()


TWO_PAGES = pdf_of(2)


@pytest.fixture
def device() -> Iterator[IppEmulator]:
    emulator = IppEmulator()
    yield emulator
    emulator.close()


def run(
    device: IppEmulator,
    use: Callable[[IppPrinter], Coroutine[Any, Any, T]],
    **options: Any,
) -> T:
    async def with_printer() -> T:
        settings = {"timeout": 2.0, "patience": 1.0, "grace": 0.2, "poll": 0.02, **options}
        printer = IppPrinter(uri=device.address, **settings)
        try:
            return await use(printer)
        finally:
            await printer.close()

    return asyncio.run(with_printer())


def first_side(device: IppEmulator) -> None:
    while device.state.sides_out == 0:
        pass


async def fault_of(call: Coroutine[Any, Any, object]) -> DeviceError:
    with pytest.raises(DeviceError) as raised:
        await call
    return raised.value


def test_a_pdf_is_printed_as_it_is_and_told_when_it_is_on_paper(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        printed = await printer.print_document(TWO_PAGES, "copy-1")
        assert printer.status().health is Health.READY
        return printed

    assert run(device, use) == Printed(1, 2)
    assert device.documents == [TWO_PAGES]
    assert device.state.printed[0]["format"] == "application/pdf"


def test_copies_on_both_sides_from_a_tray(device: IppEmulator) -> None:
    options = PrintOptions(sides="two-sided-long-edge", source="tray-1")
    paper = device.state.paper
    printed = run(device, lambda p: p.print_document(TWO_PAGES, "copy-1", 3), options=options)
    assert printed == Printed(3, 6)
    assert device.state.paper == paper - 3


def test_a_printer_without_pdf_gets_raster_at_300_dpi(device: IppEmulator) -> None:
    device.state.formats = ["image/pwg-raster"]
    options = PrintOptions(sides="two-sided-long-edge")
    run(device, lambda p: p.print_document(TWO_PAGES, "copy-1"), options=options)
    front, back = pwg_raster.decode(device.documents[0])
    assert (front.width, front.height, front.dpi, front.channels) == (2479, 3508, 300, 3)
    assert (front.transform, back.transform) == ((1, 1), (-1, -1))
    picture = Image.frombytes("RGB", (front.width, front.height), front.pixels)
    assert picture.getpixel((700, 300)) == (0, 0, 0)
    turned = Image.frombytes("RGB", (back.width, back.height), back.pixels)
    assert turned.getpixel((2479 - 700, 3508 - 300)) == (0, 0, 0)


def test_gray_where_no_colour_is_wanted(device: IppEmulator) -> None:
    device.state.formats = ["image/pwg-raster"]
    options = PrintOptions(colour="monochrome")
    run(device, lambda p: p.print_document(TWO_PAGES, "copy-1"), options=options)
    assert pwg_raster.decode(device.documents[0])[0].channels == 1


def test_a_printer_that_only_knows_print_job(device: IppEmulator) -> None:
    device.state.creates_jobs = False
    assert run(device, lambda p: p.print_document(TWO_PAGES, "copy-1")) == Printed(1, 2)
    assert device.documents == [TWO_PAGES]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"paper": 0}, Fault.PRINTER_PAPER_OUT),
        ({"cover_open": True}, Fault.PRINTER_COVER_OPEN),
        ({"jammed": True}, Fault.PRINTER_JAM),
        ({"toner": 0}, Fault.PRINTER_TONER_EMPTY),
        ({"busy": True}, Fault.PRINTER_BUSY),
        ({"garbage": True}, Fault.PRINTER_SILENT),
        ({"half": True}, Fault.PRINTER_SILENT),
        ({"seconds_per_answer": 5.0}, Fault.PRINTER_SILENT),
        ({"formats": ["image/jpeg"]}, Fault.PRINTER_REFUSED),
    ],
)
def test_trouble_before_anything_is_sent(
    device: IppEmulator, change: dict[str, Any], code: Fault
) -> None:
    device._control.set(**change)
    error = run(device, lambda p: fault_of(p.print_document(TWO_PAGES, "copy-1")), timeout=0.3)
    assert error.code == code
    assert device.jobs == {}


def test_a_printer_that_is_not_there_and_comes_back(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        device.unplug()
        error = await fault_of(printer.check())
        assert error.code == Fault.PRINTER_ABSENT
        assert printer.status().health is Health.ABSENT
        device.plug()
        await printer.check()
        return await printer.print_document(TWO_PAGES, "copy-1")

    assert run(device, use) == Printed(1, 2)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"paper": 1}, Fault.PRINTER_PAPER_OUT),
        ({"jam_on_side": 2}, Fault.PRINTER_JAM),
    ],
)
def test_the_same_job_goes_on_when_it_is_mended(
    device: IppEmulator, change: dict[str, Any], code: Fault
) -> None:
    async def use(printer: IppPrinter) -> Printed:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        assert (error.code, error.retryable) == (code, True)
        assert "1 sides are out" in error.detail
        device.repair()
        return await printer.print_document(TWO_PAGES, "copy-1")

    device._control.set(**change)
    assert run(device, use) == Printed(1, 2)
    assert len(device.jobs) == 1
    assert device.state.sides_out == 2


def test_a_job_that_was_stopped_can_be_cancelled(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        await fault_of(printer.print_document(TWO_PAGES, "copy-1", 2))
        return await printer.cancel("copy-1")

    device.state.paper = 3
    assert run(device, use) == Printed(1, 3)
    device.refill()
    assert [job.ended for job in device.jobs.values()] == [True]
    assert device.documents == []


def test_what_was_never_sent_needs_no_answer_to_be_cancelled(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        assert (await fault_of(printer.print_document(TWO_PAGES, "copy-1"))).code
        return await printer.cancel("copy-1")

    device.unplug()
    assert run(device, use) == Printed(0, 0)


def test_a_cable_pulled_while_it_prints_leaves_a_job_that_is_found_again(
    device: IppEmulator,
) -> None:
    async def use(printer: IppPrinter) -> Printed:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        assert error.code == Fault.PRINTER_ABSENT
        assert (await fault_of(printer.cancel("copy-1"))).code == Fault.PRINTER_ABSENT
        device.plug()
        return await printer.print_document(TWO_PAGES, "copy-1")

    device.state.unplug_on_side = 2
    assert run(device, use) == Printed(1, 2)
    assert len(device.documents) == 1


def test_after_an_abort_only_the_missing_copies_are_printed(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1", 3))
        assert error.code == Fault.PRINTER_ERROR
        return await printer.print_document(TWO_PAGES, "copy-1", 3)

    device.state.abort_on_side = 4
    assert run(device, use) == Printed(3, 4)
    assert [job.copies for job in device.jobs.values()] == [3, 2]


@pytest.mark.parametrize("operation", ["SEND_DOCUMENT", "GET_JOB_ATTRIBUTES", "CREATE_JOB"])
def test_a_lost_answer_never_prints_twice(device: IppEmulator, operation: str) -> None:
    async def use(printer: IppPrinter) -> Printed:
        device.state.lose = operation
        if operation == "CREATE_JOB":
            error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
            assert error.code == Fault.PRINTER_SILENT
        return await printer.print_document(TWO_PAGES, "copy-1")

    assert run(device, use) == Printed(1, 2)
    assert device.documents == [TWO_PAGES]
    assert device.state.sides_out == 2


def test_a_lost_answer_to_print_job_is_looked_up_by_name(device: IppEmulator) -> None:
    device.state.creates_jobs = False
    device.state.lose = "PRINT_JOB"
    assert run(device, lambda p: p.print_document(TWO_PAGES, "copy-1")) == Printed(1, 2)
    assert device.documents == [TWO_PAGES]


def test_a_lost_job_that_ended_early_is_made_up_for(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        device.unplug()
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1", 2))
        assert error.code == Fault.PRINTER_ABSENT
        device.plug()
        device.state.lose, device.state.abort_on_side = "PRINT_JOB", 3
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1", 2))
        assert error.code == Fault.PRINTER_ERROR
        return await printer.print_document(TWO_PAGES, "copy-1", 2)

    device.state.creates_jobs = False
    assert run(device, use) == Printed(2, 2)
    assert [job.copies for job in device.jobs.values()] == [2, 1]


def test_a_document_that_never_arrived_is_sent_by_the_next_call(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        assert error.code == Fault.PRINTER_SILENT
        return await printer.print_document(TWO_PAGES, "copy-1")

    device.state.drop = "SEND_DOCUMENT"
    assert run(device, use) == Printed(1, 2)
    assert len(device.documents) == 1


def test_a_printer_that_forgets_its_jobs_is_not_trusted_and_not_sent_to_again(
    device: IppEmulator,
) -> None:
    async def use(printer: IppPrinter) -> None:
        await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
        device.die()
        device.repair()
        device.plug()
        for _ in range(2):
            error = await fault_of(printer.print_document(TWO_PAGES, "copy-1"))
            assert (error.code, error.retryable) == (Fault.PRINTER_UNCONFIRMED, False)

    device.state.paper = 1
    run(device, use)
    assert device.jobs == {}
    assert device.state.sides_out == 1


def test_completed_with_too_few_sides_is_not_printed(device: IppEmulator) -> None:
    device.state.miscount = 1
    error = run(device, lambda p: fault_of(p.print_document(TWO_PAGES, "copy-1")))
    assert error.code == Fault.PRINTER_UNCONFIRMED


def test_a_printer_that_does_not_count_sides(device: IppEmulator) -> None:
    device.state.counts_sides = False
    assert run(device, lambda p: p.print_document(TWO_PAGES, "copy-1")) == Printed(1, None)


def test_the_name_of_a_printed_job_prints_nothing_more(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> list[Printed]:
        first = await printer.print_document(TWO_PAGES, "copy-1")
        device.forget_jobs()
        return [first, await printer.print_document(TWO_PAGES, "copy-1")]

    assert run(device, use) == [Printed(1, 2)] * 2
    assert len(device.documents) == 1


def test_another_process_finds_the_job_by_its_name(device: IppEmulator) -> None:
    assert run(device, lambda p: p.print_document(TWO_PAGES, "copy-1")) == Printed(1, 2)
    assert run(device, lambda p: p.print_document(TWO_PAGES, "copy-1")) == Printed(1, 2)
    assert len(device.documents) == 1


def test_who_leaves_takes_the_job_along(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> None:
        work = asyncio.ensure_future(printer.print_document(TWO_PAGES, "copy-1"))
        await asyncio.to_thread(first_side, device)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    device.state.seconds_per_side = 0.3
    run(device, use)
    assert [job.ended for job in device.jobs.values()] == [True]
    assert device.documents == []


def test_low_toner_is_a_warning_and_supplies_are_told(device: IppEmulator) -> None:
    async def use(printer: IppPrinter) -> Printed:
        printed = await printer.print_document(TWO_PAGES, "copy-1")
        toner, tray = printer.supplies()
        assert (toner.name, toner.percent, toner.low) == ("black toner", 5, True)
        assert (tray.name, tray.low) == ("tray-1", False)
        return printed

    device.state.toner = 5
    assert run(device, use).warnings == ("toner-low",)


def test_a_hung_printer_is_told_within_its_time(device: IppEmulator) -> None:
    device.state.seconds_per_side = 60
    started = time.monotonic()
    error = run(device, lambda p: fault_of(p.print_document(TWO_PAGES, "copy-1")), stall=0.3)
    assert error.code == Fault.PRINTER_SILENT
    assert time.monotonic() - started < 5


def test_what_is_no_pdf_is_refused_before_anything_is_sent(device: IppEmulator) -> None:
    error = run(device, lambda p: fault_of(p.print_document(b"no pdf", "copy-1")))
    assert (error.code, error.retryable) == (Fault.PRINTER_REFUSED, False)
    assert device.jobs == {}


@pytest.mark.parametrize(("source", "copies"), [("tray-9", 1), ("", 100)])
def test_what_the_printer_has_not_is_refused(device: IppEmulator, source: str, copies: int) -> None:
    error = run(
        device,
        lambda p: fault_of(p.print_document(TWO_PAGES, "copy-1", copies)),
        options=PrintOptions(source=source),
    )
    assert error.code == Fault.PRINTER_REFUSED
    assert device.jobs == {}


@pytest.mark.parametrize("uri", ["http://printer", "ipp://", "printer"])
def test_addresses_that_cannot_be(uri: str) -> None:
    with pytest.raises(ValueError, match="expected ipp"):
        IppPrinter(uri=uri)


def test_the_emulator_is_worked_over_http(device: IppEmulator) -> None:
    url = device.control_url
    assert requests.post(f"{url}/set", json={"paper": 7}, timeout=5).json()["paper"] == 7
    assert requests.post(f"{url}/unplug", timeout=5).json()["plugged"] is False
    assert requests.post(f"{url}/plug", timeout=5).json()["plugged"] is True
    assert requests.post(f"{url}/save", json={"path": "/x"}, timeout=5).status_code == 400
