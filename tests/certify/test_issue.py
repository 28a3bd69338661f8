"""What is issued, as others see it: other PDF tools, QR decoders, and the eye."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageFilter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyzbar import pyzbar

from certify import drawing
from certify.errors import CertifyError, Fault
from certify.issue import Issued, assemble, issue_post_check, issue_pre_check, sign_copy
from certify.pages import SourcePage
from certify.seal import copy_digest
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens
from tests.certify.conftest import Signers

pytestmark = pytest.mark.xdist_group("pkcs11")


def rendered(pdf: bytes, number: int, dpi: int = 200) -> Image.Image:
    """As a reader shows it, signature fields included."""
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    image: Image.Image = document[number].render(scale=dpi / 72).to_pil().convert("RGB")
    document.close()
    return image


def tool(pdf: bytes, tmp_path: Path, *command: str) -> str:
    file = tmp_path / "copy.pdf"
    file.write_bytes(pdf)
    arguments = [str(file) if part == "FILE" else part for part in command]
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def embedded_images(pdf: bytes) -> list[bytes]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        found = [image for page in opened.pages for image in images_of(page)]
        return [bytes(image.read_raw_bytes()) for image in found]


def images_of(page: pikepdf.Page) -> list[pikepdf.Object]:
    objects = page.obj.Resources.get("/XObject", pikepdf.Dictionary())
    return [found for _, found in objects.items() if found.Subtype == "/Image"]


@pytest.fixture(params=["pre", "post"])
def issued(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_check")


def test_pdfsig_holds_both_signatures_of_a_pre_check_copy(
    pre_check: Issued, tmp_path: Path
) -> None:
    said = tool(pre_check.pdf, tmp_path, "pdfsig", "-nocert", "FILE")
    assert said.count("Signature is Valid") == 2
    assert said.index("Field Name: Officer") < said.index("Field Name: Agency")
    assert said.count("ETSI.CAdES.detached") == 2
    assert f"Common Name: {specimens.OFFICER}" in said
    assert "Total document signed" in said


def test_pdfsig_sees_an_open_officer_field_in_post_check(
    post_check: Issued, tmp_path: Path
) -> None:
    said = tool(post_check.pdf, tmp_path, "pdfsig", "-nocert", "FILE")
    assert said.count("Signature is Valid") == 1
    assert "Field Name: Officer\n  The signature form field is not signed." in said


def test_pyhanko_of_the_command_line_agrees(
    issued: Issued, sandbox: SandboxPki, tmp_path: Path
) -> None:
    root = sandbox.folder / "certs" / "root.pem"
    python = f"{sys.executable} -W ignore -m pyhanko sign validate --no-revocation-check"
    command = [*python.split(), "--pretty-print", "--trust-replace", "--trust", str(root), "FILE"]
    said = tool(issued.pdf, tmp_path, *command)
    count = len(re.findall("(?m)^Field [0-9]+:", said))
    assert count == said.count("The signature is judged VALID.") > 0
    assert count == len(PdfFileReader(io.BytesIO(issued.pdf)).embedded_signatures)


def test_qpdf_finds_no_error(issued: Issued, tmp_path: Path) -> None:
    assert "No syntax or stream encoding errors" in tool(
        issued.pdf, tmp_path, "qpdf", "--check", "FILE"
    )


def test_text_of_original_and_statement_is_found(issued: Issued, tmp_path: Path) -> None:
    text = tool(issued.pdf, tmp_path, "pdftotext", "-raw", "FILE", "-")
    for line in (
        *specimens.LINES,
        "CHỨNG THỰC BẢN SAO ĐÚNG VỚI BẢN CHÍNH",
        f"Số chứng thực 123 quyển số {specimens.BOOK}",
        "NGƯỜI THỰC HIỆN CHỨNG THỰC",
        "Trang 1/2",
        "Trang 2/2",
        "TTPVHCC",
    ):
        assert line in text


def test_all_fonts_are_embedded(issued: Issued, tmp_path: Path) -> None:
    rows = tool(issued.pdf, tmp_path, "pdffonts", "FILE").splitlines()[2:]
    assert rows
    assert all(row.split()[-5:-2] == ["yes", "yes", "yes"] for row in rows)


def test_words_lie_where_they_are_printed(pre_check: Issued) -> None:
    source = specimens.page(20)
    word = source.words[9]
    document = pypdfium2.PdfDocument(pre_check.pdf)
    page = document[0]
    found = page.get_textpage().search(word.text, match_case=True)
    index, count = found.get_next()
    boxes = [page.get_textpage().get_charbox(index + n) for n in range(count)]
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    scale = 72 / source.dpi
    first = next(w for w in source.words if w.text == word.text)
    assert left == pytest.approx(first.left * scale, abs=2)
    assert right == pytest.approx((first.left + first.width) * scale, abs=2)
    document.close()


@pytest.mark.parametrize("decoder", ["zxing", "zbar"])
def test_the_printed_seal_is_read_by_two_decoders(issued: Issued, decoder: str) -> None:
    last = rendered(issued.pdf, 1)
    if decoder == "zxing":
        # Now and then it sees a line code in a row of the QR code: ask for QR codes alone.
        found = zxingcpp.read_barcodes(last)
        texts = [code.text for code in found if code.format == zxingcpp.BarcodeFormat.QRCode]
    else:
        texts = [code.data.decode() for code in pyzbar.decode(last)]
    assert texts == [issued.seal]


def test_images_are_passed_through_untouched(pre_check: Issued) -> None:
    assert embedded_images(pre_check.pdf) == [specimens.page(20).jpeg, specimens.page(4).jpeg]


def test_the_eye_sees_the_original_at_true_scale(pre_check: Issued) -> None:
    """Every dark pixel of the original is dark in the copy, and the paper is but a little greyer:
    the watermark hides nothing and is there."""
    source = specimens.page(20)
    margin = source.dpi // 2
    beside_the_marks = (0, 0, source.width - margin, source.height - margin)
    original = Image.open(io.BytesIO(source.jpeg)).convert("L").crop(beside_the_marks)
    shown = rendered(pre_check.pdf, 0, source.dpi).convert("L").crop(beside_the_marks)
    # Renderers may be half a pixel off, so small areas are compared, not pixels.
    was, now = (
        np.asarray(image.filter(ImageFilter.BoxBlur(4)), dtype=int) for image in (original, shown)
    )
    assert (now - was).max() < 30
    assert (was - now).max() < 40
    paper = np.asarray(original.filter(ImageFilter.MinFilter(9))) > 235
    assert 0.01 < ((was - now)[paper] > 12).mean() < 0.1


def test_statement_and_signatures_are_drawn_where_they_belong(pre_check: Issued) -> None:
    """Each box of the block has ink of its own, and the frame is not crossed."""
    dpi = 100
    last = np.asarray(rendered(pre_check.pdf, 1, dpi).convert("L"))
    block = drawing.block_box((210 * drawing.MM, 297 * drawing.MM))

    def dark(left: float, bottom: float, right: float, top: float) -> float:
        """Share of dark pixels in millimetres from the block's lower left corner."""
        x0, x1 = (block.left / drawing.MM + x for x in (left, right))
        y0, y1 = (297 - block.bottom / drawing.MM - y for y in (top, bottom))
        part = last[
            round(y0 / 25.4 * dpi) : round(y1 / 25.4 * dpi),
            round(x0 / 25.4 * dpi) : round(x1 / 25.4 * dpi),
        ]
        return float((part < 140).mean())

    assert dark(50, 60, 130, 66) > 0.05  # title
    assert dark(6, 13, 36, 43) > 0.3  # seal
    assert dark(6, 6.5, 36, 11) > 0.03  # id code
    assert dark(44, 15, 105, 36) > 0.01  # officer's signature
    assert dark(113, 15, 174, 36) > 0.01  # agency's signature
    assert dark(-8, -2, -0.6, 72) == 0
    assert dark(180.6, -2, 188, 72) == 0


