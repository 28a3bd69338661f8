"""SecurityInfos: what a chip says it can do, in EF.CardAccess and in DG14 (Doc 9303-11, 9.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from asn1crypto import core

from kiosk.identity import ciphers, curves
from kiosk.identity.ciphers import Suite
from kiosk.identity.curves import Curve, PublicKey
from kiosk.identity.tlv import unreadable

_BSI = "0.4.0.127.0.7"
_CHIP_KEY = f"{_BSI}.2.2.1.2"  # id-PK-ECDH
_CHIP_AUTHENTICATION = f"{_BSI}.2.2.3.2"  # id-CA-ECDH
_PACE = f"{_BSI}.2.2.4.2"  # id-PACE-ECDH-GM
_ACTIVE_AUTHENTICATION = "2.23.136.1.1.5"
_PLAIN_ECDSA = {f"{_BSI}.1.1.4.1.{n}": size for n, size in enumerate((1, 224, 256, 384, 512), 1)}


_Offer = TypeVar("_Offer", bound="Protocol")


class _Info(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("protocol", core.ObjectIdentifier),
        ("required", core.Any),
        ("optional", core.Any, {"optional": True}),
    ]


class _Infos(core.SetOf):  # type: ignore[misc]
    _child_spec = _Info


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way that a chip offers. ``oid``: without tag and length, as commands carry it."""

    oid: bytes
    suite: Suite


@dataclass(frozen=True, slots=True)
class PaceOffer(Protocol):
    """PACE with generic mapping over ``curve``, whose number is ``parameter_id`` (table 12)."""

    curve: Curve
    parameter_id: int


@dataclass(frozen=True, slots=True)
class ChipAuthenticationOffer(Protocol):
    """``key_id`` where the chip has several keys, or None."""

    key: PublicKey
    key_id: int | None


@dataclass(frozen=True, slots=True)
class SecurityInfos:
    """What this kiosk can use of an offer; the surest first. ``signature_hash``: bits of the hash
    in active authentication with an elliptic key, or None (1 stands for SHA-1)."""

    pace: tuple[PaceOffer, ...] = ()
    chip_authentication: tuple[ChipAuthenticationOffer, ...] = ()
    signature_hash: int | None = None


def parse(data: bytes) -> SecurityInfos:
    """Raises KioskError (CHIP_UNREADABLE) for what is no such set; unknown entries are skipped."""
    try:
        infos = [_entry(info) for info in _Infos.load(data, strict=True)]
        return SecurityInfos(
            pace=_sorted(_pace_offers(infos)),
            chip_authentication=_sorted(_chip_offers(infos)),
            signature_hash=_signature_hash(infos),
        )
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise unreadable(f"security infos: {type(error).__name__}") from None


@dataclass(frozen=True, slots=True)
class _Entry:
    protocol: str
    oid: bytes
    required: core.Any
    optional: core.Any

    @property
    def suite(self) -> Suite | None:
        return ciphers.BY_NUMBER.get(int(self.protocol.rpartition(".")[2]))

    def under(self, family: str) -> bool:
        return self.protocol.rpartition(".")[0] == family

    @property
    def number(self) -> int | None:
        """The optional part, where it is a number."""
        value = self.optional.native
        return value if isinstance(value, int) else None


def _entry(info: _Info) -> _Entry:
    protocol = info["protocol"]
    return _Entry(protocol.dotted, protocol.contents, info["required"], info["optional"])


def _pace_offers(infos: list[_Entry]) -> list[PaceOffer]:
    offers = []
    for info in infos:
        curve = curves.BY_PARAMETER_ID.get(info.number or 0)
        if info.under(_PACE) and info.suite and curve:
            offers.append(PaceOffer(info.oid, info.suite, curve, info.number or 0))
    return offers


def _chip_offers(infos: list[_Entry]) -> list[ChipAuthenticationOffer]:
    """Each protocol with the key of its id; a chip of one key often leaves the protocol out."""
    keys = [
        (info.number, curves.public_key(info.required.dump()))
        for info in infos
        if info.protocol == _CHIP_KEY
    ]
    protocols = [info for info in infos if info.under(_CHIP_AUTHENTICATION) and info.suite]
    offers = []
    for info in protocols:
        for key_id, key in keys:
            if info.suite and (info.number == key_id or len(keys) == 1):
                offers.append(ChipAuthenticationOffer(info.oid, info.suite, key, key_id))
    if keys and not protocols:
        oid = core.ObjectIdentifier(f"{_CHIP_AUTHENTICATION}.1").contents
        offers.append(ChipAuthenticationOffer(oid, ciphers.TRIPLE_DES, keys[0][1], keys[0][0]))
    return offers


def _signature_hash(infos: list[_Entry]) -> int | None:
    for info in infos:
        if info.protocol == _ACTIVE_AUTHENTICATION:
            return _PLAIN_ECDSA.get(info.optional.native)
    return None


def _sorted(offers: list[_Offer]) -> tuple[_Offer, ...]:
    return tuple(sorted(offers, key=lambda offer: offer.suite.block, reverse=True))
