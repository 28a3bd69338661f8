"""Civil status: births, marriages, deaths, who is married (forms of circular 04/2024)."""

from __future__ import annotations

from tests.bench.papers import blocks
from tests.bench.papers.people import Invention, Person
from tests.bench.papers.sheet import ITALIC, Sheet, Style


def _born(person: Person) -> blocks.Row:
    return ("Ngày, tháng, năm sinh", f"{person.birth:%d/%m/%Y}", "birth_date")


def _self(person: Person) -> list[blocks.Row | tuple[blocks.Row, blocks.Row]]:
    return [
        ("Họ, chữ đệm, tên", person.name.upper(), "name"),
        (_born(person), ("Giới tính", person.sex, "sex")),
        (("Dân tộc", person.ethnicity, "ethnicity"), ("Quốc tịch", "Việt Nam", "")),
    ]


def _parent(person: Person, which: str) -> list[blocks.Row | tuple[blocks.Row, blocks.Row]]:
    return [
        (f"Họ, chữ đệm, tên người {which}", person.name, ""),
        (("Năm sinh", str(person.birth.year), ""), ("Dân tộc", person.ethnicity, "")),
        ("Nơi cư trú", person.residence, ""),
    ]


def _in_words(person: Person) -> str:
    day = person.birth
    return f"ngày {day.day} tháng {day.month} năm {day.year}"


def birth_certificate(sheet: Sheet, invention: Invention) -> None:
    child = invention.person(1988, 2022)
    mother, father = (invention.person(1955, 1970, female=woman) for woman in (True, False))
    sheet.frame(9, 0.5, (160, 60, 66))
    blocks.nation(sheet)
    blocks.title(sheet, 52, "GIẤY KHAI SINH", points=22, red=True)
    sheet.write(150, 62, f"Số: {invention.below(300) + 1}/{child.birth.year}", field="number")
    y = blocks.rows(sheet, 74, _self(child))
    y = blocks.rows(
        sheet,
        y,
        [
            ("Ngày, tháng, năm sinh ghi bằng chữ", _in_words(child), ""),
            ("Nơi sinh", child.birthplace, "birthplace"),
            ("Quê quán", child.residence, ""),
            ("Số định danh cá nhân", child.number, "citizen_number"),
            *_parent(mother, "mẹ"),
            *_parent(father, "cha"),
            ("Nơi đăng ký khai sinh", f"UBND {child.birthplace}", ""),
        ],
    )
    blocks.signature(
        sheet,
        145,
        y + 8,
        "CHỦ TỊCH",
        blocks.officer(invention),
        before=blocks.on_day(invention, child),
        stamp=blocks.committee(child),
    )


def birth_extract(sheet: Sheet, invention: Invention) -> None:
    child, office = invention.person(1970, 2015), invention.person()
    blocks.letterhead(
        sheet,
        blocks.agency(office),
        f"{invention.below(900) + 1}/TLKS-BS",
        blocks.on_day(invention, office),
    )
    blocks.title(sheet, 62, "TRÍCH LỤC KHAI SINH", "(Bản sao)", points=18)
    y = blocks.rows(sheet, 82, _self(child), step=9.5)
    mother, father = (invention.person(1940, 1952, female=woman) for woman in (True, False))
    y = blocks.rows(
        sheet,
        y,
        [
            ("Nơi sinh", child.birthplace, "birthplace"),
            ("Số định danh cá nhân", child.number, "citizen_number"),
            *_parent(mother, "mẹ"),
            *_parent(father, "cha"),
            ("Đăng ký khai sinh tại", f"UBND {child.birthplace}", ""),
        ],
        step=9.5,
    )
    blocks.signature(
        sheet,
        145,
        y + 12,
        "CÔNG CHỨC TƯ PHÁP - HỘ TỊCH",
        blocks.officer(invention),
        stamp=blocks.committee(office),
    )


