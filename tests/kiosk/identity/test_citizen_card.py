"""A card is read and believed, or refused for the right reason, whatever protocols it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import pytest

from kiosk.failures import Fault, KioskError
from kiosk.identity import card_qr, citizen_card, security_infos, tlv
from kiosk.identity.access import Password
from kiosk.identity.chip import ChipFile
from kiosk.identity.citizen_card import STEPS, ReadCard
from kiosk.identity.groups import card_fields, check_digit, photo, zone
from kiosk.identity.passive import IssuerTrust, verify
from kiosk.sandbox.card_state import CardState, IssuedChip, card_access, dg1, dg2, dg13
from kiosk.sandbox.chip_card import ChipCard
from tests.kiosk.identity.cards import BEARER, CAN, NOW, PHOTO, STATE, DirectReader, issued

ZONE = [Password.of_mrz(issued().zone.information)]


def read(
    chip: IssuedChip,
    passwords: list[Password] = CAN,
    *,
    pace: bytes | None = None,
    trust: IssuerTrust = STATE.trust,
) -> ReadCard:
    steps: list[int] = []
    reader = DirectReader(ChipCard(chip, pace=pace))
    card = asyncio.run(citizen_card.read(reader, passwords, trust, NOW, steps.append))
    assert steps == list(range(1, STEPS + 1))
    return card


def refusal(chip: IssuedChip, trust: IssuerTrust = STATE.trust) -> str:
    with pytest.raises(KioskError) as caught:
        read(chip, trust=trust)
    assert BEARER.number not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("aes", [True, False], ids=["aes", "3des"])
@pytest.mark.parametrize(
    ("clone_check", "how"),
    [("chip", "chip"), ("active", "active"), ("active-rsa", "active"), ("none", None)],
)
def test_a_genuine_card(clone_check: str, how: str | None, aes: bool) -> None:
    card = read(issued(clone_check, aes), pace=card_access(aes=aes))
    assert (card.fields.number, card.fields.name) == (BEARER.number, BEARER.name)
    assert (card.fields.birth_date, card.fields.expires) == (BEARER.birth_date, BEARER.expires)
    assert (card.photo, card.clone_check) == (PHOTO, how)


@pytest.mark.parametrize("parameter_id", [12, 16, 17, 18])
def test_pace_over_other_curves(parameter_id: int) -> None:
    assert read(issued(), pace=card_access(parameter_id=parameter_id)).clone_check == "chip"


def test_the_zone_opens_by_pace_and_by_basic_access() -> None:
    assert read(issued(), ZONE).photo == read(issued(), ZONE, pace=b"").photo == PHOTO


@pytest.mark.parametrize("pace", [None, b""], ids=["pace", "basic"])
def test_another_card_does_not_open(pace: bytes | None) -> None:
    others = [Password.of_can("123456"), Password.of_mrz("L898902C<369080619406236")]
    reader = DirectReader(ChipCard(issued(), pace=pace))
    with pytest.raises(KioskError) as caught:
        asyncio.run(citizen_card.read(reader, others, STATE.trust, NOW))
    assert caught.value.code == Fault.CHIP_ACCESS
    assert "123456" not in repr(others)


@pytest.mark.parametrize("clone_check", ["chip", "active", "active-rsa"])
def test_a_clone_has_everything_but_the_key(clone_check: str) -> None:
    assert refusal(issued(clone_check).cloned()) == Fault.CHIP_COPIED
    without_keys = replace(issued(clone_check), agreement_key=None, signing_key=None)
    assert refusal(without_keys) == Fault.CHIP_COPIED


@pytest.mark.parametrize(("clone_check", "file"), [("chip", 14), ("active", 15)])
def test_a_clone_that_hides_what_would_betray_it(clone_check: str, file: int) -> None:
    files = dict(issued(clone_check).files)
    del files[0x100 + file]
    assert refusal(replace(issued(clone_check), files=files)) == Fault.CHIP_COPIED


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (ChipFile.DG2, dg2(b"\xff\xd8\xff\xe0 another face")),
        (ChipFile.DG13, dg13(replace(BEARER, name="Nguyễn Văn Giả"))),
        (ChipFile.DG1, dg1(BEARER, replace(issued().zone, expiry="991231"))),
        (ChipFile.DG14, STATE.issue(BEARER).files[ChipFile.DG14]),
    ],
)
def test_a_tampered_group_is_noticed(file: ChipFile, content: bytes) -> None:
    assert refusal(issued().tampered(file, content)) == Fault.CHIP_NOT_GENUINE


def test_two_people_on_one_chip() -> None:
    """Even the state's own signature over such a mixture is no reason to take it for a person."""
    other = replace(BEARER, number="031085000000")
    groups = {1: issued().files[ChipFile.DG1], 13: dg13(other), 2: dg2(PHOTO)}
    files = {0x100 + number: data for number, data in groups.items()}
    mixed = replace(issued("none"), files={**files, ChipFile.SOD: STATE.signed(groups)})
    assert refusal(mixed) == Fault.CHIP_NOT_GENUINE


