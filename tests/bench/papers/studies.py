"""Schools: diplomas, a transcript with a table, a certificate in two languages."""

from __future__ import annotations

from tests.bench.papers import blocks
from tests.bench.papers.people import Invention
from tests.bench.papers.sheet import Sheet, Style

_SCHOOL_STAMP = ("TRƯỜNG ĐẠI HỌC THÍ DỤ * HÀ NỘI * ", "THÍ DỤ")
_SUBJECTS = (
    "Ngữ văn", "Toán", "Ngoại ngữ 1", "Vật lí", "Hóa học", "Sinh học", "Lịch sử", "Địa lí",
    "Giáo dục kinh tế và pháp luật", "Công nghệ", "Tin học", "Giáo dục thể chất",
    "Quốc phòng và an ninh",
)  # fmt: skip
_GRADES = ("Trung bình", "Khá", "Giỏi", "Xuất sắc")
_COURSES = (
    "Triết học Mác - Lênin", "Giải tích một biến", "Đại số tuyến tính", "Xác suất thống kê",
    "Trắc địa cơ sở", "Thổ nhưỡng học", "Luật Đất đai", "Quy hoạch sử dụng đất",
    "Hệ thống thông tin địa lý", "Định giá đất", "Bản đồ học", "Kinh tế đất",
    "Đăng ký và thống kê đất", "Thực tập tốt nghiệp", "Khóa luận tốt nghiệp",
)  # fmt: skip


def university_diploma(sheet: Sheet, invention: Invention) -> None:
    person = invention.person(1980, 2001)
    sheet.waves((244, 234, 212))
    sheet.frame(8, 1.2, (168, 124, 52))
    middle, modern = sheet.width / 2, "vietnam"
    sheet.lines(
        middle, 28, [(blocks.NATION, Style(14, modern, "Bold")), (blocks.MOTTO, Style(13, modern))]
    )
    sheet.lines(
        middle,
        56,
        [("HIỆU TRƯỞNG", Style(14, modern)), ("TRƯỜNG ĐẠI HỌC THÍ DỤ", Style(17, modern, "Bold"))],
    )
    sheet.write(middle, 80, "cấp", Style(12, modern, "Italic"), align="m")
    title = Style(26, modern, "Bold", (150, 22, 28))
    sheet.write(middle, 96, "BẰNG TỐT NGHIỆP ĐẠI HỌC", title, align="m")
    sheet.write(middle, 108, "CỬ NHÂN QUẢN LÝ ĐẤT ĐAI", Style(16, modern, "Bold"), align="m")
    y = blocks.rows(
        sheet,
        128,
        [
            ("Cho", f"{'Bà' if person.female else 'Ông'} {person.name}", "name"),
            ("Ngày sinh", f"{person.birth:%d/%m/%Y}", "birth_date"),
            ("Nơi sinh", person.birthplace, ""),
            ("Năm tốt nghiệp", str(person.birth.year + 22), ""),
            ("Xếp loại tốt nghiệp", invention.one_of(_GRADES), "grade"),
            ("Hình thức đào tạo", "Chính quy", ""),
        ],
        x=36,
        step=10.5,
        style=Style(12.5, modern),
    )
    blocks.signature(
        sheet,
        142,
        y + 10,
        "HIỆU TRƯỞNG",
        f"PGS.TS. {blocks.officer(invention)}",
        before=blocks.on_day(invention, person, 2002, 2024),
        stamp=_SCHOOL_STAMP,
    )
    sheet.write(24, 256, f"Số hiệu: MAU {invention.digits(7)}", Style(11, modern), field="serial")
    sheet.write(24, 264, f"Số vào sổ cấp bằng: {invention.digits(3)}/2014/CQ", Style(11, modern))


def school_diploma(sheet: Sheet, invention: Invention) -> None:
    person = invention.person(1985, 2006)
    sheet.waves((232, 240, 226))
    sheet.frame(8, 0.8, (70, 120, 70))
    blocks.nation(sheet, 26)
    sheet.lines(
        105,
        52,
        [("GIÁM ĐỐC", Style(14)), ("SỞ GIÁO DỤC VÀ ĐÀO TẠO THỬ NGHIỆM", Style(14, weight="Bold"))],
    )
    blocks.title(sheet, 76, "BẰNG TỐT NGHIỆP TRUNG HỌC PHỔ THÔNG", points=20, red=True)
    y = blocks.rows(
        sheet,
        98,
        [
            ("Cấp cho", person.name, "name"),
            ("Ngày, tháng, năm sinh", f"{person.birth:%d/%m/%Y}", "birth_date"),
            ("Nơi sinh", person.birthplace, ""),
            (("Giới tính", person.sex, "sex"), ("Dân tộc", person.ethnicity, "ethnicity")),
            ("Học sinh trường", "THPT Thử Nghiệm Số 2", ""),
            ("Khóa thi ngày", f"02/06/{person.birth.year + 18}", ""),
            ("Hội đồng thi", "Sở Giáo dục và Đào tạo Thử Nghiệm", ""),
        ],
        x=32,
        step=11,
        style=Style(14),
    )
    blocks.signature(
        sheet,
        142,
        y + 12,
        "GIÁM ĐỐC",
        blocks.officer(invention),
        before=blocks.on_day(invention, person, 2005, 2024),
        stamp=("SỞ GIÁO DỤC VÀ ĐÀO TẠO * THỬ NGHIỆM * ", "SỞ GD"),
    )
    sheet.write(28, 252, f"Số hiệu bằng: A {invention.digits(8)}", field="serial")


