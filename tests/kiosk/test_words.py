"""Dates, money and codes as people read them."""

from __future__ import annotations

from datetime import date

from kiosk.strings import resolve
from kiosk.words import day, money, price, spaced


def test_money_is_grouped() -> None:
    assert [money(0), money(15_000), money(1_200_000)] == ["0 đ", "15.000 đ", "1.200.000 đ"]


def test_a_price_is_written_as_its_reader_writes_it() -> None:
    said = [resolve(price(200_000), language) for language in ("vi", "en")]
    assert said == ["200.000\u00a0đ", "200,000\u00a0VND"]


def test_a_day_has_its_name() -> None:
    assert resolve(day(date(2026, 11, 25)), "vi") == "Thứ Tư, 25/11/2026"


def test_a_code_is_spaced_for_reading_aloud() -> None:
    assert spaced("H26.15-261124-0042") == "H26.15 – 261124 – 0042"
