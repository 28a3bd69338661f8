"""Offices: land, business, decisions, letters, notices."""

from __future__ import annotations

from tests.bench.papers import blocks
from tests.bench.papers.people import Invention
from tests.bench.papers.sheet import BOLD, ITALIC, RED, Sheet, Style

_AREAS = ("Đất ở tại nông thôn", "Đất trồng cây lâu năm", "Đất trồng lúa nước")
_TRADES = ("Bán lẻ lương thực, thực phẩm", "Sửa chữa xe máy", "Dịch vụ ăn uống", "May mặc")
_LAND_STAMP = ("SỞ NÔNG NGHIỆP VÀ MÔI TRƯỜNG * THỬ NGHIỆM * ", "SỞ NN&MT")


def _money(amount: int) -> str:
    return f"{amount:,}".replace(",", ".") + " đồng"


def land_certificate(sheet: Sheet, invention: Invention) -> None:
    """The first page of the pink book."""
    person = invention.person(1950, 1995)
    sheet.frame(9, 1.0, (196, 90, 110))
    sheet.waves((248, 226, 226))
    blocks.nation(sheet, 30)
    sheet.lines(
        105,
        62,
        [
            ("GIẤY CHỨNG NHẬN", Style(24, weight="Bold", ink=RED)),
            ("QUYỀN SỬ DỤNG ĐẤT", Style(18, weight="Bold", ink=RED)),
            ("QUYỀN SỞ HỮU TÀI SẢN GẮN LIỀN VỚI ĐẤT", Style(15, weight="Bold", ink=RED)),
        ],
    )
    sheet.write(24, 104, "1. Người sử dụng đất, chủ sở hữu tài sản gắn liền với đất:", BOLD)
    y = blocks.rows(
        sheet,
        114,
        [
            (f"{'Bà' if person.female else 'Ông'}", person.name, "name"),
            ("Số định danh cá nhân", person.number, "citizen_number"),
            ("Năm sinh", str(person.birth.year), ""),
            ("Địa chỉ thường trú", person.residence, "residence"),
        ],
        x=30,
        step=10,
    )
    sheet.write(24, y + 2, "2. Thông tin thửa đất:", BOLD)
    blocks.rows(
        sheet,
        y + 12,
        [
            (("Thửa đất số", str(invention.below(900) + 1), "parcel"),
             ("Tờ bản đồ số", str(invention.below(90) + 1), "map_sheet")),
            ("Diện tích", f"{invention.below(900) + 60},{invention.below(9)} m²", "area"),
            ("Địa chỉ", person.residence, ""),
        ],
        x=30,
        step=10,
    )  # fmt: skip
    blocks.signature(
        sheet,
        145,
        222,
        "GIÁM ĐỐC",
        blocks.officer(invention),
        before=blocks.on_day(invention, person),
        stamp=_LAND_STAMP,
    )
    sheet.write(
        24, 268, f"CS {invention.digits(6)}", Style(14, weight="Bold", ink=RED), field="serial"
    )


def land_plot(sheet: Sheet, invention: Invention) -> None:
    """The inner page: uses of the land in a table, changes below."""
    blocks.title(sheet, 26, "II. THÔNG TIN CHI TIẾT VỀ THỬA ĐẤT", points=14)
    rows = [("Loại đất", "Diện tích (m²)", "Hình thức", "Thời hạn", "Nguồn gốc")]
    for area in _AREAS:
        size = f"{invention.below(800) + 50},{invention.below(10)}"
        term = invention.one_of(("Lâu dài", "15/10/2043", "01/07/2064"))
        rows.append((area, size, "Riêng", term, "CNQSDĐ"))
    y = sheet.table(18, 34, (52, 30, 24, 32, 36), rows, row=10, style=Style(11.5), fields="land")
    blocks.title(sheet, y + 14, "III. TỌA ĐỘ CÁC ĐỈNH THỬA ĐẤT", points=13)
    corners = [("Đỉnh", "X (m)", "Y (m)", "Cạnh (m)")]
    corners += [
        (
            str(corner),
            f"23{invention.digits(5)},{invention.digits(2)}",
            f"58{invention.digits(4)},{invention.digits(2)}",
            f"{invention.below(40) + 2},{invention.digits(2)}",
        )
        for corner in range(1, 9)
    ]
    y = sheet.table(30, y + 20, (20, 48, 48, 34), corners, row=8, style=Style(12), fields="corners")
    sheet.write(20, y + 12, "IV. Những thay đổi sau khi cấp Giấy chứng nhận", BOLD)
    y = sheet.paragraph(
        20,
        y + 20,
        f"Ngày {invention.day(2015, 2024):%d/%m/%Y}: Chuyển nhượng cho "
        f"ông/bà {blocks.officer(invention)} theo hồ sơ số {invention.digits(6)}."
        f"CN.{invention.digits(3)}; đã xóa thế chấp ngày "
        f"{invention.day(2015, 2024):%d/%m/%Y}.",
        170,
    )
    blocks.signature(
        sheet,
        145,
        y + 12,
        "CHI NHÁNH VĂN PHÒNG ĐĂNG KÝ ĐẤT ĐAI",
        blocks.officer(invention),
        stamp=_LAND_STAMP,
    )


