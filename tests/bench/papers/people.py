"""Invented people and places for the corpus; a seed always gives the same ones.

Citizen numbers have a serial of zeros, which is never given out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

_FAMILIES = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Vũ", "Võ",
    "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Đinh",
)  # fmt: skip
_MIDDLES = (
    ("Văn", "Hữu", "Đức", "Công", "Quốc", "Ngọc", "Xuân", "Thành"),
    ("Thị", "Thị Mỹ", "Ngọc", "Thị Bích", "Kim", "Thị Hồng", "Thùy", "Thị Tuyết"),
)
_NAMES = (
    ("Dũng", "Hiếu", "Khởi", "Thắng", "Nghĩa", "Tiệp", "Quyền", "Đạt", "Vượng", "Lợi", "Hưởng"),
    ("Hằng", "Nguyệt", "Phượng", "Diễm", "Yến", "Thảo", "Uyên", "Quỳnh", "Mẫn", "Ngữ", "Nhạn"),
)
_PLACES = (
    ("001", "Hà Nội", "thành phố"),
    ("031", "Hải Phòng", "thành phố"),
    ("037", "Ninh Bình", "tỉnh"),
    ("040", "Nghệ An", "tỉnh"),
    ("048", "Đà Nẵng", "thành phố"),
    ("066", "Đắk Lắk", "tỉnh"),
    ("079", "Hồ Chí Minh", "thành phố"),
    ("092", "Cần Thơ", "thành phố"),
)
_COMMUNES = ("Thí Dụ", "Giả Định", "Mẫu Thượng", "Thử Nghiệm", "Ví Dụ", "Mẫu Hạ")
_HAMLETS = ("Đồng Vừng", "Bến Gỗ", "Ngõ Quế", "Phú Hữu", "Kỳ Lừa", "Trại Ổi")
_ETHNICITIES = ("Kinh", "Tày", "Mường", "Khmer", "Ê Đê", "Dao")


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    number: str
    birth: date
    female: bool
    ethnicity: str
    commune: str  # "xã Thí Dụ"
    province: str  # "tỉnh Nghệ An"
    hamlet: str

    @property
    def sex(self) -> str:
        return "Nữ" if self.female else "Nam"

    @property
    def residence(self) -> str:
        return f"{self.hamlet}, {self.commune}, {self.province}"

    @property
    def birthplace(self) -> str:
        return f"{self.commune}, {self.province}"


class Invention:
    """Whatever a page needs, in the order in which it asks."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def below(self, end: int) -> int:
        return int(self._random.integers(end))

    def one_of(self, choices: tuple[str, ...] | list[str]) -> str:
        return choices[self.below(len(choices))]

    def digits(self, count: int) -> str:
        return "".join(str(self.below(10)) for _ in range(count))

    def day(self, first: int, last: int) -> date:
        """Between the years ``first`` and ``last``."""
        return date(first, 1, 1) + timedelta(days=self.below(365 * (last - first + 1)))

    def person(self, first: int = 1950, last: int = 2003, *, female: bool | None = None) -> Person:
        woman = bool(self.below(2)) if female is None else female
        code, province, kind = _PLACES[self.below(len(_PLACES))]
        born = self.day(first, last)
        digit = 2 * (born.year // 100 - 19) + woman
        return Person(
            name=f"{self.one_of(_FAMILIES)} {self.one_of(_MIDDLES[woman])} "
            f"{self.one_of(_NAMES[woman])}",
            number=f"{code}{digit}{born.year % 100:02}000000",
            birth=born,
            female=woman,
            ethnicity=self.one_of(_ETHNICITIES),
            commune=f"xã {self.one_of(_COMMUNES)}",
            province=f"{kind} {province}",
            hamlet=f"thôn {self.one_of(_HAMLETS)}",
        )