def test_a_full_last_page_gets_a_sheet_for_the_statement(post_check: Issued) -> None:
    with pikepdf.open(io.BytesIO(post_check.pdf)) as pdf:
        assert [len(images_of(page)) for page in pdf.pages] == [1, 0]
        assert "/Annots" not in pdf.pages[0]


def test_the_document_describes_itself(issued: Issued) -> None:
    with pikepdf.open(io.BytesIO(issued.pdf)) as pdf:
        assert str(pdf.Root.Lang) == "vi"
        assert "Số chứng thực 123" in str(pdf.docinfo["/Title"])
        assert str(pdf.Root.PieceInfo.MotCuaKiosk.Private.Seal) == issued.seal
        with pdf.open_metadata() as metadata:
            assert metadata["dc:identifier"] == "000H000001AZ"
        names = {str(field.T) for field in pdf.Root.AcroForm.Fields}
        assert names == {"Officer", "Agency"}


def test_the_digest_is_given_to_whoever_seals() -> None:
    page, facts, seen = specimens.page(), specimens.facts(), []
    assemble([page], facts, lambda digest: seen.append(digest) or "HTTPS://X/V/AAAA")  # type: ignore[func-returns-value]
    assert seen == [copy_digest([page.jpeg], facts)]


@pytest.mark.parametrize(
    ("size_mm", "sheet_mm", "scale"),
    [
        ((210, 297), (210, 297), 1.0),
        ((297, 210), (297, 210), 1.0),
        ((85.6, 54), (210, 297), 1.0),
        ((210.4, 297.9), (210, 297), 1.0),
        ((297, 420), (210, 297), 210 / 297),
    ],
)
def test_pages_keep_their_scale_unless_larger_than_a4(
    size_mm: tuple[float, float], sheet_mm: tuple[float, float], scale: float
) -> None:
    placed = drawing.place(specimens.page(0, size_mm=size_mm))
    assert [side / drawing.MM for side in placed.sheet] == pytest.approx(sheet_mm)
    assert placed.box.width / drawing.MM == pytest.approx(size_mm[0] * scale, abs=0.5)
    assert placed.box.left >= -0.6 * drawing.MM
    assert placed.box.bottom >= -0.6 * drawing.MM


