"""PACE by the worked example of ICAO 9303-11, appendix G.1 (brainpoolP256r1, AES-128)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.failures import Fault, KioskError
from kiosk.identity import access, ciphers, curves, security_infos
from kiosk.identity.access import Chance, Password
from kiosk.identity.chip import Chip
from kiosk.identity.ciphers import AES_128, AES_192, AES_256
from kiosk.sandbox.card_state import card_access, spelt_out
from tests.kiosk.identity.test_chip import ScriptedReader

ZONE = "T22000129364081251010318"
CARD_ACCESS = bytes.fromhex("31143012060A04007F0007020204020202010202010D")
SCALARS = (
    0x7F4EF07B9EA82FD78AD689B38D0BC78CF21F249D953BC46F4C6E19259C010F99,
    0xA73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595,
)
MY_KEY = (
    "2DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C"
    "3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB36462"
)
CHIP_KEY = (
    "9E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB"
    "7764B22277A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F094"
)
EXCHANGE = (
    ("0022C1A412800A04007F0007020204020283010184010D", "9000"),
    ("10860000027C0000", "7C12801095A3A016522EE98D01E76CB6B98B42C39000"),
    (
        "10860000457C438141047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E"
        "544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D00",
        "7C43824104824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F57"
        "30D8C879AAA9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C549000",
    ),
    (f"10860000457C43834104{MY_KEY}00", f"7C43844104{CHIP_KEY}9000"),
    ("008600000C7C0A8508C2B0BD78D94BA86600", "7C0A86083ABB9674BCE93C089000"),
    # SELECT of the application, the first command behind AES.
    (
        "0CA4040C1D871101752F676B09FAC86A87D632749A49C7CC8E08C18BA1FCE707BD9F00",
        "990290008E08BEA7B381C494A0799000",
    ),
)
ANSWERS = [bytes.fromhex(answer) for _, answer in EXCHANGE]


def opened(answers: list[bytes], zone: str = ZONE) -> list[bytes]:
    """What was sent while the chip was opened."""
    scalars = iter(SCALARS)

    async def main() -> list[bytes]:
        reader = ScriptedReader(answers)
        chip = Chip(reader)
        offer = security_infos.parse(CARD_ACCESS).pace[0]
        chance = Chance(scalar=lambda _: next(scalars))
        chip.channel = await access.pace(chip, offer, Password.of_mrz(zone), chance)
        await chip.select_application()
        return reader.asked

    return asyncio.run(main())


def test_the_worked_example_command_by_command() -> None:
    assert opened(ANSWERS) == [bytes.fromhex(command) for command, _ in EXCHANGE]


def test_the_steps_between() -> None:
    key = ciphers.password_key(AES_128, Password.of_mrz(ZONE).secret)
    assert key.hex().upper() == "89DED1B26624EC1E634C1989302849DD"
    nonce = AES_128.decrypt(key, bytes.fromhex("95A3A016522EE98D01E76CB6B98B42C3"))
    assert nonce.hex().upper() == "3F00C4D39D153F2B2A214A078D899B22"
    curve = curves.BY_PARAMETER_ID[13]
    theirs = curve.decoded(bytes.fromhex("04" + EXCHANGE[2][1][10:138]))
    shared = curve.multiple(SCALARS[0], theirs)
    base = curve.sum(curve.multiple_of_base(int.from_bytes(nonce, "big")), shared)
    assert f"{base[0]:064X}" == "8CED63C91426D4F0EB1435E7CB1D74A46723A0AF21C89634F65A9AE87A9265E2"
    secret = curve.shared_x(SCALARS[1], curve.decoded(bytes.fromhex("04" + CHIP_KEY)))
    keys = ciphers.session_keys(AES_128, secret.to_bytes(32, "big"))
    assert [part.hex().upper() for part in keys] == [
        "F5F0E35C0D7161EE6724EE513A0D9A7F",
        "FE251C7858B356B24514B3BD5F4297D1",
    ]


def refusal(answers: list[bytes], zone: str = ZONE) -> str:
    with pytest.raises(KioskError) as caught:
        opened(answers, zone)
    return caught.value.code


def test_another_password_is_told_by_either_side() -> None:
    assert refusal([*ANSWERS[:4], b"\x63\x00"]) == Fault.CHIP_ACCESS
    forged = bytes.fromhex("7C0A8608000000000000000090" + "00")
    assert refusal([*ANSWERS[:4], forged]) == Fault.CHIP_ACCESS


@pytest.mark.parametrize(
    "point",
    [MY_KEY, CHIP_KEY[:-2] + "00", "00" * 64, CHIP_KEY[:64], "FF" * 64],
    ids=["ours", "off the curve", "zero", "half", "beyond"],
)
def test_a_key_that_no_honest_chip_sends(point: str) -> None:
    size = len(point) // 2 + 1
    answer = bytes([0x7C, size + 2, 0x84, size, 4]) + bytes.fromhex(point) + b"\x90\x00"
    assert refusal([*ANSWERS[:3], answer]) == Fault.CHIP_UNREADABLE


@pytest.mark.parametrize("parameter_id", sorted(curves.BY_PARAMETER_ID))
def test_the_curve_arithmetic_agrees_with_openssl(parameter_id: int) -> None:
    curve = curves.BY_PARAMETER_ID[parameter_id]
    for scalar in (2, 3, 2**64 + 13, curve.named.group_order // 3):
        point = curve.multiple_of_base(scalar)
        assert curve.decoded(curve.encoded(point)) == point
        for factor in (2, 977, 2**31):
            product = scalar * factor % curve.named.group_order
            assert curve.multiple(factor, point) == curve.multiple_of_base(product)
        doubled = curve.sum(point, point)
        assert doubled == curve.multiple_of_base(2 * scalar % curve.named.group_order)


@pytest.mark.parametrize("parameter_id", sorted(curves.BY_PARAMETER_ID))
def test_a_key_whose_curve_is_spelt_out_is_read(parameter_id: int) -> None:
    key = ec.generate_private_key(curves.BY_PARAMETER_ID[parameter_id].named).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert curves.public_key(spelt_out(info).dump()) == curves.public_key(info) == key


def test_an_offer_is_read_and_the_surest_comes_first() -> None:
    both = card_access(aes=False)[2:] + card_access(aes=True, parameter_id=16)[2:]
    offers = security_infos.parse(b"\x31" + bytes([len(both)]) + both).pace
    assert [(offer.suite, offer.parameter_id) for offer in offers] == [
        (AES_128, 16),
        (ciphers.TRIPLE_DES, 13),
    ]


@pytest.mark.parametrize(
    ("suite", "key"),
    [
        # NIST SP 800-38B, appendix D: the empty message.
        (AES_128, ("2b7e151628aed2a6abf7158809cf4f3c", "bb1d6929e9593728")),
        (AES_192, ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "d17ddf46adaacde5")),
        (
            AES_256,
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "028962f61b7bf89e",
            ),
        ),
    ],
)
def test_the_macs_of_aes(suite: Any, key: tuple[str, str]) -> None:
    assert suite.mac(bytes.fromhex(key[0]), b"").hex() == key[1]
