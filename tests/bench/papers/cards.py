"""Cards of 85.6 by 54 mm, as they lie on the glass: alone, with a border of paper."""

from __future__ import annotations

import unicodedata

from tests.bench.papers.people import Invention, Person
from tests.bench.papers.sheet import RED, Sheet, Style

SIZE = (105.0, 80.0)
_X, _Y, _WIDTH, _HEIGHT = 9.7, 10.0, 85.6, 54.0
_SMALL = Style(5.6, "sans")
_STRONG = Style(7.2, "sans", "Bold")
_WEIGHTS = (7, 3, 1)  # check digits of ICAO 9303, part 3


def _card(sheet: Sheet, ink: tuple[int, int, int]) -> None:
    sheet.box(_X, _Y, _WIDTH, _HEIGHT, ink)


def _label(sheet: Sheet, x: float, y: float, label: str, value: str, field: str = "") -> None:
    """A small label, its value beside it in bold."""
    stop = sheet.write(_X + x, _Y + y, label, _SMALL)
    sheet.write(stop + 1, _Y + y, value, _STRONG, field=field)


def id_front(sheet: Sheet, invention: Invention) -> None:
    person = invention.person(1955, 2006)
    expiry = person.birth.year + 60
    _card(sheet, (214, 232, 232))
    sheet.lines(
        _X + 52,
        _Y + 6,
        [
            ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", Style(7, "sans", "Bold")),
            ("Độc lập - Tự do - Hạnh phúc", Style(6.4, "sans")),
        ],
    )
    title = Style(10.5, "sans", "Bold", RED)
    sheet.write(_X + 52, _Y + 16, "CĂN CƯỚC CÔNG DÂN", title, align="m")
    sheet.write(_X + 52, _Y + 19.5, "Citizen Identity Card", _SMALL, align="m")
    sheet.box(_X + 4, _Y + 18, 20, 27, (150, 150, 154))
    sheet.write(_X + 28, _Y + 24, "Số / No.:", _SMALL)
    sheet.write(_X + 38, _Y + 24, person.number, Style(10, "sans", "Bold"), field="citizen_number")
    _label(sheet, 28, 28.5, "Họ và tên / Full name:", person.name.upper(), "name")
    _label(sheet, 28, 33, "Ngày sinh / Date of birth:", f"{person.birth:%d/%m/%Y}", "birth_date")
    _label(sheet, 28, 37.2, "Giới tính / Sex:", person.sex, "sex")
    _label(sheet, 52, 37.2, "Quốc tịch / Nationality:", "Việt Nam")
    _label(sheet, 28, 41.4, "Quê quán / Place of origin:", "")
    sheet.write(_X + 28, _Y + 45, person.birthplace, _STRONG, field="origin")
    _label(sheet, 28, 49, "Nơi thường trú / Place of residence:", "")
    sheet.write(_X + 28, _Y + 52.6, person.residence, Style(6.2, "sans", "Bold"), field="residence")
    sheet.write(_X + 3, _Y + 48.5, "Có giá trị đến / Date of expiry:", Style(4.6, "sans"))
    sheet.write(_X + 6, _Y + 52, f"{person.birth:%d/%m}/{expiry}", _STRONG, field="expiry")
    sheet.foot(6.5)


def id_back(sheet: Sheet, invention: Invention) -> None:
    person, issued = invention.person(1955, 2006), invention.day(2016, 2024)
    _card(sheet, (220, 232, 226))
    _label(sheet, 5, 8, "Đặc điểm nhân dạng / Personal identification:", "")
    sheet.write(_X + 5, _Y + 12, "Nốt ruồi cách 2cm dưới đuôi mắt phải", _STRONG)
    _label(sheet, 34, 18, "Ngày, tháng, năm / Date, month, year:", f"{issued:%d/%m/%Y}", "issued")
    sheet.lines(
        _X + 58,
        _Y + 22,
        [("CỤC TRƯỞNG CỤC CẢNH SÁT", _SMALL), ("QUẢN LÝ HÀNH CHÍNH VỀ TRẬT TỰ XÃ HỘI", _SMALL)],
    )
    sheet.signature(_X + 48, _Y + 29, 18, seed=person.birth.year)
    sheet.write(_X + 58, _Y + 34.5, invention.person().name, _STRONG, align="m")
    sheet.box(_X + 6, _Y + 17, 12, 10, (196, 168, 90))
    for number, line in enumerate(_mrz(person)):
        name = f"mrz.{number + 1}"
        sheet.write(_X + 2.6, _Y + 41 + 4.6 * number, line, Style(12, "mono"), field=name)
    sheet.foot(6.5)