def marriage_certificate(sheet: Sheet, invention: Invention) -> None:
    wife, husband = (invention.person(1975, 2000, female=woman) for woman in (True, False))
    sheet.frame(9, 0.6, (176, 110, 60))
    blocks.nation(sheet)
    blocks.title(sheet, 52, "GIẤY CHỨNG NHẬN KẾT HÔN", points=20, red=True)
    sheet.write(
        150, 62, f"Số: {invention.below(90) + 1}/{invention.below(20) + 2005}", field="number"
    )
    y = 76.0
    for who, person in (("vợ", wife), ("chồng", husband)):
        y = blocks.rows(
            sheet,
            y,
            [
                (f"Họ, chữ đệm, tên {who}", person.name.upper(), f"{who}.name"),
                ((*_born(person)[:2], f"{who}.birth_date"), ("Dân tộc", person.ethnicity, "")),
                ("Quốc tịch", "Việt Nam", ""),
                ("Nơi cư trú", person.residence, ""),
                ("Giấy tờ tùy thân", f"Căn cước công dân số {person.number}", ""),
            ],
        )
        y += 4
    blocks.rows(sheet, y, [("Nơi đăng ký kết hôn", f"UBND {wife.birthplace}", "")])
    blocks.signature(sheet, 42, 210, "VỢ", wife.name)
    blocks.signature(sheet, 94, 210, "CHỒNG", husband.name)
    blocks.signature(
        sheet,
        158,
        204,
        "CHỦ TỊCH",
        blocks.officer(invention),
        before=blocks.on_day(invention, wife),
        stamp=blocks.committee(wife),
    )


def marital_status(sheet: Sheet, invention: Invention) -> None:
    person, office = invention.person(1970, 2003), invention.person()
    blocks.letterhead(
        sheet,
        blocks.agency(office),
        f"{invention.below(400) + 1}/UBND-XNTTHN",
        blocks.on_day(invention, office),
    )
    blocks.title(sheet, 62, "GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN", points=16)
    y = sheet.paragraph(
        20,
        76,
        f"Xét đề nghị của ông/bà {blocks.officer(invention)}, về việc cấp Giấy xác nhận "
        f"tình trạng hôn nhân cho ông/bà {person.name},",
        170,
    )
    sheet.write(105, y + 3, "XÁC NHẬN:", Style(14, weight="Bold"), align="m")
    y = blocks.rows(
        sheet,
        y + 14,
        [
            *_self(person),
            ("Số định danh cá nhân", person.number, "citizen_number"),
            ("Nơi cư trú", person.residence, "residence"),
        ],
    )
    y = sheet.paragraph(
        20,
        y,
        "Tình trạng hôn nhân: Tính đến thời điểm hiện tại, chưa đăng ký kết "
        "hôn với ai trong Cơ sở dữ liệu hộ tịch điện tử.",
        170,
    )
    y = sheet.paragraph(
        20,
        y,
        "Giấy này được cấp để sử dụng vào mục đích: kết hôn với công dân "
        "Việt Nam, có giá trị trong thời hạn 6 tháng kể từ ngày cấp.",
        170,
    )
    blocks.signature(
        sheet, 145, y + 14, "CHỦ TỊCH", blocks.officer(invention), stamp=blocks.committee(office)
    )


def death_extract(sheet: Sheet, invention: Invention) -> None:
    person, office = invention.person(1925, 1955), invention.person()
    died = invention.day(2015, 2024)
    blocks.letterhead(
        sheet,
        blocks.agency(office),
        f"{invention.below(200) + 1}/TLKT-BS",
        blocks.on_day(invention, office),
    )
    blocks.title(sheet, 62, "TRÍCH LỤC KHAI TỬ", "(Bản sao)", points=18)
    y = blocks.rows(
        sheet,
        84,
        [
            *_self(person),
            ("Số định danh cá nhân", person.number, "citizen_number"),
            ("Nơi cư trú cuối cùng", person.residence, ""),
            (
                "Đã chết vào lúc",
                f"{invention.below(24):02} giờ {invention.below(60):02} phút, ngày {died:%d/%m/%Y}",
                "death_date",
            ),
            ("Nơi chết", f"Tại nhà riêng, {person.residence}", ""),
            ("Nguyên nhân chết", "Tuổi cao, suy tim", ""),
            ("Giấy báo tử số", f"{invention.below(90) + 1}/GBT cấp ngày {died:%d/%m/%Y}", ""),
        ],
        step=10,
    )
    sheet.write(22, y, "Ghi chú: Đã khóa thẻ căn cước của người chết.", ITALIC)
    blocks.signature(
        sheet,
        145,
        y + 18,
        "KT. CHỦ TỊCH",
        blocks.officer(invention),
        stamp=blocks.committee(office),
    )


