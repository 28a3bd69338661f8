"""Invented papers: a diploma and a birth certificate, A4 at 200 dpi, each marked as a specimen.

Layout after the real forms, agencies that do not exist, a stamp with plain letters instead of the
state emblem. The same arguments always give the same pixels. Pillow and NumPy only.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from kiosk.identity.numbers import Sex
from kiosk.sandbox.people import Citizen

DPI = 200
SIZE = (1654, 2339)  # A4, pixels
KINDS = ("diploma", "birth-certificate")

_INK = (28, 28, 34)
_TITLE_RED = (150, 22, 28)
_STAMP_RED = (205, 32, 40)
_PEN_BLUE = (30, 50, 140)
_MARK = "MẪU"
_NATION = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
_MOTTO = "Độc lập - Tự do - Hạnh phúc"
_FOOT = "MẪU - giấy tờ hư cấu để thử máy, không có giá trị pháp lý"
_SAME_ROW = 12  # pixels; texts whose baselines are closer stand on one line


@dataclass(frozen=True, slots=True)
class _Span:
    x: float
    baseline: float
    text: str


def diploma(person: Citizen, seed: int = 1) -> Image.Image:
    """A university degree of ``person``: one RGB page."""
    return _diploma(person, seed).image


def birth_certificate(person: Citizen, seed: int = 1) -> Image.Image:
    """The birth certificate of ``person``: one RGB page."""
    return _birth_certificate(person, seed).image


def truth(kind: str, person: Citizen) -> str:
    """The text printed on the paper ``kind`` (one of KINDS), a printed line a line.

    Without the stamp's letters and the specimen mark in the background.
    """
    sheet = _diploma(person, 1) if kind == "diploma" else _birth_certificate(person, 1)
    return sheet.text


def damage(image: Image.Image, level: float, seed: int = 1) -> Image.Image:
    """``image`` after years in a drawer and a hasty scan; ``level`` 1 is bad, 0 changes nothing.

    At level 1: 2 degrees skew, a shadow down to half the light, grain, soft focus, JPEG artefacts.
    """
    if level <= 0:
        return image
    random = np.random.default_rng(seed)
    skew = math.copysign(2.0 * level, random.uniform(-1, 1))
    turned = image.rotate(skew, Image.Resampling.BICUBIC, fillcolor=(236, 234, 228))
    soft = turned.filter(ImageFilter.GaussianBlur(0.8 * level))
    height, width = soft.height, soft.width
    light = _shadow(width, height, depth=min(0.5 * level, 0.8), random=random)
    grain = random.normal(0, 14 * level, (height, width, 1)).astype(np.float32)
    pixels = np.asarray(soft, np.float32) * light[..., None] + grain
    buffer = io.BytesIO()
    shaded = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    shaded.save(buffer, "JPEG", quality=round(max(20, 75 - 25 * level)))
    return Image.open(buffer).convert("RGB")


def _shadow(
    width: int, height: int, depth: float, random: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Light between 1 - depth and 1, darker towards one corner."""
    across = np.linspace(0, 1, width, dtype=np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)
    if random.random() < 0.5:
        across = across[::-1]
    return 1 - np.float32(depth) * (0.5 * across[None, :] + 0.5 * down[:, None]) ** 2