def driving_licence(sheet: Sheet, invention: Invention) -> None:
    person, issued = invention.person(1965, 2004), invention.day(2014, 2024)
    _card(sheet, (244, 232, 208))
    sheet.lines(
        _X + 54,
        _Y + 6,
        [
            ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", Style(6.6, "sans")),
            ("Độc lập - Tự do - Hạnh phúc", Style(6.2, "sans")),
        ],
    )
    title = Style(9, "sans", "Bold", RED)
    sheet.write(_X + 54, _Y + 15, "GIẤY PHÉP LÁI XE / DRIVER'S LICENSE", title, align="m")
    sheet.box(_X + 4, _Y + 16, 20, 26, (150, 150, 154))
    sheet.write(_X + 28, _Y + 21, "Số / No:", _SMALL)
    sheet.write(
        _X + 37, _Y + 21, invention.digits(12), Style(9, "sans", "Bold", RED), field="number"
    )
    _label(sheet, 28, 25.5, "Họ tên / Full name:", person.name.upper(), "name")
    _label(sheet, 28, 30, "Ngày sinh / Date of Birth:", f"{person.birth:%d/%m/%Y}", "birth_date")
    _label(sheet, 28, 34.2, "Quốc tịch / Nationality:", "VIỆT NAM")
    _label(sheet, 28, 38.4, "Nơi cư trú / Address:", person.commune, "residence")
    sheet.write(
        _X + 58,
        _Y + 43,
        f"{person.province}, ngày {issued:%d} tháng {issued:%m} năm {issued.year}",
        Style(5.6, "sans", "Italic"),
        align="m",
    )
    _label(sheet, 6, 47, "Hạng / Class:", invention.one_of(("A1", "B2", "C")), "class")
    _label(sheet, 6, 51.5, "Có giá trị đến / Expires:", f"{issued:%d/%m}/{issued.year + 10}")
    sheet.write(_X + 58, _Y + 51.5, invention.person().name, _STRONG, align="m")
    sheet.foot(6.5)


def health_card(sheet: Sheet, invention: Invention) -> None:
    person, start = invention.person(1940, 2015), invention.day(2020, 2024)
    _card(sheet, (238, 240, 246))
    sheet.write(_X + 4, _Y + 6, "BẢO HIỂM XÃ HỘI VIỆT NAM", Style(7, "sans", "Bold"))
    title = Style(11, "sans", "Bold", RED)
    sheet.write(_X + 43, _Y + 13.5, "THẺ BẢO HIỂM Y TẾ", title, align="m")
    sheet.write(
        _X + 43,
        _Y + 19.5,
        f"Mã số: {invention.digits(10)}",
        Style(9, "sans", "Bold"),
        align="m",
        field="number",
    )
    _label(sheet, 5, 25.5, "Họ và tên:", person.name.upper(), "name")
    _label(sheet, 5, 30.5, "Ngày sinh:", f"{person.birth:%d/%m/%Y}", "birth_date")
    _label(sheet, 48, 30.5, "Giới tính:", person.sex, "sex")
    _label(sheet, 5, 35.5, "Nơi đăng ký KCB ban đầu:", f"Trạm y tế {person.commune}")
    _label(sheet, 5, 40.5, "Giá trị sử dụng: từ ngày", f"{start:%d/%m/%Y}", "valid_from")
    _label(sheet, 5, 45.5, "Thời điểm đủ 05 năm liên tục:", f"{start:%d/%m}/{start.year + 5}")
    sheet.write(_X + 60, _Y + 51, invention.person().name, _STRONG, align="m")
    sheet.foot(6.5)


def _mrz(person: Person) -> tuple[str, str, str]:
    """Three lines of 30 letters (ICAO 9303, part 5), as on the citizen card."""
    number = person.number
    first = f"IDVNM{number[3:]}{_check(number[3:])}{number}<<"
    birth, expiry = f"{person.birth:%y%m%d}", f"{(person.birth.year + 60) % 100:02}0101"
    sex = "F" if person.female else "M"
    second = f"{birth}{_check(birth)}{sex}{expiry}{_check(expiry)}VNM".ljust(29, "<")
    composite = _check(first[5:] + _check(first[5:]) + second[:7] + second[8:15] + second[18:29])
    family, *given = _plain(person.name).split()
    name = f"{family}<<{'<'.join(given)}".ljust(30, "<")[:30]
    return first + _check(first), second + composite, name


def _check(text: str) -> str:
    values = (0 if letter == "<" else int(letter, 36) for letter in text)
    return str(sum(value * _WEIGHTS[at % 3] for at, value in enumerate(values)) % 10)


def _plain(name: str) -> str:
    split = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in split if not unicodedata.combining(letter)).upper()
