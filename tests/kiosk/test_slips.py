"""The words on a slip, as a clerk would write them."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drivers.contract import Slip, SlipCode, SlipText
from drivers.receipt_slip import render_slip
from kiosk.slips import VIETNAM, SlipFacts, receipt_and_appointment
from kiosk.strings import catalogue

APPOINTMENT = SlipFacts(
    agency="Ủy ban nhân dân xã Yên Hòa",
    dossier_code="H26.15-261123-0042",
    person="Nguyễn Thị Bịa",
    procedure="Chứng thực bản sao từ bản chính",
    papers=(("Bằng tốt nghiệp đại học", 2), ("Giấy khai sinh", 1)),
    copies=2,
    fee_text="6.000 đ",
    received_at=datetime(2026, 11, 23, 10, 5, tzinfo=VIETNAM),
    due_at=datetime(2026, 11, 25, 14, 0, tzinfo=VIETNAM),
    place="quầy số 2",
    hotline="18001096",
    take_away="https://portal.example.vn/t/H26.15-261123-0042",
)
ISSUED = replace(APPOINTMENT, due_at=None, id_code="7K3M9QXT2B4D", number="0042/2026")


def lines(facts: SlipFacts, language: str = "vi") -> list[str]:
    """What is printed, without the markers of line breaks."""
    slip = receipt_and_appointment(facts, language)
    texts = [item.text for item in slip.items if isinstance(item, SlipText) and item.text]
    return [text.replace("-\n", "-").replace("\n", " ").replace("\u00a0", " ") for text in texts]


def test_an_appointment_in_vietnamese() -> None:
    assert lines(APPOINTMENT) == [
        "Ủy ban nhân dân xã Yên Hòa",
        "Giấy tiếp nhận hồ sơ và hẹn trả kết quả",
        "Mã hồ sơ",
        "H26.15-261123-0042",
        "Mời ông/bà đến nhận kết quả",
        "Thứ Tư, 25/11/2026",
        "trước 14 giờ",
        "Nơi nhận kết quả",
        "Quầy số 2",
        "Khi đến, ông/bà mang theo giấy này, thẻ căn cước và bản chính các giấy tờ đã quét.",
        "Người nộp hồ sơ",
        "Nguyễn Thị Bịa",
        "Nội dung yêu cầu",
        "Chứng thực bản sao từ bản chính",
        "Giấy tờ đã quét",
        "1. Bằng tốt nghiệp đại học (2 trang)",
        "2. Giấy khai sinh (1 trang)",
        "Số bản cần cấp: 2",
        "Phí, lệ phí: 6.000 đ",
        "Nhận hồ sơ lúc 10 giờ 05, ngày 23/11/2026",
        "Quét mã này bằng điện thoại để theo dõi hồ sơ",
        "Không có điện thoại thì giữ giấy này, đọc mã hồ sơ khi cần hỏi.",
        "Cần hỏi, ông/bà gọi",
        "18001096",
    ]


def test_a_receipt_for_a_copy_issued_at_once() -> None:
    printed = lines(ISSUED)
    assert printed[1] == "Biên nhận cấp bản sao chứng thực"
    assert printed[4:11] == [
        "Đã cấp xong bản sao chứng thực điện tử.",
        "Số chứng thực",
        "0042/2026",
        "Mã tra cứu bản sao",
        "7K3M-9QXT-2B4D",
        "Nơi nhận bản sao dùng mã này để kiểm tra.",
        "Ông/bà nhớ cầm bản chính về.",
    ]
    assert "Quét mã này bằng điện thoại để tra cứu bản sao" in printed
    assert not any("Mời" in line or "Khi đến" in line for line in printed)


def test_english() -> None:
    printed = lines(APPOINTMENT, "en")
    assert printed[4:7] == ["Please come for the result", "Wednesday, 25/11/2026", "before 14:00"]
    assert "1. Bằng tốt nghiệp đại học (2 pages)" in printed
    assert "2. Giấy khai sinh (1 page)" in printed
    assert "Received on 23/11/2026, 10:05" in printed


def test_times_are_vietnamese_whatever_the_clock_of_the_caller() -> None:
    late = replace(
        APPOINTMENT,
        received_at=datetime(2026, 11, 23, 18, 30, tzinfo=UTC),
        due_at=datetime(2026, 11, 28, 17, 30, tzinfo=UTC),
    )
    printed = lines(late)
    assert "Nhận hồ sơ lúc 1 giờ 30, ngày 24/11/2026" in printed
    assert "Chủ Nhật, 29/11/2026" in printed
    assert "trước 0 giờ 30" in printed


def test_no_date_yet() -> None:
    printed = lines(replace(APPOINTMENT, due_at=None))
    assert printed[4].startswith("Chưa có ngày hẹn.")
    assert "Mời ông/bà đến nhận kết quả" not in printed


def test_an_appointment_for_a_copy_says_that_kiosks_print_it_too() -> None:
    told = "Bản sao ký xong thì ông/bà cũng in được ở kiosk"
    assert not any(told in line for line in lines(APPOINTMENT))
    assert any(told in line for line in lines(replace(APPOINTMENT, any_kiosk=True)))


def test_what_is_not_there_leaves_no_empty_label() -> None:
    assert "Mã tra cứu bản sao" not in lines(replace(ISSUED, id_code=None))
    assert "Giấy tờ đã quét" not in lines(replace(APPOINTMENT, papers=()))


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("facts", [APPOINTMENT, ISSUED], ids=["appointment", "issued"])
def test_one_code_with_what_to_take_away(facts: SlipFacts, language: str) -> None:
    slip = receipt_and_appointment(facts, language)
    codes = [item for item in slip.items if isinstance(item, SlipCode)]
    assert [code.payload for code in codes] == [facts.take_away]


def test_the_dossier_code_is_the_largest_text_and_stays_on_two_lines() -> None:
    for code in ("H26.15-261123-0042", "000.15.26.H26-261123-0042"):
        slip = receipt_and_appointment(replace(APPOINTMENT, dossier_code=code), "vi")
        texts = [item for item in slip.items if isinstance(item, SlipText)]
        largest = max(texts, key=lambda item: item.scale)
        assert largest.text.replace("\n", "") == code
        assert largest.bold
        (picture,) = render_slip(Slip((largest,)), 576)
        (two_lines,) = render_slip(Slip((replace(largest, text="a\nb"),)), 576)
        assert picture.height == two_lines.height  # type: ignore[union-attr]


def test_both_languages_have_the_same_slip_words_with_the_same_blanks() -> None:
    def blanks(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence)} - {None}

    words = [
        {key: blanks(text) for key, text in catalogue(language).items() if key.startswith("slip.")}
        for language in ("vi", "en")
    ]
    assert words[0] == words[1]
    assert len(words[0]) > 20


def test_the_secret_is_printed_in_two_groups() -> None:
    printed = lines(replace(APPOINTMENT, secret="7K3M9QXT2B"))
    assert "7K3M9-QXT2B" in printed
    assert len(printed) == len(lines(APPOINTMENT)) + 2
