"""An electronic fee receipt as PDF: half a sheet, A5 across, fonts embedded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

from reportlab.lib.pagesizes import A5, landscape
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from certify.drawing import BOLD, MM, REGULAR, prepare_fonts
from kiosk.portal.receipts import FeeReceipt
from kiosk.portal.times import VIETNAM
from kiosk.portal.words import money

_TITLES = {"fee": "Biên lai thu lệ phí", "return": "Biên lai hoàn trả lệ phí"}
_LEFT, _VALUES = 15 * MM, 62 * MM
_GREY = 0.35


@dataclass(frozen=True, slots=True)
class Case:
    """For what and from whom. ``returned``: the fee was given back since."""

    agency: str
    code: str
    payer: str
    procedure: str
    pages: int
    copies: int
    returned: bool = False


def as_pdf(receipt: FeeReceipt, case: Case) -> bytes:
    prepare_fonts()
    out = io.BytesIO()
    width, height = landscape(A5)
    canvas = Canvas(out, pagesize=(width, height), initialFontName=REGULAR, lang="vi")
    title = _TITLES[receipt.kind]
    canvas.setTitle(f"{title} {_number(receipt)}")
    canvas.setAuthor(case.agency)
    canvas.setFont(REGULAR, 10)
    canvas.drawString(_LEFT, height - 17 * MM, case.agency)
    canvas.drawRightString(width - _LEFT, height - 17 * MM, f"Số {_number(receipt)}")
    canvas.setFont(BOLD, 18)
    canvas.drawCentredString(width / 2, height - 33 * MM, title)
    canvas.setFont(REGULAR, 10)
    canvas.drawCentredString(width / 2, height - 40 * MM, "(bản điện tử)")
    top = height - 54 * MM
    for row, (label, value) in enumerate(_rows(receipt, case)):
        _line(canvas, top - row * 9 * MM, label, value, width - _VALUES - _LEFT)
    if receipt.kind == "fee" and case.returned:
        canvas.setFont(BOLD, 12)
        canvas.drawString(_LEFT, 19 * MM, "Lệ phí này đã được hoàn trả.")
    canvas.save()
    return out.getvalue()


def _rows(receipt: FeeReceipt, case: Case) -> list[tuple[str, str]]:
    made = datetime.fromisoformat(receipt.made_at).astimezone(VIETNAM)
    return [
        ("Người nộp" if receipt.kind == "fee" else "Người nhận lại", case.payer),
        ("Nội dung", f"{case.procedure}, {case.pages} trang, {case.copies} bản"),
        ("Hồ sơ", case.code),
        ("Số tiền", money(receipt.amount)),
        ("Chứng từ", receipt.reference),
        (
            "Người thu" if receipt.kind == "fee" else "Người trả",
            receipt.staff or "Thanh toán điện tử",
        ),
        ("Ngày", f"{made:%d/%m/%Y %H:%M}"),
    ]


def _line(canvas: Canvas, y: float, label: str, value: str, room: float) -> None:
    canvas.setFont(REGULAR, 11)
    canvas.setFillGray(_GREY)
    canvas.drawString(_LEFT, y, label)
    canvas.setFillGray(0)
    natural = stringWidth(value, BOLD, 12)
    canvas.setFont(BOLD, 12 * min(1, room / natural) if natural else 12)
    canvas.drawString(_VALUES, y, value)


def _number(receipt: FeeReceipt) -> str:
    return f"{receipt.number:04d}/{receipt.year}"
