"""Facts survive their encodings, and the statement has the words of the law."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

import pytest

from certify import cose
from certify.statement import CopyFacts, margin_line, statement_of
from tests.certify import specimens


@pytest.mark.parametrize("mode", ["pre-check", "post-check"])
def test_facts_survive_json_and_cbor(mode: str) -> None:
    facts = specimens.facts(mode)  # type: ignore[arg-type]
    assert CopyFacts.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts
    assert CopyFacts.from_dict(cose.decode(cose.encode(facts.to_dict()))) == facts


def test_the_statement() -> None:
    issued = datetime(2026, 11, 23, 9, 30, tzinfo=specimens.VIETNAM)
    lines = statement_of(specimens.facts(number=5, issued=issued, book="01/2026-SCT/BS"))
    assert lines.title == "CHỨNG THỰC BẢN SAO ĐÚNG VỚI BẢN CHÍNH"
    assert lines.number == "Số chứng thực 05 quyển số 01/2026-SCT/BS"
    assert lines.date.startswith("Ngày 23 tháng 11 năm 2026")
    assert lines.officer_heading == "NGƯỜI THỰC HIỆN CHỨNG THỰC"


def test_post_check_names_the_day_of_inspection() -> None:
    facts = specimens.facts("post-check", inspect_by=date(2026, 11, 26))
    assert "26/11/2026" in statement_of(facts).note


def test_the_margin_line() -> None:
    assert margin_line(specimens.facts(), 2, 3) == "Mã định danh 000H-0000-01AZ · Trang 2/3"


@pytest.mark.parametrize(
    "changes",
    [
        {"inspect_by": None, "mode": "post-check"},
        {"mode": "no-check"},
        {"issued": datetime(2026, 1, 1)},  # noqa: DTZ001  # that is the mistake
        {"id_code": "000h000001az"},
    ],
)
def test_facts_that_cannot_be(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(specimens.facts(), **changes)  # type: ignore[arg-type]