def death_notice(sheet: Sheet, invention: Invention) -> None:
    person, office = invention.person(1925, 1960), invention.person()
    died = invention.day(2018, 2025)
    blocks.letterhead(
        sheet,
        ("TRUNG TÂM Y TẾ", "KHU VỰC THỬ NGHIỆM"),
        f"{invention.below(90) + 1}/GBT",
        blocks.on_day(invention, office),
    )
    blocks.title(sheet, 62, "GIẤY BÁO TỬ", points=18)
    sheet.write(105, 72, f"Kính gửi: Ủy ban nhân dân {person.birthplace}", align="m")
    y = blocks.rows(
        sheet,
        88,
        [
            *_self(person),
            ("Nơi cư trú", person.residence, ""),
            ("Số định danh cá nhân", person.number, "citizen_number"),
            ("Đã tử vong ngày", f"{died:%d/%m/%Y}", "death_date"),
            ("Nguyên nhân tử vong", "Viêm phổi nặng, suy hô hấp cấp", ""),
            ("Người thân thích", f"{blocks.officer(invention)} (con đẻ)", ""),
        ],
        step=10,
    )
    blocks.signature(
        sheet,
        145,
        y + 16,
        "GIÁM ĐỐC",
        blocks.officer(invention),
        stamp=("TRUNG TÂM Y TẾ KHU VỰC THỬ NGHIỆM * ", "Y TẾ"),
    )


def divorce_decision(sheet: Sheet, invention: Invention) -> None:
    wife, husband = (invention.person(1970, 1998, female=woman) for woman in (True, False))
    blocks.letterhead(
        sheet,
        ("TÒA ÁN NHÂN DÂN", "KHU VỰC 3 - THỬ NGHIỆM"),
        f"{invention.below(300) + 1}/{invention.below(5) + 2020}/QĐST-HNGĐ",
        blocks.on_day(invention, wife),
    )
    y = blocks.title(sheet, 60, "QUYẾT ĐỊNH", "CÔNG NHẬN THUẬN TÌNH LY HÔN")
    for text in (
        "Căn cứ Điều 212, Điều 213 và khoản 4 Điều 397 của Bộ luật Tố tụng dân sự;",
        "Căn cứ Điều 55, 57, 81, 82 và 83 của Luật Hôn nhân và gia đình;",
        f"Sau khi nghiên cứu hồ sơ việc hôn nhân về yêu cầu công nhận thuận tình ly hôn giữa bà "
        f"{wife.name}, sinh ngày {wife.birth:%d/%m/%Y}, nơi cư trú: {wife.residence} và ông "
        f"{husband.name}, sinh ngày {husband.birth:%d/%m/%Y}, nơi cư trú: {husband.residence}.",
        "Xét thấy việc thuận tình ly hôn và thỏa thuận của các đương sự là hoàn toàn tự nguyện, "
        "không vi phạm điều cấm của luật và không trái đạo đức xã hội.",
    ):
        y = sheet.paragraph(20, y + 9, text, 170) - 6
    sheet.write(105, y + 14, "QUYẾT ĐỊNH:", Style(14, weight="Bold"), align="m")
    y += 16
    for text in (
        f"1. Công nhận sự thuận tình ly hôn giữa bà {wife.name} và ông {husband.name}.",
        "2. Về con chung: Giao con chung cho mẹ trực tiếp nuôi dưỡng đến khi đủ 18 tuổi.",
        "3. Về tài sản chung, nợ chung: Các đương sự tự thỏa thuận, không yêu cầu giải quyết.",
        "4. Quyết định này có hiệu lực pháp luật ngay sau khi được ban hành.",
    ):
        y = sheet.paragraph(20, y + 9, text, 170) - 6
    blocks.signature(
        sheet,
        145,
        y + 20,
        "THẨM PHÁN",
        blocks.officer(invention),
        stamp=("TÒA ÁN NHÂN DÂN KHU VỰC 3 * THỬ NGHIỆM * ", "TÒA ÁN"),
    )
