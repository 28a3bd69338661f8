"""Locking: the draft becomes a dossier that this kiosk can never open again."""

from __future__ import annotations

import json
import secrets
from datetime import date, datetime, timedelta
from typing import Any, Literal

from kiosk import fees
from kiosk.session import Session
from offline_queue.manifest import Applicant, Fee, Manifest, Paper, Part, WrappedKey

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letter that looks like a digit
Mode = Literal["pre-check", "post-check", "filing"]


def dossier_code(session: Session) -> str:
    """``<agency>-YYMMDD-NNNN`` from the leased block, burned on disk before anybody sees it.

    Raises CertifyError (NUMBERS_EXHAUSTED, LEASE_EXPIRED).
    """
    now = session.kiosk.clock()
    burned = session.kiosk.numbers.burn("dossier", now.year, at=now)
    return f"{session.kiosk.settings.site.agency_code}-{now:%y%m%d}-{burned.number:04}"


def new_slip_secret() -> str:
    """10 characters (50 bits) that open a dossier's page to whoever holds the slip."""
    return "".join(secrets.choice(_CROCKFORD) for _ in range(10))


def save_answers(session: Session) -> None:
    """The personal part of the dossier, as the encrypted part ``answers.json``."""
    identity, record = session.identity, session.record
    record.slip_secret = record.slip_secret or new_slip_secret()
    answers: dict[str, Any] = {
        "procedure": session.procedure.id,
        "applicant": {
            "full_name": identity.full_name,
            "citizen_number": identity.citizen_number,
            "birth_date": identity.birth_date.isoformat() if identity.birth_date else None,
        },
        "slip_secret": record.slip_secret,
        "answers": {"copies": record.copies},
    }
    if record.vouch:
        answers["vouch"] = record.vouch.model_dump(mode="json")
    data = json.dumps(answers, ensure_ascii=False).encode()
    session.kiosk.outbox.put_part(session.dossier, "answers.json", "application/json", data)


def lock(session: Session, mode: Mode, *, clock_trusted: bool) -> None:
    """Write the manifest and destroy the kiosk's own key to the parts, durably, in one step."""
    kiosk, record = session.kiosk, session.record
    heads = kiosk.journal.other_heads()  # through this entry they travel in the manifest too
    kiosk.journal.append("locking", dossier=str(session.dossier), mode=mode, **heads)

    def build(key: WrappedKey, parts: tuple[Part, ...]) -> Manifest:
        return Manifest(
            id=session.dossier,
            code=record.code,
            kiosk_id=kiosk.settings.site.kiosk_id,
            agency=kiosk.settings.site.agency_code,
            procedure=session.procedure.id,
            procedure_version=session.procedure.version,
            mode=mode,
            applicants=(_applicant(session),),
            papers=(_paper(session, parts),),
            copies=record.copies,
            fee=_fee(session),
            locked_at=kiosk.clock(),
            clock_trusted=clock_trusted,
            journal_head=kiosk.journal.head,
            key=key,
            parts=parts,
        )

    # From here on the dossier is the portal's: whatever fails next, it must not be discarded.
    record.manifest = kiosk.outbox.lock(session.dossier, build)
    kiosk.journal.append("locked", dossier=str(session.dossier))


def inspection_day(issued: datetime, days: int) -> date:
    """The last day on which an officer must have inspected a copy issued at ``issued``."""
    return issued.date() + timedelta(days=days)


def _applicant(session: Session) -> Applicant:
    return Applicant(
        grade=session.record.grade,
        method=_method(session),
        face_match=session.record.face_match,
    )


def _method(session: Session) -> str:
    """How the person was known; of an officer's word the reason and which card gave it."""
    vouch = session.record.vouch
    return f"staff:{vouch.reason}:{vouch.card}" if vouch else session.identity.method


def _paper(session: Session, parts: tuple[Part, ...]) -> Paper:
    pages = tuple(sorted(part.name for part in parts if part.name.startswith("page-")))
    return Paper(paper_class=session.procedure.paper_class, pages=pages)


def _fee(session: Session) -> Fee:
    amount = fees.amount(session)
    return Fee(
        rule=session.procedure.fee.rule, amount=amount, state="due-at-desk" if amount else "free"
    )
