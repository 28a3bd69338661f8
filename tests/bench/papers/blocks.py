"""What every Vietnamese paper begins and ends with (decree 30/2020, annex I)."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.papers.people import Invention, Person
from tests.bench.papers.sheet import BOLD, ITALIC, PLAIN, RED, Sheet, Style

NATION = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"

Row = tuple[str, str, str]
"""Label, value, and the field's name or nothing."""


def nation(sheet: Sheet, y: float = 24.0, points: float = 13.5) -> None:
    """The state's name and motto, centred: certificates."""
    middle = sheet.width / 2
    bold = Style(points, weight="Bold")
    sheet.lines(middle, y, [(NATION, bold), (MOTTO, bold)])
    sheet.line(middle - 26, y + 8.5, middle + 26, y + 8.5)


def letterhead(sheet: Sheet, agency: Sequence[str], number: str, place_and_day: str) -> None:
    """Agency on the left, the state on the right: two columns, read one after the other."""
    names = [
        (name, Style(12.5, weight="Bold" if name == agency[-1] else "Regular")) for name in agency
    ]
    end = sheet.lines(58, 22, names)
    sheet.line(46, end + 2, 70, end + 2)
    sheet.write(58, 42, f"Số: {number}", Style(12.5), align="m", field="number")
    sheet.lines(143, 22, [(NATION, Style(12, weight="Bold")), (MOTTO, Style(13, weight="Bold"))])
    sheet.line(115, 30, 171, 30)
    sheet.write(143, 42, place_and_day, Style(12.5, weight="Italic"), align="m", field="issued")


def title(sheet: Sheet, y: float, *lines: str, points: float = 16.0, red: bool = False) -> float:
    """Bold capitals in the middle, smaller words below."""
    first = Style(points, weight="Bold", ink=RED if red else BOLD.ink)
    others = [(line, Style(points - 3, weight="Bold")) for line in lines[1:]]
    return sheet.lines(sheet.width / 2, y, [(lines[0], first), *others])


def rows(
    sheet: Sheet,
    y: float,
    entries: Sequence[Row | tuple[Row, Row]],
    *,
    x: float = 22.0,
    step: float = 8.6,
    style: Style = PLAIN,
) -> float:
    """Labels and values, one or two on a line; returns the baseline after them."""
    for entry in entries:
        pair = (entry,) if isinstance(entry[0], str) else entry
        for column, (label, value, field) in enumerate(pair):  # type: ignore[misc]
            end = 112.0 if column == 0 and len(pair) == 2 else sheet.width - 20
            sheet.entry(x + 93 * column, y, label, value, field=field, end=end, style=style)
        y += step
    return y


def signature(
    sheet: Sheet,
    x: float,
    y: float,
    office: str,
    name: str,
    *,
    before: str = "",
    stamp: tuple[str, str] | None = None,
) -> None:
    """Day, office, scribble, name; the stamp covers a third of the signature, on its left."""
    if before:
        sheet.write(x, y, before, ITALIC, align="m", field="issued")
        y += 6.2
    sheet.write(x, y, office, BOLD, align="m")
    sheet.write(x, y + 5.4, "(Ký, ghi rõ họ tên)", Style(11, weight="Italic"), align="m")
    sheet.signature(x - 16, y + 18, 34, seed=len(name) * 7 + len(office))
    if stamp:
        sheet.stamp(x - 19, y + 19, *stamp, seed=len(name) * 5 + len(office))
    sheet.write(x, y + 34, name, BOLD, align="m")


def committee(person: Person) -> tuple[str, str]:
    """Letters of the stamp of a commune."""
    return f"ỦY BAN NHÂN DÂN {person.commune.upper()} * {person.province.upper()} * ", "UBND"


def agency(person: Person) -> tuple[str, str]:
    return "ỦY BAN NHÂN DÂN", person.commune.upper()


def on_day(invention: Invention, person: Person, first: int = 2016, last: int = 2025) -> str:
    """A place and a day as they stand over signatures."""
    day = invention.day(first, last)
    place = person.commune.removeprefix("xã ")
    return f"{place}, ngày {day:%d} tháng {day:%m} năm {day.year}"


def officer(invention: Invention) -> str:
    return invention.person().name
