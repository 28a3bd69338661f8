"""Seals on printed and scanned paper: each decoder alone, and ours, on the same pictures.

Every picture is a whole last page at 200 dpi, and every page has a seal of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
import zxingcpp
from PIL import Image
from pyzbar import pyzbar
from pyzbar.pyzbar import ZBarSymbol

from certify.issue import assemble
from certify.numbers import new_id_code
from certify.seal import make_seal
from drivers import codes
from tests.bench.measure import Row, cpu_seconds
from tests.certify import specimens
from tests.certify.print_scan import PRINTER_DPI, SCANNER_DPI, printed_and_scanned

COPIES, DAMAGES = 10, 10
QR = zxingcpp.BarcodeFormat.QRCode
Picture = npt.NDArray[np.uint8]
Decoder = Callable[[Picture], list[str]]
DECODERS: dict[str, Decoder] = {
    "zxing-cpp": lambda p: [code.text for code in zxingcpp.read_barcodes(p, QR)],
    "zbar": lambda p: [code.data.decode() for code in pyzbar.decode(p, [ZBarSymbol.QRCODE])],
    "ours": codes.decode,
    "OpenCV": lambda p: [cv2.QRCodeDetector().detectAndDecode(p)[0]],
}


def run() -> list[Row]:
    clean, damaged = [], []
    for number in range(COPIES):
        seal, pdf = sealed(number)
        clean.append((seal, np.asarray(last_page(pdf, SCANNER_DPI).convert("L"))))
        damaged += [(seal, np.asarray(found)) for found in scans(pdf, number)]
    return [row for name, decode in DECODERS.items() for row in _rows(name, decode, clean, damaged)]


def sealed(number: int) -> tuple[str, bytes]:
    """A copy, unsigned, and its seal."""
    own = specimens.stranger("seal", "seal")
    facts = specimens.facts(id_code=new_id_code(17, number), number=number + 1)
    seals: list[str] = []

    def seal_for(digest: bytes) -> str:
        host = specimens.SEAL_HOST
        seals.append(make_seal(facts, digest, 1, host=host, sign=own.sign_es256, kid=own.key_id))
        return seals[-1]

    pdf = assemble([specimens.page(4)], facts, seal_for)
    return seals[-1], pdf


def scans(pdf: bytes, number: int) -> Iterator[Image.Image]:
    printed = last_page(pdf, PRINTER_DPI)
    for damage in range(DAMAGES):
        yield printed_and_scanned(printed, number * DAMAGES + damage)


def last_page(pdf: bytes, dpi: int) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        image: Image.Image = document[len(document) - 1].render(scale=dpi / 72).to_pil()
        return image
    finally:
        document.close()


def _rows(
    name: str,
    decode: Decoder,
    clean: list[tuple[str, Picture]],
    damaged: list[tuple[str, Picture]],
) -> list[Row]:
    read = sum(seal in decode(picture) for seal, picture in clean)
    survived = 0

    def read_damaged() -> None:
        nonlocal survived
        survived = sum(seal in decode(picture) for seal, picture in damaged)

    each = f"{1000 * cpu_seconds(read_damaged, 1) / len(damaged):.0f} ms of CPU each"
    return [
        Row(f"{name}: read, rendered at 200 dpi", 100 * read / len(clean), "%"),
        Row(f"{name}: read, printed and scanned", 100 * survived / len(damaged), "%", each),
    ]
