"""The card's QR code, as printed and as an attacker would print it."""

from __future__ import annotations

import random
import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.failures import Fault, KioskError
from kiosk.identity import citizen_card
from kiosk.identity.card_qr import MAX_PAYLOAD, ClaimedIdentity, parse
from kiosk.identity.numbers import Sex

CARD = "001192000000|012345678|Trần Thị Mẫu|14031992|Nữ|Số 12 ngõ Mẫu, Hà Nội|20052022"


def test_a_card_of_seven_fields() -> None:
    assert parse(CARD) == ClaimedIdentity(
        number="001192000000",
        old_number="012345678",
        name="Trần Thị Mẫu",
        birth_date=date(1992, 3, 14),
        sex=Sex.FEMALE,
        address="Số 12 ngõ Mẫu, Hà Nội",
        issued=date(2022, 5, 20),
    )


def test_fields_that_newer_cards_add_are_kept() -> None:
    claim = parse(CARD + "||Trần Văn Thử|Lê Thị Nghiệm")
    assert claim.extras == ("", "Trần Văn Thử", "Lê Thị Nghiệm")


def test_a_card_without_a_day_of_issue_or_an_old_number() -> None:
    claim = parse("001092000000||Trần Văn Thử|14031992|Nam|Hà Nội")
    assert (claim.old_number, claim.issued, claim.sex) == ("", None, Sex.MALE)


def test_only_the_year_of_birth_is_known() -> None:
    assert parse(CARD.replace("14031992", "00001992")).birth_date is None


def test_decomposed_letters_are_composed() -> None:
    claim = parse(unicodedata.normalize("NFD", CARD))
    assert (claim.name, claim.sex) == ("Trần Thị Mẫu", Sex.FEMALE)


def test_a_line_end_of_the_reader_does_no_harm() -> None:
    assert parse(CARD + "\r\n") == parse(CARD)


@pytest.mark.parametrize(
    ("old", "new"), [("14031992", "14031993"), ("Nữ", "Nam"), ("001192", "001092")]
)
def test_a_claim_that_contradicts_itself(old: str, new: str) -> None:
    assert parse(CARD).consistent
    assert not parse(CARD.replace(old, new)).consistent


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "https://example.invalid/",
        "|||||",
        CARD.replace("001192000000", "00119200000"),
        CARD.replace("012345678", "0123"),
        CARD.replace("14031992", "31022020"),
        CARD.replace("14031992", "14000000"),
        CARD.replace("14031992", "1403199x"),
        CARD.replace("20052022", "2005202"),
        CARD.replace("Nữ", "?"),
        CARD.replace("Trần Thị Mẫu", " "),
        CARD.replace("Mẫu", "M\ufffdu"),
        CARD.replace("Mẫu", "M\u202eu"),
        CARD.replace("Mẫu", "M\x00u"),
        CARD + "|" + "x" * MAX_PAYLOAD,
    ],
)
def test_what_is_refused(payload: str) -> None:
    with pytest.raises(KioskError) as caught:
        parse(payload)
    assert caught.value.code == Fault.IDENTITY_UNREADABLE
    assert "Trần" not in str(caught.value)


FIELD = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["001192000000", "14031992", "Nữ", "Nam", "", "00000000", "٠" * 12, "\ud800"]),
)


@settings(deadline=None, database=None)
@given(st.one_of(st.text(), st.lists(FIELD, max_size=10).map("|".join)))
def test_hostile_input_is_a_claim_or_a_typed_error(payload: str) -> None:
    outcome = _outcome(payload)
    if isinstance(outcome, KioskError):
        assert outcome.code == Fault.IDENTITY_UNREADABLE
    else:
        assert len(outcome.number) == 12
        assert outcome.name


def test_2000_spoiled_codes_are_claims_or_typed_errors() -> None:
    claims = 0
    for seed in range(2000):
        chance = random.Random(seed)
        payload = list(CARD)
        for _ in range(chance.randrange(1, 5)):
            payload[chance.randrange(len(payload))] = chance.choice(
                "0|9\u0110\0\u202e\ufffd" + CARD
            )
        outcome = _outcome("".join(payload)[: chance.choice([None, 40, 90])])
        if isinstance(outcome, ClaimedIdentity):
            claims += 1
            assert len(citizen_card.passwords_of_claim(outcome)) in (1, 6)
        else:
            assert outcome.code == Fault.IDENTITY_UNREADABLE
    assert 100 < claims < 1900


def _outcome(payload: str) -> ClaimedIdentity | KioskError:
    try:
        return parse(payload)
    except KioskError as error:
        return error


@settings(deadline=None, database=None)
@given(
    st.dates(date(1900, 1, 1), date(2399, 12, 31)),
    st.text(st.characters(categories=["L"]), min_size=1, max_size=40),
)
def test_what_was_printed_comes_back(birth: date, name: str) -> None:
    payload = (
        f"001192000000||{name}|{birth.day:02}{birth.month:02}{birth.year:04}|Nữ|Hà Nội|20052022"
    )
    claim = parse(payload)
    assert claim.birth_date == birth
    assert claim.name == unicodedata.normalize("NFC", name)