def business_licence(sheet: Sheet, invention: Invention) -> None:
    owner = invention.person(1960, 1998)
    blocks.letterhead(
        sheet,
        ("SỞ TÀI CHÍNH THỬ NGHIỆM", "PHÒNG ĐĂNG KÝ KINH DOANH"),
        f"{invention.digits(4)}/ĐKKD",
        blocks.on_day(invention, owner),
    )
    code = f"0{invention.digits(9)}"
    blocks.title(
        sheet,
        60,
        "GIẤY CHỨNG NHẬN ĐĂNG KÝ DOANH NGHIỆP",
        "CÔNG TY TRÁCH NHIỆM HỮU HẠN MỘT THÀNH VIÊN",
        points=16,
    )
    sheet.write(105, 76, f"Mã số doanh nghiệp: {code}", BOLD, align="m", field="tax_code")
    entries = (
        ("1. Tên công ty", f"CÔNG TY TNHH {owner.name.split()[-1].upper()} THÍ DỤ", "company"),
        ("2. Địa chỉ trụ sở chính", owner.residence, "address"),
        ("3. Điện thoại", "0900 000 000", ""),
        ("4. Vốn điều lệ", _money((invention.below(90) + 10) * 100_000_000), "capital"),
        ("5. Chủ sở hữu", owner.name.upper(), "name"),
        ("Số định danh cá nhân", owner.number, "citizen_number"),
        ("Ngày sinh", f"{owner.birth:%d/%m/%Y}", "birth_date"),
        ("Địa chỉ liên lạc", owner.residence, ""),
        ("6. Người đại diện theo pháp luật", owner.name, ""),
        ("Chức danh", "Giám đốc", ""),
    )
    y = blocks.rows(sheet, 92, entries, step=9.6)
    blocks.signature(
        sheet,
        145,
        y + 12,
        "TRƯỞNG PHÒNG",
        blocks.officer(invention),
        stamp=("PHÒNG ĐĂNG KÝ KINH DOANH * THỬ NGHIỆM * ", "ĐKKD"),
    )


def household_business(sheet: Sheet, invention: Invention) -> None:
    owner = invention.person(1960, 2000)
    blocks.letterhead(
        sheet,
        (*blocks.agency(owner), "PHÒNG KINH TẾ"),
        f"{invention.digits(3)}/HKD",
        blocks.on_day(invention, owner),
    )
    blocks.title(sheet, 62, "GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH", points=16)
    y = blocks.rows(
        sheet,
        80,
        [
            ("Tên hộ kinh doanh", f"Cửa hàng {owner.name.split()[-1]} Mẫu", "company"),
            ("Mã số hộ kinh doanh", f"{invention.digits(10)}-001", "tax_code"),
            ("Trụ sở", owner.residence, "address"),
            ("Ngành, nghề kinh doanh", invention.one_of(_TRADES), "trade"),
            ("Vốn kinh doanh", _money((invention.below(50) + 5) * 10_000_000), "capital"),
            ("Chủ hộ kinh doanh", owner.name, "name"),
            (("Ngày sinh", f"{owner.birth:%d/%m/%Y}", "birth_date"), ("Giới tính", owner.sex, "")),
            ("Số định danh cá nhân", owner.number, "citizen_number"),
        ],
        step=10.5,
    )
    blocks.signature(
        sheet, 145, y + 14, "TRƯỞNG PHÒNG", blocks.officer(invention), stamp=blocks.committee(owner)
    )