class _Sheet:
    """A page being drawn, which remembers the words put on it."""

    def __init__(self, paper: tuple[int, int, int], seed: int) -> None:
        self.image = Image.new("RGB", SIZE, paper)
        self._draw = ImageDraw.Draw(self.image)
        self._spans: list[_Span] = []
        self._random = np.random.default_rng(seed)

    @property
    def text(self) -> str:
        rows: list[list[_Span]] = []
        for span in sorted(self._spans, key=lambda span: span.baseline):
            if rows and span.baseline - rows[-1][0].baseline < _SAME_ROW:
                rows[-1].append(span)
            else:
                rows.append([span])
        ordered = (sorted(row, key=lambda span: span.x) for row in rows)
        return "\n".join(" ".join(span.text for span in row) for row in ordered)

    def write(
        self,
        x: float,
        baseline: float,
        text: str,
        points: float,
        weight: str = "Regular",
        *,
        centred: bool = False,
        ink: tuple[int, int, int] = _INK,
    ) -> float:
        """Print ``text`` from ``x`` on (or around it); returns where it ends."""
        font = _font(weight, points)
        width = font.getlength(text)
        left = x - width / 2 if centred else x
        self._draw.text((left, baseline), text, ink, font, anchor="ls")
        self._spans.append(_Span(left, baseline, text))
        return left + width

    def field(self, x: float, baseline: float, label: str, value: str, end: float) -> None:
        """``label: value`` with the value on a dotted line that runs to ``end``."""
        start = self.write(x, baseline, f"{label}:", 11.5) + 10
        self.write(start, baseline, value, 11.5, "SemiBold")
        for dot in range(int(start), int(end), 9):
            self._draw.rectangle((dot, baseline + 9, dot + 1, baseline + 10), (150, 150, 150))

    def rule(self, x: float, y: float, length: float, thickness: int = 3) -> None:
        self._draw.rectangle((x - length / 2, y, x + length / 2, y + thickness - 1), _INK)

    def frame(self, inset: int, thickness: int, ink: tuple[int, int, int]) -> None:
        right, bottom = SIZE[0] - inset, SIZE[1] - inset
        self._draw.rectangle((inset, inset, right, bottom), outline=ink, width=thickness)

    def wave_pattern(self, ink: tuple[int, int, int]) -> None:
        """Fine interlaced waves, as on security paper, pale enough to read across."""
        steps = range(70, SIZE[0] - 69, 8)
        for row, top in enumerate(range(120, SIZE[1] - 90, 26)):
            wave = [(x, top + 18 * math.sin(x / 55 + row * math.pi / 3)) for x in steps]
            self._draw.line(wave, ink, 1)

    def specimen_mark(self) -> None:
        """The word across the page, and a line at the foot that says what it means."""
        tile = Image.new("L", (1300, 620), 0)
        ImageDraw.Draw(tile).text((650, 310), _MARK, 34, _font("Bold", 170), anchor="mm")
        tile = tile.rotate(32, Image.Resampling.BICUBIC, expand=True)
        place = ((SIZE[0] - tile.width) // 2, (SIZE[1] - tile.height) // 2)
        self.image.paste(Image.new("RGB", tile.size, (120, 120, 130)), place, tile)
        self.write(SIZE[0] / 2, SIZE[1] - 120, _FOOT, 8.5, "Italic", centred=True)

    def signature(self, x: float, y: float, width: float) -> None:
        """A pen's scribble: loops that shrink, as a hurried hand makes them."""
        loops = self._random.uniform(3.2, 4.6)
        phase = self._random.uniform(0, math.pi)
        points = []
        for step in range(181):
            t = step / 180
            swing = 62 * (1 - 0.75 * t) * math.sin(2 * math.pi * loops * t + phase)
            slant = 34 * math.cos(2 * math.pi * loops * t + phase) * (1 - t)
            points.append((x + width * t + slant, y - swing + 20 * t))
        for start, end in pairwise(points):
            thickness = 3 if end[1] > start[1] else 5
            self._draw.line((*start, *end), _PEN_BLUE, thickness)

    def stamp(self, x: float, y: float, around: str, middle: Sequence[str]) -> None:
        """A round red stamp centred on (x, y), inked unevenly, over whatever is there."""
        ink = _stamp_mask(around, middle).rotate(
            self._random.uniform(-14, 14), Image.Resampling.BICUBIC
        )
        blots = self._random.uniform(0.6, 1.0, (16, 16)) * 255
        uneven = Image.fromarray(blots.astype(np.uint8)).resize(ink.size, Image.Resampling.BICUBIC)
        mask = ImageChops.multiply(ink, uneven)
        layer = Image.new("RGB", ink.size, (255, 255, 255))
        layer.paste(Image.new("RGB", ink.size, _STAMP_RED), (0, 0), mask)
        corner = (round(x - ink.width / 2), round(y - ink.height / 2))
        box = (*corner, corner[0] + ink.width, corner[1] + ink.height)
        self.image.paste(ImageChops.multiply(self.image.crop(box), layer), box)


@cache
def _font(weight: str, points: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_font_file(weight)), round(points * DPI / 72))


