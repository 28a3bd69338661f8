"""Who is it? By the phone, by the citizen card, or in whichever way is left.

The phone comes first, since most people have one; every other way is one touch away, and a card
shown to the code reader chooses itself.
"""

from __future__ import annotations

from uuid import UUID

import uuid_utils.compat as uuid_utils

from drivers.contract import DeviceError
from kiosk.failures import Fault, KioskError
from kiosk.identity.card_qr import ClaimedIdentity
from kiosk.link import messages
from kiosk.session import BACK, NEXT, Outcome, Record, Session, discard
from kiosk.steps import by_card, by_phone, by_screen, by_staff
from kiosk.steps.by_staff import Vouched
from kiosk.views import Choose, Text, Way, WaysView

_PICTURES = {
    "phone": "phone_qr",
    "screen": "phone_scan",
    "card": "id_card",
    "officer": "help_person",
}
_NO_PROVIDER = {Fault.LINK_OFFLINE, Fault.LINK_ABSENT, Fault.LINK_TIMEOUT}


async def run(session: Session) -> Outcome:
    way, offline = "phone", False
    claim: ClaimedIdentity | None = None
    while True:
        try:
            known = await _by(session, way, claim)
        except (DeviceError, KioskError) as error:
            silent = error.code in _NO_PROVIDER
            offline |= silent
            if not _others(session, way, offline=offline):
                raise
            todo = "identify.or-other" if silent else ""
            known = await session.tell(error, instead="other", todo=todo)
            if known == "retry":
                continue
        if isinstance(known, messages.Identity):
            _open_draft(session, known, uuid_utils.uuid7())
            return NEXT
        if isinstance(known, Vouched):
            _vouch(session, known)
            return NEXT
        if isinstance(known, ClaimedIdentity):
            way, claim = "card", known
            continue
        claim = None
        way = await _another(session, way, offline=offline) if known == "other" else ""
        if not way:
            return BACK


async def _by(
    session: Session, way: str, claim: ClaimedIdentity | None
) -> messages.Identity | ClaimedIdentity | Vouched | str:
    if way == "card":
        return await by_card.run(session, claim)
    if way == "screen":
        return await by_screen.run(session)
    if way == "officer":
        return await by_staff.run(session)
    return await by_phone.run(session, others=bool(_others(session, "phone")))


def _others(session: Session, way: str, *, offline: bool = False) -> tuple[str, ...]:
    """The ways besides ``way``; without network no provider can be asked. Those that need no phone
    come first: who wants another way has mostly none at hand."""
    there = {
        "card": by_card.possible(session),
        "officer": by_staff.possible(session),
        "phone": not offline,
        "screen": not offline and by_screen.possible(session),
    }
    return tuple(name for name, possible in there.items() if possible and name != way)


async def _another(session: Session, way: str, *, offline: bool) -> str:
    """The only other way, or that which the person chooses; empty to go back."""
    others = _others(session, way, offline=offline)
    if len(others) <= 1:
        return "".join(others)
    view = WaysView(
        ways=tuple(
            Way(name, _PICTURES[name], Text(f"ways.{name}.title"), Text(f"ways.{name}.hint"))
            for name in others
        ),
        notice=Text("ways.offline") if offline else None,
        **session.progress,
    )
    intent = await session.ask(view)
    return intent.choice if isinstance(intent, Choose) and intent.choice in others else ""


def _open_draft(session: Session, identity: messages.Identity, dossier: UUID) -> None:
    """A new person means a new record: nothing of an earlier one may come along."""
    if session.record.dossier:
        discard(session.kiosk, session.record.dossier, why="identified-again")
    session.record = Record(procedure=session.procedure, identity=identity, dossier=dossier)
    session.kiosk.outbox.new_draft(dossier, session.procedure.id)
    session.kiosk.journal.append("identified", dossier=str(dossier), method=identity.method)


def _vouch(session: Session, known: Vouched) -> None:
    _open_draft(session, known.identity, known.vouch.dossier)
    session.record.grade, session.record.vouch = "vouched", known.vouch
    session.kiosk.journal.append(
        "vouched",
        dossier=str(known.vouch.dossier),
        reason=known.vouch.reason,
        card=known.vouch.card,
    )
