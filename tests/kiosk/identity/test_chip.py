"""Basic Access Control and secure messaging by the worked example of ICAO 9303-11, appendix D."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.absent import AbsentCardReader
from kiosk.failures import Fault, KioskError
from kiosk.identity.access import Chance, Password, open_chip
from kiosk.identity.chip import Chip, ChipFile
from kiosk.identity.ciphers import TRIPLE_DES, session_keys

MRZ = "L898902C<369080619406236"
OUR_RANDOM = bytes.fromhex("781723860C06C226"), bytes.fromhex("0B795240CB7049B01C19B33E32804F0B")
EXCHANGE = (
    ("00A4020C02011C", "6A82"),  # before it, this chip is asked for PACE, which it does not know
    ("00A4040C07A0000002471001", "9000"),
    ("0084000008", "4608F919887022129000"),
    (
        "008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2"
        "5F1448EEA8AD90A728",
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
    ),
    ("0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800", "990290008E08FA855A5D4C50A8ED9000"),
    (
        "0CB000000D9701048E08ED6705417E96BA5500",
        "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000",
    ),
    (
        "0CB000040D9701128E082EA28A70F3C7B53500",
        "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D749000",
    ),
)
COMMANDS = [bytes.fromhex(command) for command, _ in EXCHANGE]
ANSWERS = [bytes.fromhex(answer) for _, answer in EXCHANGE]
EF_COM = bytes.fromhex("60145F0104303130365F36063034303030305C026175")


class ScriptedReader(AbsentCardReader):
    """Gives ``answers`` one after the other and keeps what was asked."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        super().__init__()
        self._answers: Iterator[bytes] = iter(answers)
        self.asked: list[bytes] = []

    async def transmit(self, apdus: Sequence[bytes]) -> list[bytes]:
        self.asked += apdus
        return [next(self._answers, b"\x6f\x00") for _ in apdus]


def read_com(answers: Sequence[bytes], mrz: str = MRZ) -> tuple[bytes | None, list[bytes]]:
    random = iter(OUR_RANDOM)

    async def main() -> Any:
        reader = ScriptedReader(answers)
        chip = Chip(reader)
        await open_chip(chip, [Password.of_mrz(mrz)], Chance(token=lambda _: next(random)))
        return await chip.read(ChipFile.COM), reader.asked

    answer: tuple[bytes | None, list[bytes]] = asyncio.run(main())
    return answer


def test_keys_of_the_worked_example() -> None:
    keys = session_keys(TRIPLE_DES, Password.of_mrz(MRZ).secret[:16])
    assert [part.hex().upper() for part in keys] == [
        "AB94FDECF2674FDFB9B391F85D7F76F2",
        "7962D9ECE03D1ACD4C76089DCE131543",
    ]
    seed = bytes.fromhex("0036D272F5C350ACAC50C3F572D23600")
    assert [part.hex().upper() for part in session_keys(TRIPLE_DES, seed)] == [
        "979EC13B1CBFE9DCD01AB0FED307EAE5",
        "F1CB1F1FB5ADF208806B89DC579DC1F8",
    ]


def test_the_worked_example_command_by_command() -> None:
    assert read_com(ANSWERS) == (EF_COM, COMMANDS)


def test_a_key_of_another_card_is_told() -> None:
    with pytest.raises(KioskError) as refused_by_us:
        read_com(ANSWERS, mrz=MRZ.replace("L8", "L9"))
    with pytest.raises(KioskError) as refused_by_the_chip:
        read_com([*ANSWERS[:3], b"\x63\x00"])
    assert refused_by_us.value.code == refused_by_the_chip.value.code == Fault.CHIP_ACCESS


@pytest.mark.parametrize("number", range(3, 7))
@pytest.mark.parametrize("at", [0, 3, 12])
def test_one_flipped_bit_is_noticed(number: int, at: int) -> None:
    answers = list(ANSWERS)
    flipped = bytearray(answers[number])
    flipped[at] ^= 1
    answers[number] = bytes(flipped)
    with pytest.raises(KioskError) as caught:
        read_com(answers)
    assert caught.value.code in (Fault.CHIP_ACCESS, Fault.CHIP_UNREADABLE)


def test_an_answer_given_twice_is_noticed() -> None:
    with pytest.raises(KioskError) as caught:
        read_com([*ANSWERS[:6], ANSWERS[5]])
    assert caught.value.code == Fault.CHIP_UNREADABLE


@settings(max_examples=300)
@given(st.integers(1, 6), st.binary(min_size=2, max_size=80))
def test_any_answer_is_a_typed_error(number: int, noise: bytes) -> None:
    answers = list(ANSWERS)
    answers[number] = noise
    outcome: Any
    try:
        outcome = read_com(answers)[0]
    except KioskError as error:
        outcome = error.code
    assert outcome in (EF_COM, Fault.CHIP_ACCESS, Fault.CHIP_UNREADABLE)
    assert outcome != EF_COM or noise[-2:] == b"\x90\x00"