def _font_file(weight: str) -> Path:
    import fontpkg_be_vietnam_pro as family

    return Path(family.__file__).parent / "files" / f"BeVietnamPro-{weight}.ttf"


def _stamp_mask(around: str, middle: Sequence[str], side: int = 300) -> Image.Image:
    """Rings, letters around and lines in the middle: white where there is ink; 38 mm wide."""
    scale = 2  # drawn larger and shrunk, for smooth edges
    size = side * scale
    mask = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(mask)
    for inset, thickness in ((4, 5), (14, 2), (78, 2)):
        edge = inset * scale
        box = (edge, edge, size - edge, size - edge)
        draw.ellipse(box, outline=255, width=thickness * scale)
    _write_around(mask, around, radius=size / 2 - 46 * scale)
    for row, line in enumerate(middle):
        y = size / 2 + (row - (len(middle) - 1) / 2) * 34 * scale
        draw.text((size / 2, y), line, 255, _font("SemiBold", 8.0 * scale), anchor="mm")
    return mask.resize((side, side), Image.Resampling.LANCZOS)


def _write_around(mask: Image.Image, text: str, radius: float) -> None:
    centre = mask.width / 2
    font = _font("SemiBold", 15)
    for index, letter in enumerate(text):
        turn = 360 * index / len(text) - 180 + 180 / len(text)
        tile = Image.new("L", (90, 90), 0)
        ImageDraw.Draw(tile).text((45, 45), letter, 255, font, anchor="mm")
        tile = tile.rotate(-turn, Image.Resampling.BICUBIC)
        angle = math.radians(turn - 90)
        corner = (
            round(centre + radius * math.cos(angle) - 45),
            round(centre + radius * math.sin(angle) - 45),
        )
        mask.paste(255, corner, tile)


def _diploma(person: Citizen, seed: int) -> _Sheet:
    middle = SIZE[0] / 2
    sheet = _Sheet((253, 249, 238), seed)
    sheet.wave_pattern((244, 234, 212))
    sheet.frame(56, 10, (168, 124, 52))
    sheet.frame(76, 3, (168, 124, 52))
    sheet.specimen_mark()
    sheet.write(middle, 215, _NATION, 14, "SemiBold", centred=True)
    sheet.write(middle, 272, _MOTTO, 13, "Medium", centred=True)
    sheet.rule(middle, 290, 400)
    sheet.write(middle, 420, "HIỆU TRƯỞNG", 14, "Medium", centred=True)
    sheet.write(middle, 482, "TRƯỜNG ĐẠI HỌC THÍ DỤ", 17, "SemiBold", centred=True)
    sheet.write(middle, 560, "cấp", 12, "Italic", centred=True)
    title = "BẰNG TỐT NGHIỆP ĐẠI HỌC"
    sheet.write(middle, 690, title, 28, "Bold", centred=True, ink=_TITLE_RED)
    sheet.write(middle, 780, "CỬ NHÂN QUẢN LÝ ĐẤT ĐAI", 17, "SemiBold", centred=True)
    _degree_fields(sheet, person)
    place_and_day = "Hà Nội, ngày 20 tháng 06 năm 2014"
    _sign(sheet, 1130, 1560, place_and_day, "HIỆU TRƯỞNG", "PGS. TS. Đỗ Minh Ví Dụ")
    sheet.stamp(985, 1800, "TRƯỜNG ĐẠI HỌC THÍ DỤ • HÀ NỘI • ", ("TRƯỜNG", "THÍ DỤ"))
    sheet.write(190, 2080, "Số hiệu: MAU 0001234", 11)
    sheet.write(190, 2130, "Số vào sổ cấp bằng: 045/2014/CQ", 11)
    return sheet


