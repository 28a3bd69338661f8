"""A paper that a person would recognise as one, for pages of the desk."""

from __future__ import annotations

import io

from fontpkg_be_vietnam_pro import ROOT
from PIL import Image, ImageDraw, ImageFont

from certify.pages import SourcePage, Word

_LINES = (
    (90, 34, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
    (140, 26, "Độc lập - Tự do - Hạnh phúc"),
    (300, 52, "BẰNG TỐT NGHIỆP"),
    (440, 28, "Cấp cho: Trần Thị Mẫu"),
    (490, 28, "Sinh ngày: 14/03/1992"),
    (540, 28, "Xếp loại: Giỏi"),
)


def diploma(confidence: int = 93) -> SourcePage:
    """100 dpi; ``confidence`` is what OCR says of each of its words."""
    image = Image.new("RGB", (827, 1169), "#fdfbf5")
    draw = ImageDraw.Draw(image)
    words: list[Word] = []
    draw.rectangle((30, 30, 797, 1139), outline="#8b7b62", width=4)
    file = next(ROOT.rglob("*-Regular.ttf"))
    for line, (top, size, text) in enumerate(_LINES):
        font = ImageFont.truetype(file, size)
        left = 413 - int(draw.textlength(text, font)) // 2
        draw.text((left, top), text, font=font, fill="#211a14")
        words += [Word(word, left, top, 80, size, confidence, line) for word in text.split()]
    out = io.BytesIO()
    image.save(out, "JPEG", dpi=(100, 100))
    return SourcePage(out.getvalue(), 827, 1169, 100, tuple(words))
