"""VietQR payloads: EMVCo merchant-presented QR (field 38 of NAPAS), made and read.

Fields are two digits of id, two of length, then the value; the last one is a CRC-16/CCITT-FALSE
over everything up to and with its own id and length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAPAS = "A000000727"
_TO_ACCOUNT = "QRIBFTTA"
_DONG = "704"


@dataclass(frozen=True, slots=True)
class Payment:
    """``bank``: BIN of 6 digits; ``amount`` in dong; ``reference``: at most 25 characters."""

    bank: str
    account: str
    amount: int
    reference: str


def encode(payment: Payment) -> str:
    beneficiary = _fields({"00": payment.bank, "01": payment.account})
    merchant = _fields({"00": NAPAS, "01": beneficiary, "02": _TO_ACCOUNT})
    body = _fields(
        {
            "00": "01",
            "01": "12",  # for one payment only
            "38": merchant,
            "53": _DONG,
            "54": str(payment.amount),
            "58": "VN",
            "62": _fields({"08": payment.reference}),
        }
    )
    return f"{body}6304{crc16(f'{body}6304'.encode()):04X}"


def decode(payload: str) -> Payment:
    """Raises ValueError for anything that a bank's app would not pay as it stands."""
    if len(payload) < 8 or payload[-8:-4] != "6304":
        raise ValueError("no checksum")
    if f"{crc16(payload[:-4].encode()):04X}" != payload[-4:].upper():
        raise ValueError("checksum")
    fields = _parsed(payload)
    merchant = _parsed(fields.get("38", ""))
    beneficiary = _parsed(merchant.get("01", ""))
    if merchant.get("00") != NAPAS or fields.get("53") != _DONG:
        raise ValueError("not a payment in dong by NAPAS")
    try:
        return Payment(
            bank=beneficiary["00"],
            account=beneficiary["01"],
            amount=int(fields["54"]),
            reference=_parsed(fields["62"])["08"],
        )
    except KeyError as error:
        raise ValueError(f"no field {error}") from None


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
        value &= 0xFFFF
    return value


def _fields(values: Mapping[str, str]) -> str:
    return "".join(f"{name}{len(value):02}{value}" for name, value in values.items())


def _parsed(text: str) -> dict[str, str]:
    found, rest = {}, text
    while rest:
        name, length = rest[:2], rest[2:4]
        if not (length.isascii() and length.isdecimal() and len(rest) >= 4 + int(length)):
            raise ValueError("fields")
        found[name] = rest[4 : 4 + int(length)]
        rest = rest[4 + int(length) :]
    return found