def test_an_expired_card_and_one_for_ever() -> None:
    assert refusal(STATE.issue(replace(BEARER, expires=date(2026, 11, 23)))) == Fault.CHIP_EXPIRED
    assert read(STATE.issue(replace(BEARER, expires=NOW.date()))).fields.expires == NOW.date()
    assert read(STATE.issue(replace(BEARER, expires=None))).fields.expires is None


def test_another_state_and_a_signer_taken_back() -> None:
    assert refusal(CardState(NOW).issue(BEARER)) == Fault.CHIP_NOT_GENUINE
    assert refusal(issued(), STATE.trust_without_signer) == Fault.CHIP_NOT_GENUINE


def test_a_chip_without_a_photo_is_unreadable() -> None:
    files = {number: data for number, data in issued().files.items() if number != ChipFile.DG2}
    assert refusal(replace(issued(), files=files)) == Fault.CHIP_UNREADABLE


@pytest.mark.parametrize(
    ("issued_on", "expiry"),
    [
        (date(2014, 1, 1), date(2017, 3, 14)),  # before 23: until 25
        (date(2016, 6, 1), date(2032, 3, 14)),  # within two years before 25: until 40
        (date(2022, 5, 20), date(2032, 3, 14)),
        (date(2030, 4, 1), date(2052, 3, 14)),
        (date(2051, 1, 1), None),
    ],
)
def test_the_qr_code_alone_opens_a_card(issued_on: date, expiry: date | None) -> None:
    """By the access number, or where a card has none, by the expiry that the law gives it."""
    bearer = replace(BEARER, issued=issued_on, expires=expiry)
    claim = card_qr.parse(
        f"{bearer.number}||{bearer.name}|14031992|Nữ|{bearer.residence}|{issued_on:%d%m%Y}"
    )
    chip = STATE.issue(bearer)
    passwords = citizen_card.passwords_of_claim(claim)
    assert passwords[0] == Password.of_can(chip.can)
    assert passwords[1] == Password.of_mrz(chip.zone.information)


def test_a_claim_without_a_birth_date_has_the_access_number_alone() -> None:
    claim = card_qr.parse("001192000000||Trần Thị Mẫu|00001992|Nữ|Hà Nội|")
    assert len(citizen_card.passwords_of_claim(claim)) == 1


def test_the_groups_of_a_card() -> None:
    assert check_digit("L898902C<") == "3"  # Doc 9303-11, D.2
    assert photo(issued().files[ChipFile.DG2]) == PHOTO
    assert zone(issued().files[ChipFile.DG1]).citizen_number == BEARER.number
    fields = card_fields(issued().files[ChipFile.DG13])
    assert fields.others[13] == "Nguyễn Văn Cha, Lê Thị Mẹ"
    assert fields.residence == BEARER.residence


def test_a_card_that_answers_in_drops_is_given_up() -> None:
    class Dropping(DirectReader):
        async def transmit(self, apdus: Sequence[bytes]) -> list[bytes]:
            await asyncio.sleep(0.02)
            return await super().transmit(apdus)

    reading = citizen_card.read(Dropping(ChipCard(issued())), CAN, STATE.trust, NOW, seconds=0.1)
    with pytest.raises(KioskError) as caught:
        asyncio.run(reading)
    assert caught.value.code == Fault.CHIP_UNREADABLE
    assert caught.value.retryable


@pytest.mark.parametrize("tag", [0x30, 0x31, 0xA0])
def test_structures_without_end_inside_each_other_are_unreadable(tag: int) -> None:
    """Deeper than any interpreter's stack."""
    nested = b"\x30\x00"
    while len(nested) < 30_000:
        nested = tlv.encode(tag, nested)
    pace = bytes.fromhex("060A04007F00070202040202020102")
    parsers: list[Callable[[], object]] = [
        lambda: security_infos.parse(tlv.encode(0x31, tlv.encode(0x30, pace + nested))),
        lambda: verify(tlv.encode(0x77, nested), {}, STATE.trust, NOW),
        lambda: verify(tlv.encode(0x77, tlv.encode(0x30, nested)), {}, STATE.trust, NOW),
        lambda: card_fields(tlv.encode(0x6D, nested)),
        lambda: photo(tlv.encode(0x75, nested)),
    ]
    for parse in parsers:
        with pytest.raises(KioskError) as caught:
            parse()
        assert caught.value.code == Fault.CHIP_UNREADABLE