def decision(sheet: Sheet, invention: Invention) -> None:
    person = invention.person(1955, 1995)
    blocks.letterhead(
        sheet,
        blocks.agency(person),
        f"{invention.below(900) + 1}/QĐ-UBND",
        blocks.on_day(invention, person),
    )
    y = blocks.title(sheet, 58, "QUYẾT ĐỊNH", "Về việc trợ cấp xã hội hằng tháng tại cộng đồng")
    sheet.write(105, y + 9, f"CHỦ TỊCH ỦY BAN NHÂN DÂN {person.commune.upper()}", BOLD, align="m")
    y += 9
    for text in (
        "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;",
        "Căn cứ Nghị định số 20/2021/NĐ-CP ngày 15 tháng 3 năm 2021 của Chính phủ quy định chính "
        "sách trợ giúp xã hội đối với đối tượng bảo trợ xã hội;",
        "Theo đề nghị của Trưởng phòng Văn hóa - Xã hội.",
    ):
        y = sheet.paragraph(20, y + 9, text, 170, ITALIC) - 6
    sheet.write(105, y + 14, "QUYẾT ĐỊNH:", Style(14, weight="Bold"), align="m")
    y += 16
    for text in (
        f"Điều 1. Trợ cấp xã hội hằng tháng đối với ông/bà {person.name}, sinh ngày "
        f"{person.birth:%d/%m/%Y}, nơi cư trú: {person.residence}; mức trợ cấp "
        f"{_money((invention.below(9) + 4) * 125_000)}, kể từ ngày "
        f"{invention.day(2020, 2024):%d/%m/%Y}.",
        "Điều 2. Quyết định này có hiệu lực kể từ ngày ký.",
        "Điều 3. Chánh Văn phòng, Trưởng phòng Văn hóa - Xã hội và ông/bà có tên tại Điều 1 chịu "
        "trách nhiệm thi hành Quyết định này./.",
    ):
        y = sheet.paragraph(20, y + 9, text, 170) - 6
    sheet.write(22, y + 20, "Nơi nhận:", Style(12, weight="BoldItalic"))
    for number, text in enumerate(("- Như Điều 3;", "- Kho bạc Nhà nước;", "- Lưu: VT, VHXH.")):
        sheet.write(22, y + 25 + 5 * number, text, Style(11))
    blocks.signature(
        sheet, 145, y + 20, "CHỦ TỊCH", blocks.officer(invention), stamp=blocks.committee(person)
    )


def official_letter(sheet: Sheet, invention: Invention) -> None:
    person = invention.person()
    blocks.letterhead(
        sheet,
        blocks.agency(person),
        f"{invention.below(900) + 1}/UBND-TP",
        blocks.on_day(invention, person),
    )
    sheet.lines(
        58, 49, [("V/v xác minh thông tin hộ tịch", Style(12)), ("của công dân", Style(12))]
    )
    sheet.write(
        105, 66, f"Kính gửi: Ủy ban nhân dân {invention.person().birthplace}", Style(14), align="m"
    )
    y = 70.0
    for text in (
        f"Ủy ban nhân dân {person.commune} tiếp nhận hồ sơ của ông/bà {person.name}, sinh ngày "
        f"{person.birth:%d/%m/%Y}, số định danh cá nhân {person.number}, đề nghị cấp bản sao trích "
        "lục hộ tịch đối với việc đăng ký trước ngày 01 tháng 01 năm 2016.",
        "Qua tra cứu, thông tin nêu trên chưa có trong Cơ sở dữ liệu hộ tịch điện tử. Để có căn cứ "
        "giải quyết, đề nghị quý cơ quan kiểm tra sổ hộ tịch đang lưu giữ và cung cấp: số, quyển "
        "số, ngày đăng ký; họ, chữ đệm, tên cha, mẹ; các ghi chú về thay đổi, cải chính.",
        f"Kết quả xin gửi về trước ngày {invention.day(2025, 2026):%d/%m/%Y}. Mọi vướng mắc xin "
        "liên hệ công chức tư pháp - hộ tịch, điện thoại 0900 000 000.",
        "Rất mong nhận được sự phối hợp của quý cơ quan./.",
    ):
        y = sheet.paragraph(20, y + 10, text, 170, Style(14)) - 5
    sheet.write(22, y + 20, "Nơi nhận:", Style(12, weight="BoldItalic"))
    for number, text in enumerate(("- Như trên;", "- Lưu: VT, TP.")):
        sheet.write(22, y + 25 + 5 * number, text, Style(11))
    blocks.signature(
        sheet,
        145,
        y + 20,
        "KT. CHỦ TỊCH",
        blocks.officer(invention),
        stamp=blocks.committee(person),
    )


def invitation(sheet: Sheet, invention: Invention) -> None:
    person, day = invention.person(), invention.day(2025, 2026)
    blocks.letterhead(
        sheet,
        blocks.agency(person),
        f"{invention.below(300) + 1}/GM-UBND",
        blocks.on_day(invention, person, 2025, 2025),
    )
    blocks.title(sheet, 62, "GIẤY MỜI", points=18)
    y = blocks.rows(
        sheet,
        80,
        [
            ("Kính mời", person.name, "name"),
            ("Địa chỉ", person.residence, ""),
            ("Đến dự", "Hội nghị đối thoại về bồi thường, hỗ trợ, tái định cư", ""),
            ("Thời gian", f"{7 + invention.below(9)} giờ 30 phút, ngày {day:%d/%m/%Y}", "when"),
            ("Địa điểm", f"Nhà văn hóa {person.hamlet}", ""),
            ("Chủ trì", blocks.officer(invention), ""),
        ],
        step=11,
        style=Style(14),
    )
    y = sheet.paragraph(
        20,
        y,
        "Khi đi đề nghị ông/bà mang theo giấy mời, thẻ căn cước và bản sao "
        "giấy chứng nhận quyền sử dụng đất (nếu có).",
        170,
        Style(14),
    )
    blocks.signature(
        sheet,
        145,
        y + 16,
        "TL. CHỦ TỊCH",
        blocks.officer(invention),
        stamp=blocks.committee(person),
    )


