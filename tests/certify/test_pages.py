"""Pages from files: good ones as they are, bad ones with a code."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from certify import pages as pages_module
from certify.errors import CertifyError, Fault
from certify.pages import decode_text, encode_text, load_pages
from tests.certify import specimens


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def code_of(*paths: Path) -> str:
    with pytest.raises(CertifyError) as caught:
        load_pages(paths)
    return caught.value.code


def test_a_jpeg_is_taken_as_it_is(tmp_path: Path) -> None:
    page = specimens.page()
    (tmp_path / "a.jpg").write_bytes(page.jpeg)
    [loaded] = load_pages([tmp_path / "a.jpg"])
    assert loaded.jpeg == page.jpeg
    assert (loaded.width, loaded.height, loaded.dpi) == (page.width, page.height, 100)


def test_png_and_tiff_become_jpeg_and_transparency_becomes_paper(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (827, 1169), (0, 0, 0, 0))
    grey = Image.new("L", (827, 1169), 200)
    png = save(tmp_path / "a.png", clear, dpi=(150, 150))
    tiff = save(tmp_path / "b.tif", grey, save_all=True, append_images=[grey.convert("1")])
    first, second, third = load_pages([png, tiff])
    assert Image.open(io.BytesIO(first.jpeg)).getpixel((400, 400)) == (255, 255, 255)
    assert first.dpi == 150
    assert {page.dpi for page in (second, third)} == {100}  # unknown: as if A4
    assert Image.open(io.BytesIO(second.jpeg)).mode == "L"


def test_a_picture_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    image = Image.new("RGB", (800, 400), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    [page] = load_pages([save(tmp_path / "a.jpg", image, exif=exif)])
    assert (page.width, page.height) == (400, 800)
    assert Image.open(io.BytesIO(page.jpeg)).size == (400, 800)


def test_a_pdf_is_drawn_at_200_dpi(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        for _ in range(2):
            pdf.add_blank_page(page_size=(595.28, 841.89))
        pdf.save(tmp_path / "a.pdf")
    loaded = load_pages([tmp_path / "a.pdf"])
    assert [(page.width, page.height, page.dpi) for page in loaded] == [(1654, 2339, 200)] * 2


def test_bad_files_have_codes(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_bytes(b"hello")
    (tmp_path / "short.jpg").write_bytes(specimens.page().jpeg[:4000])
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    dot = save(tmp_path / "dot.png", Image.new("RGB", (1, 1)))
    assert code_of(tmp_path / "missing.jpg") == Fault.PAGE_UNREADABLE
    assert code_of(tmp_path) == Fault.PAGE_UNREADABLE
    assert code_of(tmp_path / "text.jpg") == Fault.PAGE_UNREADABLE
    assert code_of(tmp_path / "short.jpg") == Fault.PAGE_UNREADABLE
    assert code_of(tmp_path / "broken.pdf") == Fault.PAGE_UNREADABLE
    assert code_of(tmp_path / "locked.pdf") == Fault.PDF_ENCRYPTED
    assert code_of(dot) == Fault.PAGE_TOO_SMALL


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    bomb = save(tmp_path / "bomb.png", Image.new("1", (12_000, 9_000)))
    assert code_of(bomb) == Fault.PAGE_TOO_LARGE
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(14_400, 14_400))
        pdf.save(tmp_path / "large.pdf")
    assert code_of(tmp_path / "large.pdf") == Fault.PAGE_TOO_LARGE


def test_there_is_an_end_to_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "MAX_PAGES", 2)
    page = save(tmp_path / "a.png", Image.new("L", (300, 300)))
    assert len(load_pages([page] * 2)) == 2
    assert code_of(page, page, page) == Fault.TOO_MANY_PAGES


def test_words_survive_beside_their_images() -> None:
    pages = [specimens.page(3), specimens.page(1)]
    text = encode_text(pages)
    assert decode_text(text, [page.jpeg for page in pages]) == pages
    with pytest.raises(ValueError, match="2 pages for 1"):
        decode_text(text, [b"x"])
