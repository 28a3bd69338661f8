"""What citizens bring along: applications, powers of attorney, minutes, lists."""

from __future__ import annotations

from tests.bench.papers import blocks
from tests.bench.papers.people import Invention
from tests.bench.papers.sheet import BOLD, ITALIC, Sheet, Style


def application(sheet: Sheet, invention: Invention) -> None:
    """A filled-in request for an extract."""
    person = invention.person(1960, 2004)
    blocks.nation(sheet)
    blocks.title(sheet, 48, "TỜ KHAI", "CẤP BẢN SAO TRÍCH LỤC HỘ TỊCH")
    sheet.write(105, 66, f"Kính gửi: Ủy ban nhân dân {person.birthplace}", align="m")
    filled = Style(13, "sans", "Italic", (40, 56, 130))
    entries = (
        ("Họ, chữ đệm, tên người yêu cầu", person.name, "name"),
        ("Ngày, tháng, năm sinh", f"{person.birth:%d/%m/%Y}", "birth_date"),
        ("Số định danh cá nhân", person.number, "citizen_number"),
        ("Nơi cư trú", person.residence, "residence"),
        ("Quan hệ với người được cấp bản sao", "Bản thân", ""),
        ("Loại việc hộ tịch đã đăng ký", "Khai sinh", "kind"),
        ("Đã đăng ký tại", f"UBND {person.birthplace}", ""),
        ("Số bản sao đề nghị cấp", f"{1 + invention.below(8):02} bản", "copies"),
    )
    y = 82.0
    for label, value, field in entries:
        sheet.entry(22, y, label, value, field=field, value_style=filled)
        y += 10.5
    y = sheet.paragraph(
        20,
        y,
        "Tôi cam đoan những nội dung khai trên đây là đúng sự thật và chịu "
        "trách nhiệm trước pháp luật về cam đoan của mình.",
        170,
    )
    blocks.signature(
        sheet,
        145,
        y + 16,
        "NGƯỜI YÊU CẦU",
        person.name,
        before=blocks.on_day(invention, person, 2024, 2025),
    )


def authorisation(sheet: Sheet, invention: Invention) -> None:
    giver, taker = invention.person(1945, 1990), invention.person(1960, 2002)
    blocks.nation(sheet)
    blocks.title(sheet, 50, "GIẤY ỦY QUYỀN", points=18)
    y = 62.0
    for heading, person, who in (
        ("I. BÊN ỦY QUYỀN (BÊN A)", giver, "giver"),
        ("II. BÊN ĐƯỢC ỦY QUYỀN (BÊN B)", taker, "taker"),
    ):
        sheet.write(22, y, heading, BOLD)
        y = blocks.rows(
            sheet,
            y + 9,
            [
                ("Họ và tên", person.name, f"{who}.name"),
                (("Ngày sinh", f"{person.birth:%d/%m/%Y}", f"{who}.birth_date"),
                 ("Giới tính", person.sex, "")),
                ("Số định danh cá nhân", person.number, f"{who}.citizen_number"),
                ("Nơi cư trú", person.residence, ""),
            ],
        )  # fmt: skip
        y += 3
    sheet.write(22, y, "III. NỘI DUNG ỦY QUYỀN", BOLD)
    y = sheet.paragraph(
        20,
        y + 8,
        "Bên A ủy quyền cho Bên B thay mặt Bên A nộp hồ sơ, ký các giấy "
        "tờ cần thiết và nhận kết quả giải quyết thủ tục đăng ký khai tử tại Trung "
        "tâm Phục vụ hành chính công.",
        170,
    )
    y = sheet.paragraph(
        20,
        y,
        "Thời hạn ủy quyền: 06 tháng kể từ ngày ký. Bên B không được ủy quyền lại cho người khác.",
        170,
    )
    blocks.signature(sheet, 55, y + 12, "BÊN ỦY QUYỀN", giver.name)
    blocks.signature(sheet, 150, y + 12, "BÊN ĐƯỢC ỦY QUYỀN", taker.name)


def poor_household(sheet: Sheet, invention: Invention) -> None:
    person = invention.person(1945, 1990)
    blocks.letterhead(
        sheet,
        blocks.agency(person),
        f"{invention.digits(3)}/GCN-HN",
        blocks.on_day(invention, person, 2022, 2025),
    )
    blocks.title(sheet, 60, "GIẤY CHỨNG NHẬN", "HỘ NGHÈO, HỘ CẬN NGHÈO")
    y = blocks.rows(sheet, 80, [
        ("Họ và tên chủ hộ", person.name, "name"),
        (("Giới tính", person.sex, "sex"), ("Dân tộc", person.ethnicity, "ethnicity")),
        ("Số định danh cá nhân", person.number, "citizen_number"),
        ("Nơi cư trú", person.residence, "residence"),
        ("Là", invention.one_of(("Hộ nghèo", "Hộ cận nghèo")), "kind"),
    ])  # fmt: skip
    rows = [("TT", "Họ và tên", "Quan hệ với chủ hộ", "Năm sinh")]
    for number, kin in enumerate(("Vợ/chồng", "Con đẻ", "Cháu nội"), 1):
        member = invention.person(1950, 2020)
        rows.append((str(number), member.name, kin, str(member.birth.year)))
    y = sheet.table(22, y + 2, (14, 66, 54, 32), rows, row=9, style=Style(12), fields="kin")
    blocks.signature(
        sheet, 145, y + 16, "CHỦ TỊCH", blocks.officer(invention), stamp=blocks.committee(person)
    )