def _degree_fields(sheet: _Sheet, person: Citizen) -> None:
    address = "Bà" if person.sex is Sex.FEMALE else "Ông"
    rows = (
        ("Cho", f"{address} {person.name}"),
        ("Ngày sinh", f"{person.birth_date:%d/%m/%Y}"),
        ("Nơi sinh", person.birthplace),
        ("Số định danh cá nhân", person.number),
        ("Năm tốt nghiệp", "2014"),
        ("Xếp loại tốt nghiệp", "Giỏi"),
        ("Hình thức đào tạo", "Chính quy"),
    )
    for row, (label, value) in enumerate(rows):
        sheet.field(280, 930 + row * 78, label, value, end=1370)


def _birth_certificate(person: Citizen, seed: int) -> _Sheet:
    middle = SIZE[0] / 2
    sheet = _Sheet((254, 252, 248), seed)
    sheet.frame(70, 3, (160, 60, 66))
    sheet.frame(80, 1, (160, 60, 66))
    sheet.specimen_mark()
    sheet.write(middle, 180, _NATION, 14, "SemiBold", centred=True)
    sheet.write(middle, 235, _MOTTO, 13, "Medium", centred=True)
    sheet.rule(middle, 253, 400)
    title = "GIẤY KHAI SINH"
    sheet.write(middle, 400, title, 28, "Bold", centred=True, ink=_TITLE_RED)
    sheet.write(middle, 455, "(BẢN CHÍNH)", 11, "Medium", centred=True)
    sheet.write(1180, 520, "Số: 15/1992", 11.5)
    _birth_fields(sheet, person)
    place_and_day = f"Ngày đăng ký: 20 tháng 03 năm {person.birth_date.year}"
    _sign(sheet, 1150, 1740, place_and_day, "NGƯỜI KÝ GIẤY KHAI SINH", "Hoàng Văn Ví Dụ")
    sheet.stamp(1005, 1980, "ỦY BAN NHÂN DÂN XÃ THÍ DỤ • HÀ NỘI • ", ("XÃ", "THÍ DỤ"))
    return sheet


def _birth_fields(sheet: _Sheet, person: Citizen) -> None:
    sex = "Nữ" if person.sex is Sex.FEMALE else "Nam"
    rows = (
        (("Họ, chữ đệm, tên", person.name.upper()),),
        (("Ngày, tháng, năm sinh", f"{person.birth_date:%d/%m/%Y}"), ("Giới tính", sex)),
        (("Dân tộc", person.ethnicity), ("Quốc tịch", person.nationality)),
        (("Nơi sinh", person.birthplace),),
        (("Số định danh cá nhân", person.number),),
        (("Họ, chữ đệm, tên người mẹ", person.mother),),
        (("Năm sinh", "1966"), ("Dân tộc", "Kinh")),
        (("Nơi cư trú", person.birthplace),),
        (("Họ, chữ đệm, tên người cha", person.father),),
        (("Năm sinh", "1963"), ("Dân tộc", "Kinh")),
        (("Nơi cư trú", person.birthplace),),
        (("Người đi khai sinh", person.father),),
        (("Nơi đăng ký khai sinh", "Ủy ban nhân dân xã Thí Dụ, thành phố Hà Nội"),),
    )
    for row, fields in enumerate(rows):
        baseline = 620 + row * 80
        for column, (label, value) in enumerate(fields):
            end = 960 if column == 0 and len(fields) == 2 else 1490
            sheet.field(170 + column * 820, baseline, label, value, end)


def _sign(
    sheet: _Sheet, x: float, baseline: float, place_and_day: str, office: str, name: str
) -> None:
    """Place and day, office, signature, name: the block every such paper ends with."""
    sheet.write(x, baseline, place_and_day, 11.5, "Italic", centred=True)
    sheet.write(x, baseline + 62, office, 12, "SemiBold", centred=True)
    sheet.write(x, baseline + 104, "(Ký, ghi rõ họ tên, đóng dấu)", 9.5, "Italic", centred=True)
    sheet.signature(x - 130, baseline + 230, 300)
    sheet.write(x, baseline + 385, name, 12.5, "SemiBold", centred=True)
