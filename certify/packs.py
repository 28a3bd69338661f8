"""Procedure packs: many procedures in one file, which the portal publishes for all kiosks.

A pack is a map in deterministic CBOR: ``name``, ``version``, ``effective`` (ISO date),
``procedures`` (the TOML text of each, by id) and ``withdrawn`` (ids). It bears no signature: the
policy that the anchor signs names it by SHA-256, with its name and the first day of its force.
What a procedure's text means is none of this module's business.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.errors import CertifyError, Fault
from certify.trust import NamedPack, load_policy

MAX_PACK = 8 * 1024 * 1024
"""Bytes: what a line of 1 Mbit/s brings in a minute; 700 procedures are less than one million."""

NAME = re.compile(r"[a-z0-9-]{1,64}")
"""Of packs and of procedures; a whole name must match."""

_VIETNAM = timezone(timedelta(hours=7))
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pack:
    """``effective``: the first day of its force, in Vietnam's time. ``procedures``: TOML by id."""

    name: str
    version: int
    effective: date
    procedures: Mapping[str, str]
    withdrawn: frozenset[str] = frozenset()


def encode(pack: Pack) -> bytes:
    """Raises CertifyError (PACK_INVALID) for what :func:`decode` would refuse."""
    data = cose.encode(
        {
            "name": pack.name,
            "version": pack.version,
            "effective": pack.effective.isoformat(),
            "procedures": dict(pack.procedures),
            "withdrawn": sorted(pack.withdrawn),
        }
    )
    decode(data)
    return data


def decode(data: bytes) -> Pack:
    """Raises CertifyError (PACK_INVALID)."""
    if len(data) > MAX_PACK:
        raise _invalid(f"over {MAX_PACK} bytes")
    try:
        pack = _pack(cose.decode(data))
    except ValueError as error:
        raise _invalid(str(error)) from None
    names = {pack.name, *pack.procedures, *pack.withdrawn}
    if not all(NAME.fullmatch(name) for name in names):
        raise _invalid("a name may have small letters, digits and dashes, 64 at most")
    if both := pack.withdrawn & set(pack.procedures):
        raise _invalid(f"both given and withdrawn: {sorted(both)}")
    return pack


def _pack(body: Any) -> Pack:
    match body:
        case {
            "name": str() as name,
            "version": int() as version,
            "effective": str() as effective,
            "procedures": dict() as procedures,
            "withdrawn": list() as withdrawn,
        } if len(body) == 5 and version >= 1:
            texts = [*procedures, *procedures.values(), *withdrawn]
            if all(isinstance(text, str) for text in texts):
                day = date.fromisoformat(effective)
                return Pack(name, version, day, procedures, frozenset(withdrawn))
    raise ValueError("not the fields of a pack")


def name_of(data: bytes) -> NamedPack:
    """How a policy names this pack. Raises CertifyError (PACK_INVALID)."""
    pack = decode(data)
    return NamedPack(pack.name, pack.effective, hashlib.sha256(data).hexdigest())


def open_named(data: bytes, named: NamedPack) -> Pack:
    """Raises CertifyError (PACK_INVALID) unless ``data`` is the very pack that a policy names."""
    if len(data) > MAX_PACK or hashlib.sha256(data).hexdigest() != named.sha256:
        raise _invalid(f"{named.name}: not the file that the policy names")
    pack = decode(data)
    if (pack.name, pack.effective) != (named.name, named.effective):
        raise _invalid(f"{named.name}: the policy gives it another name or day")
    return pack


def named_by(policy: bytes, anchor: ec.EllipticCurvePublicKey) -> tuple[NamedPack, ...]:
    """The packs that a signed policy names, be it expired or not: its end takes away what a kiosk
    may do by itself, and must not bring back the procedures of yesterday.

    Raises CertifyError (BUNDLE_INVALID).
    """
    return load_policy(policy, anchor, at=_BEGINNING).procedure_packs


def file_name(sha256: str) -> str:
    return f"{sha256}.pack"


def in_force(named: Iterable[NamedPack], at: datetime) -> list[NamedPack]:
    """Of each name the one with the latest day that has begun, and of two for one day the latter.
    They stay in the order of the policy: what a later pack says of a procedure counts."""
    day = at.astimezone(_VIETNAM).date()
    begun = [pack for pack in named if pack.effective <= day]
    newest: dict[str, NamedPack] = {}
    for pack in begun:
        if pack.name not in newest or newest[pack.name].effective <= pack.effective:
            newest[pack.name] = pack
    return [pack for pack in begun if newest[pack.name] is pack]


def _invalid(detail: str) -> CertifyError:
    return CertifyError(Fault.PACK_INVALID, detail)