def test_what_is_no_jpeg_is_refused() -> None:
    page = SourcePage(b"GIF89a", 800, 1100, 100, ())
    with pytest.raises(CertifyError) as caught:
        assemble([page], specimens.facts(), lambda _: "HTTPS://X/V/AAAA")
    assert caught.value.code == Fault.PAGE_UNREADABLE


@pytest.mark.parametrize("change", [{"officer": "Người Khác"}, {"agency": "UBND nơi khác"}])
def test_a_certificate_that_names_another_does_not_sign(
    signers: Signers, change: dict[str, Any]
) -> None:
    with pytest.raises(CertifyError) as caught:
        issue_pre_check(
            [specimens.page()],
            specimens.facts(**change),
            officer=signers.officer,
            agency=signers.agency,
            seal=signers.seal,
            seal_host=specimens.SEAL_HOST,
        )
    assert caught.value.code == Fault.SIGNER_MISMATCH


def test_facts_of_one_mode_are_not_issued_in_the_other(signers: Signers) -> None:
    with pytest.raises(CertifyError) as caught:
        issue_post_check(
            [specimens.page()],
            specimens.facts(),
            agency=signers.kiosk_agency,
            seal=signers.kiosk_seal,
            seal_host=specimens.SEAL_HOST,
        )
    assert caught.value.code == Fault.SIGNER_MISMATCH


def test_a_field_is_signed_once(pre_check: Issued, signers: Signers) -> None:
    for pdf in (pre_check.pdf, b"%PDF-1.7 nonsense"):
        with pytest.raises(CertifyError) as caught:
            sign_copy(pdf, signers.agency, "agency")
        assert caught.value.code == Fault.PDF_UNREADABLE


def test_five_pages_take_about_a_second(signers: Signers) -> None:
    pages = [specimens.page(30, dpi=200) for _ in range(5)]
    start = time.process_time()
    issue_pre_check(
        pages,
        specimens.facts(),
        officer=signers.officer,
        agency=signers.agency,
        seal=signers.seal,
        seal_host=specimens.SEAL_HOST,
    )
    assert time.process_time() - start < 3
