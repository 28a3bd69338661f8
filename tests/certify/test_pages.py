"""Pages from files: good ones as they are, bad ones with a code."""

from __future__ import annotations

from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from certify.errors import CertifyError, Fault
from certify.pages import decode_text, encode_text, open_page, page_count
from tests.certify import specimens


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def code_of(path: Path) -> str:
    with pytest.raises(CertifyError) as caught:
        open_page(path, 0)
    assert path.name in caught.value.detail
    return caught.value.code


def test_pages_are_counted_and_opened_one_by_one(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (827, 1169), (0, 0, 0, 0))
    grey = Image.new("L", (827, 1169), 200)
    png = save(tmp_path / "a.png", clear, dpi=(150, 150))
    tiff = save(tmp_path / "b.tif", grey, save_all=True, append_images=[grey.convert("1")])
    assert (page_count(png), page_count(tiff)) == (1, 2)
    image, dpi = open_page(png, 0)
    assert (image.mode, image.getpixel((400, 400)), dpi) == ("RGB", (255, 255, 255), 150)
    first, second = (open_page(tiff, index) for index in range(2))
    assert first[0].getpixel((5, 5)) == 200
    assert {image.mode for image, _ in (first, second)} == {"L"}
    assert {dpi for _, dpi in (first, second)} == {100}  # unknown: as if A4


def test_a_picture_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    image = Image.new("RGB", (800, 400), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, _ = open_page(save(tmp_path / "a.jpg", image, exif=exif), 0)
    assert turned.size == (400, 800)


def test_a_pdf_is_drawn_at_200_dpi(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    with pikepdf.new() as pdf:
        for _ in range(2):
            pdf.add_blank_page(page_size=(595.28, 841.89))
        pdf.save(file)
    assert page_count(file) == 2
    image, dpi = open_page(file, 1)
    assert (image.size, image.mode, dpi) == ((1654, 2339), "RGB", 200)


def test_bad_files_have_codes(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_bytes(b"hello")
    (tmp_path / "short.jpg").write_bytes(specimens.page().jpeg[:4000])
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    dot = save(tmp_path / "dot.png", Image.new("RGB", (1, 1)))
    for unreadable in ("missing.jpg", "text.jpg", "short.jpg", "broken.pdf", "."):
        assert code_of(tmp_path / unreadable) == Fault.PAGE_UNREADABLE
    assert code_of(tmp_path / "locked.pdf") == Fault.PDF_ENCRYPTED
    assert code_of(dot) == Fault.PAGE_TOO_SMALL


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    bomb = save(tmp_path / "bomb.png", Image.new("1", (12_000, 9_000)))
    assert code_of(bomb) == Fault.PAGE_TOO_LARGE
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(14_400, 14_400))
        pdf.save(tmp_path / "large.pdf")
    assert code_of(tmp_path / "large.pdf") == Fault.PAGE_TOO_LARGE


def test_words_survive_beside_their_images() -> None:
    pages = [specimens.page(3), specimens.page(1)]
    text = encode_text(pages)
    assert decode_text(text, [page.jpeg for page in pages]) == pages
    with pytest.raises(ValueError, match="2 pages for 1"):
        decode_text(text, [b"x"])
