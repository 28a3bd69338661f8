"""Slips over a real socket: what is on paper, and what each trouble is called."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import threading
import tty
import unicodedata
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import pyzbar.pyzbar
import zxingcpp
from PIL import Image, ImageChops

from drivers.contract import (
    DeviceError,
    Fault,
    Health,
    Slip,
    SlipCode,
    SlipItem,
    SlipRule,
    SlipText,
)
from drivers.emulators.escpos import EscposEmulator
from drivers.raster_text import body_size, draw_text
from drivers.receipt_printer import EscposPrinter
from drivers.receipt_slip import render_slip
from drivers.receipt_wires import bulk_endpoints

BASES = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
LETTERS = [unicodedata.normalize("NFC", base + tone) for base in BASES for tone in TONES] + [
    "đ",
    "Đ",
]
# ASCII: zbar guesses the code page of anything else (Shift JIS, mostly).
PAYLOAD = "https://portal.example.vn/theo-doi/H26.15-261123-0042?k=7K3M9QXT2B4D"
SLIP = Slip(
    (
        SlipText("Mã hồ sơ", centred=True),
        SlipText("H26.15-261123-0042", scale=1.4, bold=True),
        SlipRule(),
        SlipCode(PAYLOAD),
        SlipText("Hẹn trả kết quả Thứ Tư, 25/11/2026, từ 14 giờ"),
    )
)


@pytest.fixture
def emulator() -> Iterator[EscposEmulator]:
    emulator = EscposEmulator()
    yield emulator
    emulator.close()


def printer_of(emulator: EscposEmulator, **options: int) -> EscposPrinter:
    return EscposPrinter(address=emulator.address, timeout=0.3, **options)


def failure(printer: EscposPrinter, slip: Slip | None = None) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        asyncio.run(printer.print_slip(slip) if slip else printer.check())
    return caught.value


def pictures(*items: SlipItem, width: int = 576) -> list[Image.Image]:
    parts = render_slip(Slip(items), width)
    return [part for part in parts if isinstance(part, Image.Image)]


def ink_box(picture: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.invert(picture.convert("L")).getbbox()


@pytest.mark.parametrize("bold", [False, True])
def test_every_vietnamese_letter_has_a_shape_of_its_own(bold: bool) -> None:
    def shape(letter: str) -> bytes:
        return draw_text(letter, 100, body_size(576), bold=bold).tobytes()

    shapes = {shape(letter) for letter in LETTERS}
    blank, missing = shape(""), shape("\U000e1234")
    assert len(LETTERS) == 146
    assert len(shapes) == len(LETTERS)
    assert not {blank, missing} & shapes


def test_decomposed_letters_print_like_composed_ones() -> None:
    name = "Nguyễn Thị Ngọc Huyền"
    composed, decomposed = (
        draw_text(unicodedata.normalize(form, name), 576, 46).tobytes() for form in ("NFC", "NFD")
    )
    assert composed == decomposed


def test_body_text_has_an_x_height_of_three_millimetres() -> None:
    _, top, _, bottom = ink_box(draw_text("x", 576, body_size(576))) or (0, 0, 0, 0)
    assert bottom - top >= 24


@pytest.mark.parametrize("width", [384, 576])
def test_stacked_marks_and_long_words_stay_inside_the_paper(width: int) -> None:
    for text in ("ẪỂỘ g ậ", "W" * 60, "H26.15-261123-0042" * 3, "một hai ba bốn năm sáu " * 4):
        (picture,) = pictures(SlipText(text, bold=True, scale=1.4), width=width)
        left, top, right, bottom = ink_box(picture) or (0, 0, 0, 0)
        assert left > 0
        assert top > 0
        assert right < width == picture.width
        assert bottom < picture.height


def test_lines_break_at_spaces_and_line_feeds_but_not_at_no_break_spaces() -> None:
    def height(text: str) -> int:
        return draw_text(text, 300, 46).height

    one, two, three = (height("\n".join("x" * count)) for count in (1, 2, 3))
    assert one < two < three
    assert height("Chủ Nhật 14 giờ") == two
    # "Chủ Nhật 14" fits, but 14 must stay with its unit.
    assert draw_text("Chủ Nhật 14 giờ", 300, 46).tobytes() != (
        draw_text("Chủ Nhật 14\u00a0giờ", 300, 46).tobytes()
    )
    assert draw_text("Chủ Nhật 14\u00a0giờ", 300, 46).tobytes() == (
        draw_text("Chủ Nhật\n14 giờ", 300, 46).tobytes()
    )


def test_a_code_too_wide_for_the_paper_gets_smaller_modules() -> None:
    codes = render_slip(Slip((SlipCode("ký tự " * 80, module_dots=10),)), 384)
    (code,) = (part for part in codes if isinstance(part, SlipCode))
    assert 1 <= code.module_dots < 5


def test_two_independent_decoders_read_the_code_on_paper(emulator: EscposEmulator) -> None:
    asyncio.run(printer_of(emulator).print_slip(SLIP))
    (receipt,) = emulator.receipts
    grey = receipt.convert("L")
    assert [code.text for code in zxingcpp.read_barcodes(grey)] == [PAYLOAD]
    assert [code.data.decode() for code in pyzbar.pyzbar.decode(grey)] == [PAYLOAD]


@pytest.mark.parametrize(("width_mm", "dots"), [(80, 576), (58, 384)])
def test_paper_shows_exactly_the_rendered_pictures(width_mm: int, dots: int) -> None:
    emulator = EscposEmulator(width_dots=dots)
    try:
        asyncio.run(printer_of(emulator, width_mm=width_mm).print_slip(SLIP))
        (receipt,) = emulator.receipts
    finally:
        emulator.close()
    margin = (receipt.width - dots) // 2
    first, second = pictures(*SLIP.items[:2], width=dots)
    at = first.height
    assert receipt.crop((margin, 0, margin + dots, at)).tobytes() == first.tobytes()
    bottom = at + second.height
    assert receipt.crop((margin, at, margin + dots, bottom)).tobytes() == second.tobytes()
    assert emulator.state.unknown == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cover_open": True}, Fault.RECEIPT_COVER_OPEN),
        ({"paper": "out"}, Fault.RECEIPT_PAPER_OUT),
        ({"silent": True}, Fault.RECEIPT_SILENT),
        ({"error": "cutter"}, Fault.RECEIPT_CUTTER),
        ({"error": "hot"}, Fault.RECEIPT_ERROR),
    ],
)
def test_trouble_before_printing_is_named_and_nothing_is_printed(
    emulator: EscposEmulator, changes: dict[str, object], code: Fault
) -> None:
    emulator.set(**changes)
    printer = printer_of(emulator)
    assert failure(printer).code == code
    error = failure(printer, SLIP)
    assert error.code == code
    assert "while printing" not in error.detail
    assert printer.status().health is Health.FAULT
    assert printer.status().code == code
    emulator.set(cover_open=False, silent=False, error="", paper="ok")
    assert emulator.receipts == []
    asyncio.run(printer.print_slip(SLIP))
    assert len(emulator.receipts) == 1
    assert printer.status().health is Health.READY


def test_paper_near_its_end_is_no_fault(emulator: EscposEmulator) -> None:
    printer = printer_of(emulator)
    asyncio.run(printer.check())
    assert not printer.paper_near_end
    emulator.set(paper="near-end")
    asyncio.run(printer.print_slip(SLIP))
    assert printer.paper_near_end
    assert printer.status().health is Health.READY
    assert printer.status().code == Fault.RECEIPT_PAPER_LOW
    assert len(emulator.receipts) == 1


@pytest.mark.parametrize("lines", [1, 9, 19])
def test_paper_that_runs_out_is_told_and_the_rest_never_comes_out(
    emulator: EscposEmulator, lines: int
) -> None:
    emulator.set(paper_after_lines=lines)
    printer = printer_of(emulator)
    error = failure(printer, SLIP)
    assert error.code == Fault.RECEIPT_PAPER_OUT
    assert "while printing" in error.detail
    emulator.refill()
    assert [scrap.height for scrap in emulator.scraps] == [lines * 30]
    asyncio.run(printer.print_slip(Slip((SlipText("Người sau"),))))
    assert len(emulator.receipts) == 1
    (picture,) = pictures(SlipText("Người sau"))
    assert emulator.receipts[0].height == picture.height + 180  # feed before the cut


class _OneAnswer:
    """A printer that answers the first status question and then fails as told."""

    def __init__(self, then: Callable[[socket.socket], None]) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._then = then
        self.received = bytearray()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._server.getsockname()[1]}"

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(12, socket.MSG_WAITALL)
            connection.sendall(b"\x12" * 4)
            self._then(connection)

    def close(self) -> None:
        self._thread.join()
        self._server.close()


def test_a_printer_that_falls_silent_is_not_sent_the_rest() -> None:
    received = bytearray()

    def listen(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            received.extend(data)

    stub = _OneAnswer(listen)
    error = failure(EscposPrinter(address=stub.address, timeout=0.2), SLIP)
    stub.close()
    assert error.code == Fault.RECEIPT_SILENT
    assert "while printing" in error.detail
    assert b"\x1dV" not in received


def test_a_cable_pulled_while_printing_is_absence() -> None:
    def count_then_leave(connection: socket.socket) -> None:
        connection.recv(6, socket.MSG_WAITALL)
        connection.sendall(b"_7\x00")
        connection.recv(1)

    stub = _OneAnswer(count_then_leave)
    error = failure(EscposPrinter(address=stub.address, timeout=1.0), SLIP)
    stub.close()
    assert error.code == Fault.RECEIPT_ABSENT
    assert "while printing" in error.detail


def test_a_printer_that_never_confirms_may_have_printed(
    emulator: EscposEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.receipt_printer._ASK_IN_ORDER", b"")
    monkeypatch.setattr("drivers.receipt_printer._ROWS_PER_SECOND", 100_000)
    monkeypatch.setattr("drivers.receipt_printer._POLL_SECONDS", 0.02)
    error = failure(printer_of(emulator), SLIP)
    assert error.code == Fault.RECEIPT_UNCONFIRMED
    assert "not confirmed" in error.detail
    assert len(emulator.receipts) == 1  # and is not sent a second time


# python-escpos leaves a socket that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_there_is_absence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    printer = EscposPrinter(address=f"tcp://127.0.0.1:{port}", timeout=0.3)
    assert failure(printer).code == Fault.RECEIPT_ABSENT
    assert printer.status().health is Health.ABSENT
    serial = EscposPrinter(address="serial:/dev/tty-that-is-not-there")
    assert failure(serial).code == Fault.RECEIPT_ABSENT


def test_a_cancelled_caller_leaves_one_whole_slip(emulator: EscposEmulator) -> None:
    async def story() -> None:
        printer = printer_of(emulator)
        printing = asyncio.create_task(printer.print_slip(SLIP))
        while printer.status().health is not Health.BUSY:  # noqa: ASYNC110 - let it begin
            await asyncio.sleep(0)
        printing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await printing
        await printer.check()  # comes after it
        assert len(emulator.receipts) == 1

    asyncio.run(story())


def test_slips_asked_for_at_once_come_out_one_after_the_other(emulator: EscposEmulator) -> None:
    async def story() -> None:
        printer = printer_of(emulator)
        await asyncio.gather(*(printer.print_slip(SLIP) for _ in range(3)))

    asyncio.run(story())
    assert len({receipt.tobytes() for receipt in emulator.receipts}) == 1
    assert len(emulator.receipts) == 3


def test_a_serial_line_prints_the_same(emulator: EscposEmulator) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    received = bytearray()

    def reply(answer: bytes) -> None:
        os.write(master, answer)

    def pump() -> None:
        try:
            while data := os.read(master, 4096):
                received.extend(data)
                emulator.take(received, reply)
        except OSError:
            pass  # both ends are closed

    pumping = threading.Thread(target=pump)
    pumping.start()
    try:
        address = f"serial:{os.ttyname(slave)}?baud=38400"
        asyncio.run(EscposPrinter(address=address, timeout=1.0).print_slip(SLIP))
        assert len(emulator.receipts) == 1
    finally:
        os.close(slave)
        pumping.join()
        os.close(master)


def test_the_endpoints_of_the_printer_interface_are_found() -> None:
    class Interface(list[SimpleNamespace]):
        bInterfaceClass = 0  # noqa: N815

    def interface(kind: int, *ends: tuple[int, int]) -> Interface:
        made = Interface(
            SimpleNamespace(bEndpointAddress=address, bmAttributes=kind) for address, kind in ends
        )
        made.bInterfaceClass = kind
        return made

    storage = interface(8, (0x81, 2), (0x02, 2))
    printer = interface(7, (0x83, 3), (0x04, 2), (0x85, 2))
    assert bulk_endpoints([[storage, printer]]) == (0x85, 0x04)
    assert bulk_endpoints([[storage]]) == (0x81, 0x02)
    with pytest.raises(OSError, match="bulk"):
        bulk_endpoints([[interface(7, (0x04, 2))]])


def test_a_code_that_nobody_could_read_is_not_made() -> None:
    SlipCode("x" * 512)
    with pytest.raises(ValueError, match="513 characters"):
        SlipCode("x" * 513)


@pytest.mark.parametrize(
    "address", ["", "tcp://printer", "usb:04b8", "usb:04b8:02020", "lpt1", "serial:"]
)
def test_an_address_that_cannot_be_is_refused_at_once(address: str) -> None:
    with pytest.raises(ValueError, match=r"expected tcp://|not vvvv:pppp"):
        EscposPrinter(address=address)


def test_a_stacked_capital_does_not_touch_the_descender_above_it() -> None:
    size = body_size(576)
    for bold in (False, True):
        above = draw_text("g\n", 100, size, bold=bold).convert("L")
        below = draw_text("\nẪ", 100, size, bold=bold).convert("L")
        assert (ink_box(above) or (0,) * 4)[3] < (ink_box(below) or (0,) * 4)[1]
