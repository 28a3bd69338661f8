"""The book of a year: every number once, gaps with their reason, on paper and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from click.testing import CliRunner

from kiosk.__main__ import cli
from kiosk.failures import Fault, KioskError
from kiosk.portal.accounts import Role
from kiosk.portal.composition import Portal, open_portal
from kiosk.portal.register import Entry
from kiosk.portal.register_book import Gap
from kiosk.portal.register_pages import in_csv, printed
from kiosk.portal.settings import load
from kiosk.portal.times import this_year
from tests.kiosk.portal.line import RunningPortal, TestKiosk, settings_in
from tests.kiosk.portal.people import logged_in, send

YEAR = 2026


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Portal]:
    portal = open_portal(settings_in(tmp_path))
    with closing(portal.store):
        portal.store.enrol("kiosk-01", "key", "code")
        yield portal


def enter(portal: Portal, number: int, **changes: Any) -> None:
    """A line, of a dossier that only has its place."""
    portal.store.rows(
        "INSERT INTO dossiers (id, kiosk_id, code, mode, procedure, manifest, signature, opened_at)"
        " VALUES (?, 'kiosk-01', ?, 'post-check', 'certified-copy', '{}', '', '')",
        (f"d{number}", f"code-{number}"),
    )
    values = {
        "year": YEAR, "book": portal.book.book(YEAR), "number": number, "dossier": f"d{number}",
        "id_code": f"000H00000{number:03d}", "paper": "original", "applicant": "Trần Thị Mẫu",
        "copies": 2, "officer": "Lê Văn Thí Điểm", "entered_at": "2026-03-02T18:00:00+00:00",
    }  # fmt: skip
    assert portal.register.enter(Entry(**(values | changes)))


def numbers(portal: Portal) -> list[tuple[int, int]]:
    return [
        (line.first, line.last) if isinstance(line, Gap) else (line.number, line.number)
        for line in portal.book.lines(YEAR)
    ]


def reasons(portal: Portal) -> list[str]:
    return [line.why for line in portal.book.lines(YEAR) if isinstance(line, Gap)]


def test_an_empty_book_is_empty(office: Portal) -> None:
    assert list(office.book.lines(YEAR)) == []


def test_no_number_is_left_out(office: Portal) -> None:
    office.register.lease("kiosk-01", "certificate", YEAR, 4, timedelta(days=2))  # 1 to 4
    office.register.draw("certificate", YEAR)  # 5, at the desk
    office.register.lease("kiosk-01", "certificate", YEAR, 3, timedelta(days=-1))  # 6 to 8, over
    office.register.draw("certificate", YEAR, 2)  # 9, 10
    for number in (1, 3, 5, 10):
        enter(office, number)
    assert numbers(office) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (9, 9), (10, 10)]
    skipped, free, ended, unknown = reasons(office)
    assert "kiosk-01, đã qua" in skipped
    assert office.book.counted(YEAR) == (4, 6)
    assert "còn hạn" in free
    assert "hết hạn" in ended
    assert "chưa rõ" in unknown


def test_an_officer_says_why(office: Portal) -> None:
    office.register.draw("certificate", YEAR, 3)
    enter(office, 2)
    assert office.book.explain(YEAR, 1, "Máy hỏng khi ký", "Lê Văn Thí Điểm")
    assert not office.book.explain(YEAR, 2, "đã có", "Lê Văn Thí Điểm")
    assert not office.book.explain(YEAR, 4, "chưa cấp", "Lê Văn Thí Điểm")
    assert reasons(office)[0].startswith("Máy hỏng khi ký (Lê Văn Thí Điểm, ")


def test_the_table_has_every_line(office: Portal) -> None:
    office.register.draw("certificate", YEAR, 3)
    enter(office, 1, applicant="=2+3")
    enter(office, 3)
    head, *rows = csv.reader(io.StringIO("".join(in_csv(office, YEAR)).removeprefix("\ufeff")))
    assert [row[1] for row in rows] == ["01", "02", "03"]
    assert rows[0][0] == f"01/{YEAR}-SCT/BS"
    assert rows[0][2:] == [
        "03/03/2026", "'=2+3", "Bản chính giấy tờ", "2", "Lê Văn Thí Điểm", "000H-0000-0001", "",
    ]  # fmt: skip
    assert len({len(row) for row in (head, *rows)}) == 1


def test_on_paper_pages_are_counted_and_fonts_embedded(office: Portal) -> None:
    office.register.draw("certificate", YEAR, 60)
    for number in range(1, 61):
        if number != 7:
            enter(office, number)
    pdf = printed(office, YEAR, "Phạm Thị Thử")
    with pikepdf.open(io.BytesIO(pdf)) as document:
        pages = len(document.pages)
        assert all(float(page.mediabox[2]) > float(page.mediabox[3]) for page in document.pages)
        fonts = [font for page in document.pages for font in page.Resources.Font.values()]
        assert fonts
        assert all("/FontFile2" in font.FontDescriptor for font in fonts)
        named = {
            str(font.BaseFont) for page in document.pages for font in page.Resources.Font.values()
        }
        assert all("BeVietnamPro" in name for name in named), named
    text = words_of(pdf)
    assert [f"Trang {n} trên {pages}" in page for n, page in enumerate(text, 1)] == [True] * pages
    assert pages > 1
    assert all("Số chứng thực" in page.replace("\r\n", " ") for page in text)
    assert "59 việc" in text[0]
    assert "chưa rõ lý do" in text[0]


def words_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def test_only_those_who_may_take_it_out_and_it_is_noted(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    page, export = f"{portal.address}/register", f"{portal.address}/register/export"
    year = str(this_year())
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert "PDF để in" not in session.get(page, timeout=10).text
        assert send(session, page, export, year=year, form="pdf").status_code == 403
    with logged_in(portal, "hoa", Role.CHIEF) as session:
        answer = send(session, page, export, year=year, form="pdf")
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
        assert "Quyển số" in send(session, page, export, year=year, form="csv").text
        assert send(session, page, export, year="x", form="csv").status_code == 400
        portal.inside.register.draw("certificate", this_year())
        notes = f"{portal.address}/register/notes"
        assert send(session, page, notes, year=year, number="1", words="Máy hỏng").ok
        assert send(session, page, notes, year=year, number="2", words="sớm").status_code == 404
        assert send(session, page, notes, year=year, number="1", words="").status_code == 400
        assert "Máy hỏng" in send(session, page, export, year=year, form="csv").text
    noted = repr(portal.inside.offices.accounts.actions(20))
    assert noted.count("'register.export'") == 3
    assert noted.count("'register.note'") == 1


def test_the_command_writes_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    file, out = tmp_path / "portal.toml", tmp_path / "so.csv"
    file.write_text(
        "".join(
            f"{name} = '{getattr(settings, name)}'\n"
            for name in ("state", "officer", "seal_host", "enrolment_codes_file", "trust_dir")
        ),
        "utf-8",
    )
    arguments = ["portal", "register", "--settings", file, "--year", YEAR, "--out", out]
    ran = CliRunner().invoke(cli, [*map(str, arguments), "--form", "csv"])
    assert ran.exit_code == 0, ran.output
    assert f"{out}: 0 numbers in the book, 0 without a copy" in ran.output
    assert "Số chứng thực" in out.read_text("utf-8")
    assert out.stat().st_mode & 0o077 == 0
    arguments[-1] = tmp_path / "nowhere" / "so.csv"
    ran = CliRunner().invoke(cli, list(map(str, arguments)))
    assert isinstance(ran.exception, KioskError)
    assert ran.exception.code == Fault.OUTPUT_UNWRITABLE
    portal = open_portal(load(file))
    with closing(portal.store):
        noted = [action for _, _, action, _ in portal.offices.accounts.actions(10)]
    assert noted == ["register.export"], "of an export that nobody got nothing is said"