def minutes(sheet: Sheet, invention: Invention) -> None:
    person, other = invention.person(), invention.person()
    blocks.nation(sheet)
    number = f"{invention.below(90) + 1}/BB-HG"
    sheet.write(105, 42, f"Số: {number}", Style(12), align="m", field="number")
    y = blocks.title(sheet, 54, "BIÊN BẢN", "Hòa giải tranh chấp ranh giới thửa đất")
    for text in (
        f"Hôm nay, ngày {invention.day(2022, 2025):%d/%m/%Y}, tại trụ sở Ủy ban nhân dân "
        f"{person.commune}, chúng tôi gồm có:",
        f"1. Ông/bà {blocks.officer(invention)} - Phó Chủ tịch Ủy ban nhân dân, chủ trì;",
        f"2. Ông/bà {blocks.officer(invention)} - Công chức địa chính, thư ký;",
        f"3. Ông/bà {person.name}, nơi cư trú: {person.residence};",
        f"4. Ông/bà {other.name}, nơi cư trú: {other.residence}.",
        "Nội dung: Hai gia đình sử dụng hai thửa đất liền kề, ranh giới cũ là bờ rào dâm bụt đã "
        "phá bỏ khi làm đường. Qua đo đạc lại, phần chênh lệch là "
        f"{invention.below(30) + 2},{invention.below(10)} m² so với bản đồ năm 1998.",
        "Sau khi nghe phân tích, hai bên thống nhất: lấy đường nối hai cọc mốc số 3 và số 4 làm "
        "ranh giới; mỗi bên tự tháo dỡ công trình lấn sang trong thời hạn ba mươi ngày; không bên "
        "nào yêu cầu bồi thường.",
        "Biên bản được lập thành ba bản có giá trị như nhau, đã đọc lại cho mọi người cùng nghe và "
        "nhất trí ký tên dưới đây./.",
    ):
        y = sheet.paragraph(20, y + 8, text, 170) - 5
    blocks.signature(sheet, 45, y + 18, "NGƯỜI GHI BIÊN BẢN", blocks.officer(invention))
    blocks.signature(
        sheet, 150, y + 18, "CHỦ TRÌ", blocks.officer(invention), stamp=blocks.committee(person)
    )


def household_list(sheet: Sheet, invention: Invention) -> None:
    """A table that fills the page."""
    office, small = invention.person(), Style(10.5)
    blocks.letterhead(
        sheet,
        blocks.agency(office),
        f"{invention.digits(2)}/DS-UBND",
        blocks.on_day(invention, office, 2024, 2025),
    )
    blocks.title(sheet, 58, "DANH SÁCH", "Người cao tuổi được chúc thọ, mừng thọ năm 2025")
    rows = [("STT", "Họ và tên", "Ngày sinh", "Nơi cư trú", "Mức quà")]
    for number in range(1, 19):
        person = invention.person(1925, 1955)
        gift = f"{300 + 100 * invention.below(8)}.000"
        rows.append((str(number), person.name, f"{person.birth:%d/%m/%Y}", person.hamlet, gift))
    y = sheet.table(16, 74, (14, 58, 32, 48, 26), rows, row=8.4, style=small, fields="list")
    sheet.write(20, y + 8, f"(Danh sách này gồm có {len(rows) - 1} người)", ITALIC)
    blocks.signature(sheet, 150, y + 14, "CHỦ TỊCH", blocks.officer(invention))


def bilingual_birth(sheet: Sheet, invention: Invention) -> None:
    """A notarised translation: Vietnamese and English side by side."""
    person = invention.person(1980, 2015)
    blocks.nation(sheet)
    sheet.lines(
        105,
        40,
        [
            ("SOCIALIST REPUBLIC OF VIETNAM", Style(11)),
            ("Independence - Freedom - Happiness", Style(11, weight="Italic")),
        ],
    )
    blocks.title(sheet, 60, "BẢN DỊCH / TRANSLATION", "GIẤY KHAI SINH / BIRTH CERTIFICATE")
    day = person.birth
    rows = [
        ("Nội dung / Item", "Tiếng Việt", "English"),
        ("Họ và tên / Full name", person.name, person.name),
        ("Ngày sinh / Date of birth", f"{day:%d/%m/%Y}", f"{day:%d %B %Y}"),
        ("Giới tính / Sex", person.sex, "Female" if person.female else "Male"),
        ("Dân tộc / Ethnicity", person.ethnicity, person.ethnicity),
        ("Quốc tịch / Nationality", "Việt Nam", "Vietnamese"),
        ("Nơi sinh / Place of birth", person.province, person.province),
        ("Số định danh / Identity No.", person.number, person.number),
    ]
    y = sheet.table(16, 78, (62, 58, 58), rows, row=11, style=Style(12), fields="item")
    y = sheet.paragraph(
        20,
        y + 12,
        f"Tôi, {blocks.officer(invention)}, người dịch, cam đoan dịch "
        "chính xác nội dung của giấy tờ đính kèm từ tiếng Việt sang tiếng Anh.",
        170,
    )
    y = sheet.paragraph(
        20,
        y,
        "I hereby certify that I have translated the attached document "
        "accurately from Vietnamese into English.",
        170,
        ITALIC,
    )
    blocks.signature(
        sheet,
        145,
        y + 14,
        "NGƯỜI DỊCH / TRANSLATOR",
        blocks.officer(invention),
        stamp=("PHÒNG CÔNG CHỨNG SỐ 9 * THỬ NGHIỆM * ", "SỐ 9"),
    )
