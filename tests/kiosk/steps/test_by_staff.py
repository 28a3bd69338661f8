"""An officer vouches by card, PIN and reason; it is marked, it is no proof, and cards lock."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk import dossiers
from kiosk.failures import Fault
from kiosk.identity.card_qr import parse
from kiosk.sandbox.chip_card import ChipCard
from kiosk.sandbox.staff_card import PIN, StaffAuthority, StaffCard
from kiosk.session import BACK, NEXT
from kiosk.settings import IdentitySettings, Settings
from kiosk.steps import face
from kiosk.views import Back, Choose, Intent, Typed
from offline_queue import vouching
from tests.kiosk.identity.cards import BEARER, NOW, issued
from tests.kiosk.steps import test_identify as stage
from tests.kiosk.steps.test_face import Session as FaceSession
from tests.kiosk.steps.test_identify import CARD_CODE, CardReader, CodeReader, Session, walk

AUTHORITY = StaffAuthority(now=NOW)
OFFICER = "Lê Văn Cán Bộ"


class Reader(CardReader):
    """Each laying down is of ``card``."""

    def __init__(self, card: Any) -> None:
        super().__init__(issued())
        self._held = card

    async def wait_for_card(self) -> bytes:
        self._card = self._held
        return b"\x3b\x00"


def session_of(
    card: Any,
    *pins: str,
    reason: str = "no-phone",
    enough: str = "vouched",
    answers: tuple[str, ...] = (),
    after: tuple[tuple[str, Intent], ...] = (),
) -> Session:
    touches = (
        ("Identify", Choose("other")),
        ("Ways", Choose("officer")),
        ("Ways", Choose(reason)),
        *(("Keypad", Typed(pin)) for pin in pins),
        *after,
    )
    session = Session(
        touches=touches,
        answers=answers,
        enough=enough,
        staff_roots=(AUTHORITY.root_der,),
    )
    session.kiosk.settings = Settings(identity=IdentitySettings(staff_cards=True))
    session.kiosk.cards = Reader(card)
    session.kiosk.reader = CodeReader(CARD_CODE)
    return session


def test_an_officer_vouches_and_it_is_marked() -> None:
    session = session_of(AUTHORITY.card(OFFICER), PIN)
    marked: list[tuple[str, dict[str, str]]] = []
    session.kiosk.journal.append = lambda what, **more: marked.append((what, more))
    assert walk(session) is NEXT
    record = session.record
    assert record.grade == "vouched"
    assert record.vouch is not None
    assert record.identity is not None
    assert (record.identity.method, record.identity.full_name) == ("staff", BEARER.name)
    assert record.vouch.dossier == record.dossier
    assert vouching.checked(record.vouch, [AUTHORITY.root_der], ()) == OFFICER
    assert marked[1] == (
        "vouched",
        {"dossier": str(record.dossier), "reason": "no-phone", "card": record.vouch.card},
    )
    assert PIN not in repr(session.views)
    applicant = dossiers._applicant(SimpleNamespace(record=record, identity=record.identity))  # type: ignore[arg-type]
    assert applicant.grade == "vouched"
    assert applicant.method == f"staff:no-phone:{record.vouch.card}"
    assert not applicant.face_match


def test_a_wrong_pin_is_told_and_typed_again_but_never_locks_the_card() -> None:
    assert walk(session_of(AUTHORITY.card(OFFICER), "000000", PIN)) is NEXT
    card = AUTHORITY.card(OFFICER)
    last = session_of(card, "000000", "000000", PIN)
    assert walk(last) is BACK
    assert last.told == [(Fault.STAFF_PIN_LAST, False)]
    assert (card.tries, last.record.grade) == (1, "claimed")


def test_a_card_that_is_locked_already_is_told() -> None:
    card = AUTHORITY.card(OFFICER)
    card.tries = 0
    locked = session_of(card, PIN)
    assert walk(locked) is BACK
    assert locked.told == [(Fault.STAFF_PIN_BLOCKED, False)]


@pytest.mark.parametrize(
    "card",
    [
        StaffAuthority(now=NOW).card(OFFICER),
        AUTHORITY.card(OFFICER, life=-timedelta(hours=1)),
        StaffCard(stage.ANCHOR, AUTHORITY.card(OFFICER)._certificate),
        ChipCard(issued()),
    ],
    ids=["foreign", "expired", "copied", "citizen"],
)
def test_a_card_that_does_not_count_vouches_for_nobody(card: Any) -> None:
    session = session_of(card, PIN)
    assert walk(session) is BACK
    assert session.told == [(Fault.STAFF_CARD, False)]
    assert session.record.identity is None


def test_who_goes_back_vouches_for_nobody() -> None:
    touches = (("Identify", Choose("other")), ("Ways", Choose("officer")), ("Ways", Back()))
    session = session_of(AUTHORITY.card(OFFICER))
    session._touches = [*touches, ("Ways", Back())]
    assert walk(session) is BACK
    assert session.record.vouch is None


def test_where_proof_is_demanded_nobody_may_vouch() -> None:
    session = session_of(AUTHORITY.card(OFFICER), enough="proven")
    session._touches = [("Identify", Choose("other")), ("Card.code", Back()), ("Identify", Back())]
    session.kiosk.reader = CodeReader()
    assert walk(session) is BACK


@pytest.mark.parametrize(
    ("enough", "outcome"), [("claimed", NEXT), ("vouched", NEXT), ("proven", BACK)]
)
def test_the_face_is_not_asked_for_again_and_an_officers_word_is_no_proof(
    enough: Any, outcome: Any
) -> None:
    claim = parse(CARD_CODE)
    identity = stage.messages.Identity(
        full_name=claim.name, citizen_number=claim.number, birth_date=None, level=0,
        method="staff", provable=False,
    )  # fmt: skip
    session = FaceSession(identity, same=True, enough=enough)
    session.record.grade = "vouched"
    assert stage.asyncio.run(face.run(session)) is outcome  # type: ignore[arg-type]
    assert session.record.grade == "vouched"
