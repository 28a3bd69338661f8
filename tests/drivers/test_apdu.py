"""ISO/IEC 7816-4 lengths, chains and answers that come in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.apdu import AnswerError, Command, exchange, parsed, short_commands
from drivers.emulators.card import FileCard

HEADER = bytes.fromhex("00B00000")


@pytest.mark.parametrize(
    ("apdu", "command"),
    [
        ("00B00000", Command(HEADER)),
        ("00B0000000", Command(HEADER, b"", 256)),
        ("00B000000201FF", Command(HEADER, b"\x01\xff")),
        ("00B000000201FF10", Command(HEADER, b"\x01\xff", 16)),
        ("00B00000000000", Command(HEADER, b"", 65_536)),
        ("00B00000000400", Command(HEADER, b"", 1024)),
    ],
)
def test_the_cases_of_the_standard(apdu: str, command: Command) -> None:
    assert parsed(bytes.fromhex(apdu)) == command
    assert command.encoded() == bytes.fromhex(apdu)


@given(st.binary(max_size=700), st.sampled_from([0, 1, 255, 256, 257, 65_536]))
def test_a_command_survives_its_encoding(data: bytes, expected: int) -> None:
    command = Command(HEADER, data, expected)
    assert parsed(command.encoded()) == command


@pytest.mark.parametrize(
    "apdu", ["", "00B000", "00B000000201", "00B00000030102", "00B0000000000201"]
)
def test_what_is_no_command(apdu: str) -> None:
    with pytest.raises(ValueError, match=r"shorter|lengths"):
        parsed(bytes.fromhex(apdu))


def test_a_long_command_becomes_a_chain() -> None:
    parts = short_commands(Command(HEADER, bytes(600), 1000))
    assert [part.header[0] for part in parts] == [0x10, 0x10, 0x00]
    assert [len(part.data) for part in parts] == [255, 255, 90]
    assert [part.expected for part in parts] == [0, 0, 256]
    assert not any(part.extended for part in parts)


@given(st.binary(min_size=1, max_size=3000), st.booleans())
def test_an_echo_comes_back_whole_over_either_wire(data: bytes, extended: bool) -> None:
    card = FileCard({})
    command = Command(bytes.fromhex("00F00000"), data, 4096).encoded()
    assert exchange(card.answer, command, extended=extended) == data + b"\x90\x00"


def test_the_length_that_the_card_names_is_asked_for() -> None:
    answer = exchange(FileCard({}).answer, bytes.fromhex("00F2000000"))
    assert (len(answer), answer[-2:]) == (202, b"\x90\x00")


@pytest.mark.parametrize("answer", [b"\x61\x10", b"", b"\x90", b"\x00\x07", b"\x6c\x05"])
def test_answers_without_end_or_sense(answer: bytes) -> None:
    try:
        assert exchange(lambda _: answer, bytes.fromhex("00B0000005")) == b"\x6c\x05"
    except AnswerError:
        assert answer != b"\x6c\x05"


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8))
def test_any_answers_end_in_an_answer_or_a_typed_error(answers: list[bytes]) -> None:
    turns = 0

    def card(_: bytes) -> bytes:
        nonlocal turns
        turns += 1
        return answers[turns % len(answers)]

    try:
        assert len(exchange(card, bytes.fromhex("00B0000000"))) >= 2
    except AnswerError:
        pass
    assert turns <= 300
