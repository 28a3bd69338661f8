"""The citizen card: its printed code is the key, and its chip the proof. It works offline.

Where the kiosk has no card reader, the printed code alone fills in the form; what it says is a
claim, enough only where an officer looks anyway.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from certify.errors import CertifyError
from certify.trust import TrustBundle, load_bundle
from drivers.contract import DeviceError, Health
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.identity import card_qr, citizen_card
from kiosk.identity.access import Password
from kiosk.identity.card_qr import ClaimedIdentity
from kiosk.identity.citizen_card import STEPS, ReadCard
from kiosk.identity.passive import IssuerTrust
from kiosk.link import messages
from kiosk.policy import current_trust
from kiosk.session import Session
from kiosk.views import CardView, Choose, Intent, KeypadView, Text, Typed

_DIGITS = 6
_TRIES = 3
_LOOK_AGAIN = 0.3  # seconds between two looks whether the card was taken back
_SELECT_ROOT = bytes.fromhex("00A4000C023F00")
_LAY_AGAIN = {
    DeviceFault.CARD_GARBLED,
    DeviceFault.CARD_MUTE,
    DeviceFault.CARD_PROTOCOL,
    DeviceFault.CARD_REMOVED,
    DeviceFault.CARD_SEVERAL,
    Fault.CHIP_UNREADABLE,
}
"""Told on the spot, a few times; anything else is a fault screen."""
_CLAIM_WILL_DO = {
    *_LAY_AGAIN,
    DeviceFault.CARD_READER_ABSENT,
    DeviceFault.CARD_READER_BUSY,
    DeviceFault.CARD_READER_SERVICE,
    Fault.CHIP_EXPIRED,
    Fault.CHIP_SIGNER_EXPIRED,
}
"""Nothing here speaks against the person. A copied or altered chip does: it stops."""


@dataclass(frozen=True, slots=True)
class _Key:
    """``claim``: what the printed code says; None when digits were typed."""

    passwords: list[Password]
    claim: ClaimedIdentity | None = None


def possible(session: Session) -> bool:
    reader = session.kiosk.reader.status().health is not Health.ABSENT
    return _has_chip_reader(session) or (reader and _claim_is_enough(session))


async def run(session: Session, claim: ClaimedIdentity | None = None) -> messages.Identity | str:
    """The person, or "back" or "other". ``claim``: of a code that was shown already.

    Raises DeviceError, KioskError.
    """
    key = _Key(citizen_card.passwords_of_claim(claim), claim) if claim else None
    problem: Text | None = None
    while True:
        key = key or await _key(session, problem)
        if key is None:
            return "other"
        if key.claim and not _has_chip_reader(session):
            return _claimed(session, key.claim)
        try:
            card = await _read(session, key)
        except (DeviceError, KioskError) as error:
            if error.code == Fault.CHIP_ACCESS:
                key, problem = None, Text(failure_of(error).happened)
                continue
            return await _without_chip(session, key, error)
        if card is None:
            return "other"
        await taken_back(session)
        return _proven_by_chip(card)


# -- the key ---------------------------------------------------------------------------------


async def _key(session: Session, problem: Text | None) -> _Key | None:
    """None when the person wants another way."""
    while True:
        try:
            answer = await _shown(session, problem)
        except DeviceError as error:
            if not (error.code.startswith("device.reader.") and _has_chip_reader(session)):
                raise
            return await _typed(session, Text(failure_of(error).happened))
        if answer == Choose("type"):
            if key := await _typed(session, None):
                return key
            problem = None
        elif isinstance(answer, Intent):
            return None
        elif claim := card_qr.recognised(answer):
            return _Key(citizen_card.passwords_of_claim(claim), claim)
        else:
            problem = Text("card.other-code")


async def _shown(session: Session, problem: Text | None) -> Intent | str:
    view = CardView(
        state="code", problem=problem, typing=_has_chip_reader(session), **session.progress
    )
    return await session.race(view, session.kiosk.reader.read)


async def _typed(session: Session, problem: Text | None) -> _Key | None:
    """The access number, six digits on the card."""
    view = KeypadView(
        purpose="can",
        title=Text("card.digits-title"),
        lead=Text("card.digits-lead"),
        length=_DIGITS,
        problem=problem,
        **session.progress,
    )
    answer = await session.ask(view)
    if not isinstance(answer, Typed) or len(answer.text) != _DIGITS or not answer.text.isdecimal():
        return None
    return _Key([Password.of_can(answer.text)])


async def printed_claim(session: Session) -> ClaimedIdentity | None:
    """What the card's printed code says, for whoever looks at the card; None to go back."""
    problem: Text | None = None
    while True:
        view = CardView(state="code", problem=problem, **session.progress)
        answer = await session.race(view, session.kiosk.reader.read)
        if isinstance(answer, Intent):
            return None
        if claim := card_qr.recognised(answer):
            return claim
        problem = Text("card.other-code")


