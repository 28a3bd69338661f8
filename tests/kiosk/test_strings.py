"""The catalogue: the same keys and arguments in every language, and no key without its sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kiosk.procedures import procedures
from kiosk.strings import catalogue, resolve
from kiosk.views import Text

_ARGUMENT = re.compile(r"\{(\w+)\}")
_LITERAL_KEY = re.compile(r'\bText\("([a-z][\w.-]+)"')


def test_languages_have_the_same_keys_and_arguments() -> None:
    vi, en = catalogue("vi"), catalogue("en")
    assert set(vi) == set(en)
    for key, sentence in vi.items():
        assert set(_ARGUMENT.findall(sentence)) == set(_ARGUMENT.findall(en[key])), key


def test_every_key_in_the_code_has_a_sentence() -> None:
    sources = [*Path("kiosk").rglob("*.py"), *Path("ui").rglob("*.py")]
    keys = {key for file in sources for key in _LITERAL_KEY.findall(file.read_text("utf-8"))}
    assert len(keys) > 20
    assert {key for key in keys if key not in catalogue("vi")} == set()


def test_arguments_may_be_texts_themselves() -> None:
    text = Text("date.long", {"weekday": Text("weekday.friday"), "date": "25/12/2026"})
    assert resolve(text, "vi") == "Thứ Sáu, 25/12/2026"
    assert resolve(text, "en") == "Friday, 25/12/2026"


def test_plain_text_is_never_translated() -> None:
    assert resolve(Text.plain("H26.15-261124-0042 {x}"), "en") == "H26.15-261124-0042 {x}"


def test_an_unknown_key_is_a_defect() -> None:
    with pytest.raises(KeyError):
        resolve(Text("no.such.key"), "vi")


def test_words_that_must_not_be_on_a_screen() -> None:
    """No jargon; the machine is at fault, never the citizen."""
    told = catalogue("vi") | {
        f"{each.id}.{name}": words
        for each in procedures().values()
        for name, words in each.words["vi"].model_dump().items()
    }
    for key, sentence in told.items():
        for jargon in ("đăng xuất", "xác thực", "hệ thống", "vui lòng", "lỗi"):
            assert jargon not in sentence.lower(), (key, jargon)


def test_a_text_may_bring_its_own_words() -> None:
    text = procedures()["certified-copy"].text("title")
    assert resolve(text, "vi") == "Chứng thực bản sao"
    assert resolve(text, "en") == "Certified copy"