def school_report(sheet: Sheet, invention: Invention) -> None:
    """A page of the học bạ: marks of two terms and of the year."""
    person = invention.person(2005, 2009)
    sheet.write(20, 22, "Họ và tên:")
    sheet.write(42, 22, person.name, Style(weight="Bold"), field="name")
    sheet.write(120, 22, f"Lớp: 11A{invention.below(9) + 1}")
    sheet.write(150, 22, "Năm học: 2022 - 2023")
    rows = [("Môn học", "HK I", "HK II", "Cả năm", "Nhận xét của giáo viên")]
    for subject in _SUBJECTS:
        first, second = (5 + invention.below(50) / 10 for _ in range(2))
        year = (first + 2 * second) / 3
        marks = [f"{mark:.1f}".replace(".", ",") for mark in (first, second, year)]
        rows.append((subject, *marks, invention.one_of(("Có tiến bộ", "Cần cố gắng", "Tốt"))))
    y = sheet.table(18, 30, (62, 20, 20, 22, 50), rows, row=10, style=Style(12), fields="marks")
    y = blocks.rows(sheet, y + 10, [
        (("Kết quả học tập", invention.one_of(_GRADES), "grade"), ("Rèn luyện", "Tốt", "")),
        ("Số buổi nghỉ học cả năm", str(invention.below(9)), ""),
    ])  # fmt: skip
    sheet.paragraph(
        20,
        y,
        "Nhận xét của giáo viên chủ nhiệm: Chăm ngoan, lễ phép, có ý thức tập "
        "thể tốt, cần tích cực phát biểu xây dựng bài.",
        172,
    )
    blocks.signature(
        sheet,
        150,
        y + 26,
        "HIỆU TRƯỞNG",
        blocks.officer(invention),
        stamp=("TRƯỜNG THPT THỬ NGHIỆM SỐ 2 * ", "THPT"),
    )


def transcript(sheet: Sheet, invention: Invention) -> None:
    person, small = invention.person(1990, 2002), Style(11)
    blocks.letterhead(
        sheet,
        ("BỘ GIÁO DỤC VÀ ĐÀO TẠO", "TRƯỜNG ĐẠI HỌC THÍ DỤ"),
        f"{invention.digits(3)}/BĐ-ĐHTD",
        blocks.on_day(invention, person),
    )
    blocks.title(sheet, 58, "BẢNG ĐIỂM TOÀN KHÓA", points=16)
    blocks.rows(
        sheet,
        68,
        [
            (("Họ và tên", person.name, "name"), ("Mã sinh viên", invention.digits(8), "code")),
            (("Ngày sinh", f"{person.birth:%d/%m/%Y}", "birth_date"), ("Khóa", "2010-2014", "")),
        ],
        style=Style(12),
    )
    rows = [("TT", "Mã HP", "Tên học phần", "Số TC", "Hệ 10", "Hệ 4", "Điểm chữ")]
    for number, course in enumerate(_COURSES, 1):
        mark = 5.5 + invention.below(45) / 10
        letter, four = [("C", "2,0"), ("B", "3,0"), ("A", "4,0")][min(2, int((mark - 5.5) / 1.5))]
        rows.append(
            (
                str(number),
                f"QD{invention.digits(4)}",
                course,
                str(2 + invention.below(3)),
                f"{mark:.1f}".replace(".", ","),
                four,
                letter,
            )
        )
    y = sheet.table(
        18, 84, (11, 24, 70, 16, 18, 16, 20), rows, row=7.6, style=small, fields="marks"
    )
    blocks.rows(sheet, y + 9, [
        (("Số tín chỉ tích lũy", str(120 + invention.below(20)), ""),
         ("Điểm TB tích lũy", f"{2 + invention.below(200) / 100:.2f}".replace(".", ","), "mean")),
    ])  # fmt: skip
    blocks.signature(
        sheet, 150, y + 24, "TRƯỞNG PHÒNG ĐÀO TẠO", blocks.officer(invention), stamp=_SCHOOL_STAMP
    )


def language_certificate(sheet: Sheet, invention: Invention) -> None:
    """Each line in Vietnamese and, smaller, in English."""
    person = invention.person(1985, 2004)
    sheet.frame(10, 0.8, (52, 84, 140))
    blocks.nation(sheet, 26)
    sheet.lines(
        105,
        44,
        [
            ("SOCIALIST REPUBLIC OF VIET NAM", Style(10, weight="Italic")),
            ("Independence - Freedom - Happiness", Style(10, weight="Italic")),
        ],
    )
    blocks.title(
        sheet, 66, "CHỨNG CHỈ NGOẠI NGỮ", "CERTIFICATE OF LANGUAGE PROFICIENCY", points=20, red=True
    )
    entries = (
        ("Cấp cho", "This is to certify that", person.name, "name"),
        ("Ngày sinh", "Date of birth", f"{person.birth:%d/%m/%Y}", "birth_date"),
        ("Nơi sinh", "Place of birth", person.province, ""),
        ("Số định danh", "Identity number", person.number, "citizen_number"),
        ("Đã đạt trình độ", "Has attained level", f"Bậc {2 + invention.below(4)}/6", "level"),
        ("Ngày thi", "Date of examination", f"{invention.day(2018, 2024):%d/%m/%Y}", "exam_date"),
    )
    y = 94.0
    for vietnamese, english, value, field in entries:
        sheet.entry(30, y, vietnamese, value, field=field, style=Style(14))
        sheet.write(30, y + 5.2, english, Style(10.5, weight="Italic"))
        y += 14.5
    blocks.signature(
        sheet,
        142,
        y + 12,
        "HIỆU TRƯỞNG/RECTOR",
        blocks.officer(invention),
        before=blocks.on_day(invention, person, 2018, 2024),
        stamp=_SCHOOL_STAMP,
    )
    sheet.write(30, 250, f"Số vào sổ/Reg. No: {invention.digits(5)}/CCNN", field="serial")