# -- the chip --------------------------------------------------------------------------------


async def _read(session: Session, key: _Key) -> ReadCard | None:
    """None when the person went back. Raises DeviceError, KioskError after some tries."""
    trust = await _trust(session)
    problem: Text | None = None
    for tries_left in reversed(range(_TRIES)):
        try:
            view = CardView(state="lay", problem=problem, **session.progress)
            atr = await session.race(view, session.kiosk.cards.wait_for_card)
            if isinstance(atr, Intent):
                return None
            return await _believed(session, key, trust)
        except (DeviceError, KioskError) as error:
            await _powered_down(session)
            if error.code not in _LAY_AGAIN or not tries_left:
                raise
            problem = Text(failure_of(error).happened)
    raise AssertionError("the last try returns or raises")


async def _believed(session: Session, key: _Key, trust: IssuerTrust) -> ReadCard:
    def show(done: int) -> None:
        session.present(CardView(state="reading", done=done, total=STEPS, **session.progress))

    show(0)
    async with session.busy():
        now = session.kiosk.clock()
        card = await citizen_card.read(session.kiosk.cards, key.passwords, trust, now, show)
    if key.claim and key.claim.number != card.fields.number:
        raise KioskError(Fault.CHIP_ACCESS, "the code is of another card", retryable=True)
    return card


async def _trust(session: Session) -> IssuerTrust:
    """Which states the portal-signed bundle lets this kiosk believe."""
    bundle = await trust_bundle(session)
    return IssuerTrust.of_der(bundle.chip_roots, bundle.revoked_signers)


async def trust_bundle(session: Session) -> TrustBundle:
    """A bundle that has run out lets nobody be believed: KioskError (CHIP_SIGNER_EXPIRED)."""
    kiosk = session.kiosk
    try:
        return load_bundle(await current_trust(kiosk.link), kiosk.trust_anchor, at=kiosk.clock())
    except (CertifyError, KioskError) as error:
        raise KioskError(Fault.CHIP_SIGNER_EXPIRED, f"trust bundle: {error.code}") from None


async def taken_back(session: Session) -> None:
    """A card left on the reader is a card lost: nothing goes on before it is lifted, which the
    reader sees; there is no button, since a touch says nothing of where the card is."""
    cards = session.kiosk.cards

    async def lifted() -> None:
        try:
            while True:
                await cards.transmit([_SELECT_ROOT])
                await asyncio.sleep(_LOOK_AGAIN)
        except DeviceError:
            return

    await session.race(CardView(state="take", can_go_back=False, **session.progress), lifted)
    await _powered_down(session)


async def _powered_down(session: Session) -> None:
    """Nothing of a card counts for whoever comes next."""
    try:
        await session.kiosk.cards.release()
    except DeviceError:
        pass  # nothing is left to power down


# -- who it is -------------------------------------------------------------------------------


async def _without_chip(
    session: Session, key: _Key, error: DeviceError | KioskError
) -> messages.Identity | str:
    """What the person wants to do about a chip that cannot be read or believed."""
    claim = key.claim if error.code in _CLAIM_WILL_DO and _claim_is_enough(session) else None
    answer = await session.tell(error, skippable=claim is not None, instead="other")
    if answer == "skip" and claim:
        return _claimed(session, claim)
    if answer == "retry":
        return await run(session, key.claim)
    return answer if answer == "other" else "back"


def _claimed(session: Session, claim: ClaimedIdentity) -> messages.Identity:
    if not _claim_is_enough(session):
        raise KioskError(Fault.IDENTITY_UNPROVEN)
    return as_printed(claim, "card-qr")


def as_printed(claim: ClaimedIdentity, method: Literal["card-qr", "staff"]) -> messages.Identity:
    """What stands on a card; only its print says so, or also an officer."""
    return messages.Identity(
        full_name=claim.name,
        citizen_number=claim.number,
        birth_date=claim.birth_date,
        level=0,
        method=method,
        provable=False,
    )


def _proven_by_chip(card: ReadCard) -> messages.Identity:
    fields = card.fields
    return messages.Identity(
        full_name=fields.name,
        citizen_number=fields.number,
        birth_date=fields.birth_date,
        level=0,
        method="chip",
        photo=card.photo,
        provable=card.clone_check is not None,
    )


def _has_chip_reader(session: Session) -> bool:
    return session.kiosk.cards.status().health is not Health.ABSENT


def _claim_is_enough(session: Session) -> bool:
    return session.procedure.identity == "claimed"
