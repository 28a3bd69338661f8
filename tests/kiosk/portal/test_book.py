"""Every number of a year stands in the book, or in a line that says why not."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from click.testing import CliRunner

from kiosk.commands.servers import portal as portal_command
from kiosk.portal.book import Book
from kiosk.portal.composition import Portal, open_portal
from kiosk.portal.gaps import Gap, Why, gaps
from kiosk.portal.register import Entry
from kiosk.portal.times import now, this_year
from tests.kiosk.portal.line import settings_in

YEAR = this_year()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Portal]:
    made = open_portal(settings_in(tmp_path))
    with made.store.transaction() as db:
        for kiosk in ("kiosk-1", "kiosk-2"):
            db.execute("INSERT INTO kiosks VALUES (?, 'x', ?)", (kiosk, now().isoformat()))
    yield made
    made.store.close()


def entered(portal: Portal, *numbers: int) -> None:
    for number in numbers:
        dossier = f"00000000-0000-7000-8000-{number:012}"
        with portal.store.transaction() as db:
            db.execute(
                "INSERT INTO dossiers (id, kiosk_id, code, mode, procedure, manifest, signature,"
                " opened_at) VALUES (?, 'kiosk-1', ?, 'post-check', 'x', '{}', '', ?)",
                (dossier, f"H26.15-261124-{number:04}", now().isoformat()),
            )
        entry = Entry(
            YEAR, "01", number, dossier, f"00000000{number:04}", "diploma", "Lý Thị <Thử>", 2,
            "Lê Văn Mẫu", now().isoformat(),
        )  # fmt: skip
        assert portal.register.enter(entry)


def leased(portal: Portal, kiosk: str, count: int, days: int = 7) -> str:
    """The end of the block."""
    lease = portal.register.lease(kiosk, "certificate", YEAR, count, timedelta(days=days))
    return lease.expires.isoformat()


def test_a_book_without_a_gap(opened: Portal) -> None:
    assert gaps(opened.store, YEAR) == []
    for _ in range(3):
        entered(opened, opened.register.draw("certificate", YEAR))
    assert gaps(opened.store, YEAR) == []


def test_each_gap_has_its_reason(opened: Portal) -> None:
    over = leased(opened, "kiosk-1", 5, days=-1)  # 1 to 5
    entered(opened, opened.register.draw("certificate", YEAR))  # 6
    lasting = leased(opened, "kiosk-2", 4)  # 7 to 10
    entered(opened, 2, 8)
    assert gaps(opened.store, YEAR) == [
        Gap(1, 1, Why.BURNED, "kiosk-1", over),
        Gap(3, 5, Why.LAPSED, "kiosk-1", over),
        Gap(7, 7, Why.BURNED, "kiosk-2", lasting),
        Gap(9, 10, Why.OPEN, "kiosk-2", lasting),
    ]


def test_one_run_of_missing_numbers_over_two_blocks(opened: Portal) -> None:
    over, lasting = leased(opened, "kiosk-1", 2, days=-1), leased(opened, "kiosk-2", 2)
    opened.register.draw("certificate", YEAR)  # lost by no way that the portal has
    assert gaps(opened.store, YEAR) == [
        Gap(1, 2, Why.LAPSED, "kiosk-1", over),
        Gap(3, 4, Why.OPEN, "kiosk-2", lasting),
        Gap(5, 5, Why.UNEXPLAINED),
    ]


def test_the_book_on_paper_and_for_machines(opened: Portal, tmp_path: Path) -> None:
    leased(opened, "kiosk-1", 3)
    entered(opened, 2)
    with opened.store.transaction() as db:
        db.execute(
            "INSERT INTO revocations (dossier, id_code, reason, officer, at)"
            " SELECT dossier, id_code, 'x', 'x', 'x' FROM register",
        )
    book = Book(opened.store, opened.register, opened.offices.catalogue, YEAR)
    rows = list(csv.reader(io.StringIO("".join(book.as_csv()))))
    assert [row[0] for row in rows[1:]] == ["01", "02", "03"]
    assert rows[2][2] == "Lý Thị <Thử>"
    assert "kiosk-1" in rows[1][-1]
    assert rows[2][-1] == "Bản sao đã bị thu hồi"
    assert "dùng được đến" in rows[3][-1]
    text = pypdfium2.PdfDocument(book.as_pdf())[0].get_textpage().get_text_range()
    for word in ("Sổ chứng thực bản sao", "Lý Thị <Thử>", "Lê Văn Mẫu", "Ghi chú"):
        assert word in text


def test_the_command(tmp_path: Path) -> None:
    settings = tmp_path / "portal.toml"
    values = settings_in(tmp_path).model_dump(mode="json", exclude_none=True)
    lines = [f"{name} = {value!r}" for name, value in values.items() if isinstance(value, str)]
    settings.write_text("\n".join(lines))
    for suffix in ("csv", "pdf"):
        out = tmp_path / f"book.{suffix}"
        words = ["book", "--settings", str(settings), "--year", str(YEAR), str(out)]
        assert CliRunner().invoke(portal_command, words).exit_code == 0
        assert out.stat().st_size > 20
    words[-1] = str(tmp_path / "book.xls")
    assert CliRunner().invoke(portal_command, words).exit_code == 2
