"""What this kiosk offers: the procedures built in, and over them those of packs in force."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from certify import packs
from certify.errors import CertifyError
from certify.packs import Pack
from certify.trust import NamedPack
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.procedures import Procedure, parse, procedures

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Read:
    """A pack with its procedures understood, by id."""

    pack: Pack
    procedures: Mapping[str, Procedure]


class Shelf:
    """Link keeps the packs; here they are checked against the anchor once more and understood, each
    once. What cannot be had or read leaves the shelf as it was."""

    def __init__(self, link: LinkClient, anchor: EllipticCurvePublicKey) -> None:
        self._link = link
        self._anchor = anchor
        self._read: dict[NamedPack, _Read] = {}
        self._lock = asyncio.Lock()

    async def keep_fresh(self) -> None:
        """Until cancelled: so that a large pack is understood before somebody waits for it."""
        while True:
            await self.refresh()
            await asyncio.sleep(EVERY_SECONDS)

    async def refresh(self) -> None:
        async with self._lock:
            try:
                answer = await self._link.call(verbs.PACKS, messages.Empty())
                if not answer.policy:
                    return
                named = packs.named_by(answer.policy, self._anchor)
                self._read = {
                    each: self._read.get(each) or await self._fetch(each) for each in named
                }
            except (KioskError, CertifyError) as error:
                log.warning("procedure packs stay as they are: %s", error)

    def on(self, at: datetime) -> dict[str, Procedure]:
        """The procedures on offer at ``at`` by id."""
        offered = dict(procedures())
        for named in packs.in_force(self._read, at):
            read = self._read[named]
            for withdrawn in read.pack.withdrawn:
                offered.pop(withdrawn, None)
            offered |= read.procedures
        return offered

    async def _fetch(self, named: NamedPack) -> _Read:
        answer = await self._link.call(verbs.PACK, messages.PackRequest(sha256=named.sha256))
        return await asyncio.to_thread(_understand, answer.pack, named)


def _understand(data: bytes, named: NamedPack) -> _Read:
    """One bad procedure takes none of the others down; the one built in stays instead."""
    pack = packs.open_named(data, named)
    good: dict[str, Procedure] = {}
    for name, text in pack.procedures.items():
        try:
            good[name] = parse_packed(pack.name, name, text)
        except KioskError as error:
            log.error("a procedure is left out: %s", error)
    return _Read(pack, good)


def parse_packed(pack: str, name: str, text: str) -> Procedure:
    """Raises KioskError (SETTINGS_INVALID)."""
    procedure = parse(f"{pack}/{name}", text)
    if procedure.id != name:
        raise KioskError(Fault.SETTINGS_INVALID, f"{pack}/{name}: id: it is packed as {name}")
    return procedure
