"""How dates, money and codes are written for people."""

from __future__ import annotations

from datetime import date

from kiosk.views import Text

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def money(amount: int) -> str:
    """As Vietnamese writes it."""
    return f"{amount:,} đ".replace(",", ".")


def price(amount: int) -> Text:
    """As each language writes it; no line may end before the currency."""
    return Text.in_languages(
        {"vi": money(amount).replace(" ", "\u00a0"), "en": f"{amount:,}\u00a0VND"}
    )


def day(value: date) -> Text:
    """ "Thứ Tư, 25/11/2026"."""
    weekday = Text(f"weekday.{_WEEKDAYS[value.weekday()]}")
    return Text("date.long", {"weekday": weekday, "date": f"{value:%d/%m/%Y}"})


def spaced(code: str) -> str:
    """A dossier code in three groups, for reading aloud and copying by hand."""
    return code.replace("-", " – ")