def tax_notice(sheet: Sheet, invention: Invention) -> None:
    person = invention.person(1950, 1998)
    blocks.letterhead(
        sheet,
        ("CỤC THUẾ", "THUẾ CƠ SỞ 9 THỬ NGHIỆM"),
        f"{invention.digits(5)}/TB",
        blocks.on_day(invention, person, 2023, 2025),
    )
    blocks.title(sheet, 58, "THÔNG BÁO NỘP THUẾ", "Thuế sử dụng đất phi nông nghiệp năm 2025")
    y = blocks.rows(
        sheet,
        78,
        [
            ("Tên người nộp thuế", person.name, "name"),
            ("Mã số thuế", person.number, "tax_code"),
            ("Địa chỉ nhận thông báo", person.residence, ""),
        ],
    )
    rows, total = [("STT", "Chỉ tiêu", "Diện tích", "Đơn giá (đ)", "Số tiền (đ)")], 0
    for number, item in enumerate(("Đất ở trong hạn mức", "Đất ở vượt hạn mức", "Đất kinh doanh")):
        size, price = 20 + invention.below(200), 500 * (1 + invention.below(9))
        total += size * price
        rows.append(
            (str(number + 1), item, f"{size} m²", _money(price)[:-5], _money(size * price)[:-5])
        )
    rows.append(("", "Tổng cộng", "", "", _money(total)[:-5]))
    y = sheet.table(18, y, (14, 60, 28, 34, 38), rows, row=9, style=Style(12), fields="tax")
    y = blocks.rows(
        sheet,
        y + 10,
        [("Hạn nộp", "31/10/2025", "due"), ("Số tiền phải nộp", _money(total), "total")],
    )
    sheet.paragraph(
        20,
        y,
        "Quá thời hạn nêu trên, người nộp thuế phải nộp tiền chậm nộp 0,03% mỗi "
        "ngày theo quy định của Luật Quản lý thuế.",
        170,
    )
    blocks.signature(
        sheet,
        145,
        y + 24,
        "TRƯỞNG THUẾ CƠ SỞ",
        blocks.officer(invention),
        stamp=("CỤC THUẾ * THUẾ CƠ SỞ 9 * ", "THUẾ"),
    )


def residence_confirmation(sheet: Sheet, invention: Invention) -> None:
    """Form CT07 with the table of the household."""
    person, small = invention.person(1955, 1998), Style(10.5)
    blocks.letterhead(
        sheet,
        ("CÔNG AN THỬ NGHIỆM", f"CÔNG AN {person.commune.upper()}"),
        f"{invention.digits(4)}/XN",
        blocks.on_day(invention, person, 2022, 2025),
    )
    sheet.write(178, 52, "Mẫu CT07", Style(10, weight="Italic"), align="m")
    blocks.title(sheet, 62, "XÁC NHẬN THÔNG TIN VỀ CƯ TRÚ", points=16)
    y = blocks.rows(
        sheet,
        78,
        [
            ("1. Họ, chữ đệm và tên", person.name.upper(), "name"),
            (("2. Ngày sinh", f"{person.birth:%d/%m/%Y}", "birth_date"),
             ("3. Giới tính", person.sex, "sex")),
            ("4. Số định danh cá nhân", person.number, "citizen_number"),
            ("5. Nơi thường trú", person.residence, "residence"),
            ("6. Nơi tạm trú", "Không", ""),
        ],
    )  # fmt: skip
    sheet.write(22, y, "7. Thông tin các thành viên trong hộ:")
    rows = [("TT", "Họ và tên", "Ngày sinh", "Giới", "Số định danh", "Quan hệ")]
    for number, kin in enumerate(("Vợ/chồng", "Con đẻ", "Con đẻ", "Mẹ đẻ"), 1):
        member = invention.person(1940, 2018)
        rows.append(
            (str(number), member.name, f"{member.birth:%d/%m/%Y}", member.sex, member.number, kin)
        )
    y = sheet.table(16, y + 4, (11, 54, 29, 14, 38, 32), rows, row=9, style=small, fields="kin")
    y = sheet.paragraph(
        20, y + 8, "Xác nhận này có giá trị đến hết ngày 31 tháng 12 năm 2025.", 170
    )
    blocks.signature(
        sheet,
        145,
        y + 10,
        "TRƯỞNG CÔNG AN",
        blocks.officer(invention),
        stamp=("CÔNG AN THỬ NGHIỆM * ", "CÔNG AN"),
    )
