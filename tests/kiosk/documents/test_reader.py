"""Reading real pages through the real child."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytesseract
import pytest
from PIL import Image

from certify.errors import Fault as CertifyFault
from drivers.contract import DeviceError, Health, Raster
from drivers.contract import Fault as DeviceFault
from drivers.wire import Blob
from kiosk.documents import ocr, tesseract
from kiosk.documents.cleanup import Pixels
from kiosk.documents.files import read_files
from kiosk.documents.reader import DocumentReader, PageReading
from kiosk.failures import Fault, KioskError
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON

from .conftest import raster


def read(reader: DocumentReader, image: Image.Image, dpi: int = papers.DPI) -> PageReading:
    return asyncio.run(reader.read_page(raster(image, dpi)))


def error_rate(true: str, read: str) -> float:
    """Levenshtein distance over the length of the truth; blanks and breaks count as one space."""
    expected, got = " ".join(true.split()), " ".join(read.split())
    row = list(range(len(got) + 1))
    for index, letter in enumerate(expected, 1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(got, 1):
            best = min(row[column] + 1, row[column - 1] + 1, diagonal + (letter != other))
            diagonal, row[column] = row[column], best
    return row[-1] / len(expected)


def pixels_of(reading: PageReading) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(reading.page.jpeg)) as image:
        assert image.format == "JPEG"
        assert image.size == (reading.page.width, reading.page.height)
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def clean(reader: DocumentReader, certificate: Image.Image) -> PageReading:
    return read(reader, certificate)


@pytest.fixture(scope="module")
def worn(reader: DocumentReader, worn_diploma: Image.Image) -> PageReading:
    return read(reader, worn_diploma)


def test_a_clean_page(clean: PageReading) -> None:
    assert error_rate(papers.truth("birth-certificate", PERSON), clean.page.text) < 0.04
    lines = clean.page.text.splitlines()
    assert "GIẤY KHAI SINH" in lines
    assert PERSON.number in clean.page.text  # zeros, not letters O
    assert clean.findings == ()
    assert clean.confidence > 80
    assert (clean.page.width, clean.page.height, clean.page.dpi) == (*papers.SIZE, papers.DPI)


def test_clean_up_halves_the_errors_on_a_worn_page(
    worn: PageReading, worn_diploma: Image.Image
) -> None:
    truth = papers.truth("diploma", PERSON)
    raw = pytesseract.image_to_string(worn_diploma, lang="vie", config="--psm 4 --dpi 200")
    assert error_rate(truth, worn.page.text) < error_rate(truth, raw) / 2
    assert error_rate(truth, worn.page.text) < 0.08
    for words in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "BẰNG TỐT NGHIỆP ĐẠI HỌC", PERSON.name):
        assert words in worn.page.text


@pytest.mark.parametrize("name", ["clean", "worn"])
def test_word_boxes_sit_on_ink(name: str, request: pytest.FixtureRequest) -> None:
    reading: PageReading = request.getfixturevalue(name)
    dark = pixels_of(reading).max(axis=2) < 165
    shares = [
        dark[w.top : w.top + w.height, w.left : w.left + w.width].mean() for w in reading.page.words
    ]
    assert len(shares) > 100
    assert np.mean(np.array(shares) > 0.05) > 0.95


def test_a_box_is_where_the_word_was_printed(clean: PageReading) -> None:
    title = next(word for word in clean.page.words if word.text == "KHAI")
    baseline = title.top + title.height
    assert baseline == pytest.approx(400, abs=6)
    assert title.left + title.width / 2 == pytest.approx(papers.SIZE[0] / 2, abs=30)


def test_boxes_are_in_pixels_of_the_page_at_any_resolution(
    reader: DocumentReader, certificate: Image.Image
) -> None:
    head = certificate.crop((0, 100, 1654, 700)).resize((3308, 1200), Image.Resampling.BICUBIC)
    (title,) = (w for w in read(reader, head, 400).page.words if w.text == "KHAI")
    assert title.top + title.height == pytest.approx(2 * (400 - 100), abs=12)


def test_the_kept_page_is_in_colour_with_its_stamp(worn: PageReading) -> None:
    pixels = pixels_of(worn).astype(int)
    red = (pixels[..., 0] - pixels[..., 1] > 60) & (pixels[..., 0] - pixels[..., 2] > 60)
    stamp = red[1600:2000, 800:1200]
    assert stamp.sum() > 3000


def test_the_thumbnail(clean: PageReading) -> None:
    with Image.open(io.BytesIO(clean.thumbnail)) as image:
        assert image.size == (240, 339)


def test_a_page_fed_upside_down_is_read_and_kept_upright(
    reader: DocumentReader, certificate: Image.Image
) -> None:
    reading = read(reader, certificate.rotate(180))
    assert "GIẤY KHAI SINH" in reading.page.text
    difference = pixels_of(reading).astype(int) - np.asarray(certificate)
    assert np.abs(difference).mean() < 6


def test_a_gray_raster(reader: DocumentReader, certificate: Image.Image) -> None:
    gray = certificate.convert("L").crop((0, 100, 1654, 700))
    page = Raster(Blob.of(gray.tobytes()), gray.width, gray.height, 1, papers.DPI)
    assert "GIẤY KHAI SINH" in asyncio.run(reader.read_page(page)).page.text


def test_a_blank_page_is_kept_without_words(reader: DocumentReader) -> None:
    reading = read(reader, Image.new("RGB", papers.SIZE, (250, 250, 248)))
    assert reading.findings == (Fault.PAGE_BLANK,)
    assert reading.page.words == ()
    assert reading.confidence == 0
    assert pixels_of(reading).shape == (2339, 1654, 3)


@pytest.mark.parametrize("size", [(1, 1), (50, 40)])
def test_tiny_pages(reader: DocumentReader, size: tuple[int, int]) -> None:
    reading = read(reader, Image.new("RGB", size, "white"), dpi=0)
    assert reading.findings == (Fault.PAGE_TOO_SMALL,)
    assert (reading.page.width, reading.page.height) == size
    assert reading.page.dpi > 0


@pytest.mark.parametrize(
    "data",
    [b"", b"not an image", b"\xff\xd8\xff\xe0" + bytes(200), b"%!PS-Adobe-3.0 EPSF-3.0\n"],
    ids=["empty", "text", "broken-jpeg", "postscript"],
)
def test_garbage_is_a_typed_error_and_the_child_lives(
    reader: DocumentReader, data: bytes, tmp_path: Path
) -> None:
    before = reader._child.pid
    (tmp_path / "page").write_bytes(data)
    with pytest.raises(DeviceError) as caught:
        asyncio.run(reader.read_file(tmp_path / "page"))
    assert caught.value.code == CertifyFault.PAGE_UNREADABLE
    assert before in (None, reader._child.pid)


@pytest.mark.parametrize(("width", "channels"), [(10, 3), (-4, 3), (4, 2)])
def test_a_raster_that_lies_about_its_size(
    reader: DocumentReader, width: int, channels: int
) -> None:
    page = Raster(Blob.of(bytes(48)), width, 4, channels, papers.DPI)
    with pytest.raises(DeviceError) as caught:
        asyncio.run(reader.read_page(page))
    assert caught.value.code == Fault.PAGE_UNREADABLE


def test_killed_while_reading_the_next_page_works(certificate: Image.Image) -> None:
    async def story() -> None:
        reader = DocumentReader()
        folder = reader._folder.name
        try:
            reading = await busy_with(reader, certificate)
            assert reader._child.pid
            os.kill(reader._child.pid, signal.SIGKILL)
            with pytest.raises(DeviceError) as caught:
                await reading
            assert caught.value.code == DeviceFault.CHILD_DIED
            assert os.listdir(folder) == []
            head = certificate.crop((0, 100, 1654, 700))
            assert "GIẤY KHAI SINH" in (await reader.read_page(raster(head))).page.text
        finally:
            await reader.close()
        assert os.path.basename(folder) not in os.listdir(os.path.dirname(folder))

    asyncio.run(story())


async def busy_with(reader: DocumentReader, page: Image.Image) -> asyncio.Task[PageReading]:
    await reader.read_page(raster(Image.new("RGB", (9, 9))))  # the child is up
    reading = asyncio.create_task(reader.read_page(raster(page)))
    while reader._child.status().health is not Health.BUSY:
        assert not reading.done()
        await asyncio.sleep(0)
    return reading


def test_closing_while_a_page_is_read_ends_that_reading(certificate: Image.Image) -> None:
    async def story() -> str:
        reader = DocumentReader()
        reading = await busy_with(reader, certificate)
        await reader.close()
        with pytest.raises(DeviceError) as caught:
            await reading
        return caught.value.code

    assert asyncio.run(story()) == DeviceFault.CHILD_DIED


@pytest.fixture
def letters(certificate: Image.Image) -> Iterator[Pixels]:
    """A few lines, and a fresh choice between library and program before and after."""
    tesseract._in_process.cache_clear()
    yield np.array(certificate.convert("L").crop((0, 100, 1654, 700)))
    tesseract._in_process.cache_clear()


def test_the_program_reads_where_the_library_cannot(
    monkeypatch: pytest.MonkeyPatch, letters: Pixels
) -> None:
    by_library = ocr.read_words(letters, papers.DPI, papers.DPI)
    assert tesseract._in_process() is not None
    tesseract._in_process.cache_clear()
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    by_program = ocr.read_words(letters, papers.DPI, papers.DPI)
    assert tesseract._in_process() is None
    texts = [" ".join(word.text for word in words) for words in (by_library, by_program)]
    assert error_rate(*texts) < 0.02


def test_without_tesseract_the_error_is_typed(
    monkeypatch: pytest.MonkeyPatch, letters: Pixels, tmp_path: Path
) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))  # no model for the library, nor for the
    with pytest.raises(KioskError) as caught:  # program
        ocr.read_words(letters, papers.DPI, papers.DPI)
    assert caught.value.code == Fault.PAGE_UNREADABLE
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", "/nonexistent/tesseract")
    with pytest.raises(KioskError) as caught:
        ocr.read_words(letters, papers.DPI, papers.DPI)
    assert caught.value.code == Fault.PAGE_UNREADABLE


@pytest.mark.parametrize("library", [True, False])
def test_a_page_that_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, letters: Pixels, library: bool
) -> None:
    if not library:
        monkeypatch.setitem(sys.modules, "tesserocr", None)
    monkeypatch.setattr(tesseract, "TIMEOUT", 0.03)
    with pytest.raises(KioskError) as caught:
        ocr.read_words(letters, papers.DPI, papers.DPI)
    assert caught.value.code == Fault.PAGE_UNREADABLE
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("seen", "kept"),
    [("OO1192000000", "001192000000"), ("HOOOOOC", "HOOOOOC"), ("COOPER", "COOPER")],
)
def test_a_letter_o_is_a_zero_only_in_a_number(seen: str, kept: str) -> None:
    (word,) = ocr._words(f"5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t90.5\t{seen}\n", 1.0)
    assert word.text == kept


def test_files_from_the_command_line(tmp_path: Path, certificate: Image.Image) -> None:
    image, pdf, bad = tmp_path / "page.png", tmp_path / "page.pdf", tmp_path / "page.txt"
    head = certificate.crop((0, 100, 1654, 700))
    head.save(image, dpi=(papers.DPI, papers.DPI))
    head.save(pdf, resolution=papers.DPI)
    bad.write_bytes(b"not an image")
    done: list[tuple[int, int]] = []
    readings = asyncio.run(read_files([image, pdf], lambda *count: done.append(count)))
    assert done == [(1, 2), (2, 2)]
    for reading in readings:
        assert "GIẤY KHAI SINH" in reading.page.text
        assert reading.page.dpi == papers.DPI
    for file in (bad, tmp_path / "absent.png"):
        with pytest.raises(DeviceError) as caught:
            asyncio.run(read_files([file], lambda *_: None))
        assert caught.value.code == CertifyFault.PAGE_UNREADABLE
        assert file.name in caught.value.detail


def test_there_is_an_end_to_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: Image.Image
) -> None:
    monkeypatch.setattr("kiosk.documents.files.MAX_PAGES", 1)
    file = tmp_path / "page.tif"
    certificate.save(file, save_all=True, append_images=[certificate])
    with pytest.raises(DeviceError) as caught:
        asyncio.run(read_files([file], lambda *_: None))
    assert caught.value.code == CertifyFault.TOO_MANY_PAGES


def test_an_image_without_a_scale_is_taken_for_a4(
    reader: DocumentReader, certificate: Image.Image, tmp_path: Path
) -> None:
    certificate.resize((827, 1170)).save(tmp_path / "page.png")
    reading = asyncio.run(reader.read_file(tmp_path / "page.png"))
    assert reading.page.dpi == 100
    assert error_rate(papers.truth("birth-certificate", PERSON), reading.page.text) < 0.06


def test_what_is_transparent_is_paper(reader: DocumentReader, tmp_path: Path) -> None:
    Image.new("RGBA", (600, 800), (0, 0, 0, 0)).save(tmp_path / "page.png")
    assert asyncio.run(reader.read_file(tmp_path / "page.png")).findings == (Fault.PAGE_BLANK,)


def test_the_screen_process_loads_no_native_library() -> None:
    program = """
import sys
import kiosk.documents.files, kiosk.documents.reader, kiosk.identity.card_qr, kiosk.identity.faces
print({"cv2", "dlib", "face_recognition", "pytesseract", "tesserocr"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_what_a_killed_kiosk_left_in_memory_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.documents.reader._MEMORY_FOLDER", tmp_path)
    dead, alive = tmp_path / "kiosk-ocr-4194305-abc", tmp_path / "kiosk-ocr-1-abc"
    for folder in (dead, alive):
        folder.mkdir()
    reader = DocumentReader()
    assert not dead.exists()
    assert alive.exists()
    asyncio.run(reader.close())
    assert list(tmp_path.iterdir()) == [alive]
