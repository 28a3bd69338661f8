"""An officer beside the person vouches, by card and PIN and for a reason.

What the person's own card says is taken down; the officer's word is signed by the officer's card,
for this dossier alone. It is worth more than a claim and less than a proof: post-check never takes
it, and the portal samples it.
"""

from __future__ import annotations

from dataclasses import dataclass

import uuid_utils.compat as uuid_utils

from certify.trust import TrustBundle
from drivers.contract import Health
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.identity import staff_card
from kiosk.link import messages
from kiosk.session import Session
from kiosk.steps import by_card
from kiosk.views import CardView, Choose, Intent, KeypadView, Text, Typed, Way, WaysView
from offline_queue.vouching import REASONS, Reason, Vouch

PICTURES: dict[Reason, str] = {
    "no-phone": "phone_qr",
    "card": "id_card",
    "face": "face_mismatch",
    "help": "help_person",
}
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Vouched:
    """``vouch``: signed by the card of ``officer``."""

    identity: messages.Identity
    vouch: Vouch
    officer: str


def possible(session: Session) -> bool:
    """Where staff have cards, and where their word is enough."""
    return (
        session.kiosk.settings.identity.staff_cards
        and session.kiosk.cards.status().health is not Health.ABSENT
        and session.procedure.identity != "proven"
    )


async def run(session: Session) -> Vouched | str:
    """The person and the officer's word, or "other" (another way).

    Raises DeviceError; KioskError: STAFF_CARD, STAFF_PIN (too often wrong), STAFF_PIN_LAST,
    STAFF_PIN_BLOCKED,
    CHIP_SIGNER_EXPIRED (no trust bundle that counts).
    """
    bundle = await by_card.trust_bundle(session)
    claim = await by_card.printed_claim(session)
    if claim is None:
        return "other"
    reason = await _reason(session)
    if reason is None:
        return "other"
    word = Vouch(
        dossier=uuid_utils.uuid7(),
        kiosk_id=session.kiosk.settings.site.kiosk_id,
        citizen_number=claim.number,
        reason=reason,
        at=session.kiosk.clock(),
    )
    signed = await _signed(session, word, bundle)
    if signed is None:
        return "other"
    await by_card.taken_back(session)
    return Vouched(by_card.as_printed(claim, "staff"), *signed)


async def _reason(session: Session) -> Reason | None:
    view = WaysView(
        purpose="reasons",
        ways=tuple(
            Way(name, PICTURES[name], Text(f"reasons.{name}.title"), Text(f"reasons.{name}.hint"))
            for name in REASONS
        ),
        **session.progress,
    )
    intent = await session.ask(view)
    chosen = intent.choice if isinstance(intent, Choose) else ""
    return next((reason for reason in REASONS if reason == chosen), None)


async def _signed(session: Session, word: Vouch, bundle: TrustBundle) -> tuple[Vouch, str] | None:
    """None when somebody went back. A wrong PIN is told on the spot, and tried again."""
    problem: Text | None = None
    for left in reversed(range(_TRIES)):
        view = CardView(state="staff", problem=problem, **session.progress)
        if isinstance(await session.race(view, session.kiosk.cards.wait_for_card), Intent):
            return None
        pin = await _pin(session)
        if pin is None:
            return None
        try:
            async with session.busy():
                return await staff_card.vouch(
                    session.kiosk.cards, pin, word, bundle.staff_roots, bundle.revoked_signers
                )
        except KioskError as error:
            if error.code != Fault.STAFF_PIN or not left:
                raise
            problem = Text(failure_of(error).happened)
    raise AssertionError("the last try returns or raises")


async def _pin(session: Session) -> str | None:
    view = KeypadView(
        purpose="pin",
        title=Text("staff.pin-title"),
        lead=Text("staff.pin-lead"),
        length=staff_card.PIN_DIGITS,
        hidden=True,
        **session.progress,
    )
    answer = await session.ask(view)
    if not isinstance(answer, Typed) or not answer.text.isdecimal():
        return None
    return answer.text
