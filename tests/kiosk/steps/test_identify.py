"""Every way to be known, over the step as a whole: by card, by its printed code, and back again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose, trust
from drivers.absent import AbsentCardReader, AbsentCodeReader
from drivers.contract import DeviceError, Health, Status
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.sandbox.card_state import CardState, IssuedChip
from kiosk.sandbox.chip_card import ChipCard
from kiosk.session import BACK, NEXT, Outcome, Record
from kiosk.settings import IdentitySettings, Settings
from kiosk.steps import by_card, identify
from kiosk.views import (
    Back,
    CardView,
    Choose,
    Intent,
    Typed,
    View,
    WaysView,
)
from tests.kiosk.identity.cards import BEARER, NOW, PHOTO, STATE, DirectReader, issued

ANCHOR = ec.generate_private_key(ec.SECP256R1())
CARD_CODE = f"{BEARER.number}||{BEARER.name}|14031992|Nữ|{BEARER.residence}|01072024"
OFFLINE = KioskError(Fault.LINK_OFFLINE, retryable=True)
Step = Callable[[View], Any]


class CardReader(DirectReader):
    """``present``: cards laid down one after the other; None for one that is torn away."""

    def __init__(self, *chips: IssuedChip | None) -> None:
        super().__init__(ChipCard(chips[0] or issued()))
        self._chips = list(chips)
        self._torn = False

    def status(self) -> Status:
        return Status(Health.READY, 0.0)

    async def wait_for_card(self) -> bytes:
        chip = self._chips.pop(0)
        self._torn = chip is None
        self._card = ChipCard(chip or issued())
        return b"\x3b\x00"

    async def transmit(self, apdus: Any) -> list[bytes]:
        if self._torn or apdus == [by_card._SELECT_ROOT]:
            raise DeviceError(DeviceFault.CARD_REMOVED)
        return await super().transmit(apdus)

    async def release(self) -> None:
        pass


class CodeReader(AbsentCodeReader):
    def __init__(self, *codes: str) -> None:
        super().__init__()
        self._codes = list(codes)

    def status(self) -> Status:
        return Status(Health.READY, 0.0)

    async def read(self) -> str:
        if not self._codes:
            await asyncio.Event().wait()
        return self._codes.pop(0)


class Session:
    """What the step asks of a session. Nothing else may be shown and waited for.

    ``touches``: (screen, what is touched there), in order; ``answers``: to what is told.
    """

    def __init__(
        self,
        *,
        touches: tuple[tuple[str, Intent], ...] = (),
        answers: tuple[str, ...] = (),
        codes: tuple[str, ...] = (),
        cards: tuple[IssuedChip | None, ...] = (),
        enough: str = "claimed",
        provider: list[object] | None = None,
        roots: tuple[bytes, ...] = (STATE.root_der,),
        staff_roots: tuple[bytes, ...] = (),
    ) -> None:
        self.progress: dict[str, Any] = {}
        self.procedure = SimpleNamespace(id="test", identity=enough)
        self.record = Record()
        self.views: list[View] = []
        self.told: list[tuple[str, bool]] = []
        self._touches, self._answers = list(touches), list(answers)
        self._provider, self._roots = provider, (roots, staff_roots)
        self.kiosk = SimpleNamespace(
            settings=Settings(),
            reader=CodeReader(*codes),
            cards=CardReader(*cards) if cards else AbsentCardReader(),
            camera=SimpleNamespace(status=lambda: Status(Health.ABSENT, 0.0)),
            link=SimpleNamespace(call=self._call),
            clock=lambda: NOW,
            trust_anchor=ANCHOR.public_key(),
            outbox=SimpleNamespace(new_draft=lambda *_: None),
            journal=SimpleNamespace(append=lambda *_, **__: None),
        )

    def present(self, view: View) -> None:
        self.views.append(view)

    async def ask(self, view: View) -> Intent:
        self.present(view)
        screen, intent = self._touches.pop(0)
        assert screen == name_of(view)
        assert intent != Choose("staff"), "the session itself answers that: it calls staff"
        return intent

    async def race(self, view: View, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if self._touches and name_of(view) == self._touches[0][0]:
            return await self.ask(view)
        self.present(view)
        return await asyncio.wait_for(work(), 5)

    async def tell(
        self, error: Exception, *, skippable: bool = False, instead: str = "", todo: str = ""
    ) -> str:
        assert isinstance(error, DeviceError | KioskError)
        self.told.append((error.code, skippable))
        return self._answers.pop(0) if self._answers else "back"

    @asynccontextmanager
    async def busy(self) -> AsyncGenerator[None]:
        yield

    async def _call(self, verb: object, request: object) -> object:
        if verb is verbs.TRUST:
            return messages.TrustAnswer(bundle=bundle_of(*self._roots), policy=b"")
        if isinstance(self._provider, list):
            answer = self._provider.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        raise OFFLINE

    @property
    def screens(self) -> list[str]:
        names = [name_of(view) for view in self.views]
        return [name for at, name in enumerate(names) if not at or names[at - 1] != name]


def name_of(view: View) -> str:
    return f"{view.screen}.{view.state}" if isinstance(view, CardView) else view.screen


def bundle_of(roots: tuple[bytes, ...], staff_roots: tuple[bytes, ...]) -> bytes:
    bundle = trust.TrustBundle(
        serial=1,
        issued=NOW,
        expires=NOW.replace(year=2027),
        roots=(),
        seal_keys={},
        seal_host="seal.example",
        chip_roots=roots,
        staff_roots=staff_roots,
    )
    kid = cose.key_id(ANCHOR.public_key())
    return trust.sign_bundle(bundle, cose.software_signer(ANCHOR), kid)


def walk(session: Session) -> Outcome:
    return asyncio.run(identify.run(session))  # type: ignore[arg-type]


def known(session: Session) -> messages.Identity:
    assert walk(session) is NEXT
    identity = session.record.identity
    assert identity is not None
    assert session.record.grade == "claimed"  # proven is the face step's word
    return identity


def test_a_card_shown_to_the_reader_chooses_itself_and_its_chip_is_read() -> None:
    session = Session(codes=(CARD_CODE,), cards=(issued(),))
    identity = known(session)
    assert (identity.method, identity.citizen_number) == ("chip", BEARER.number)
    assert (identity.photo, identity.provable) == (PHOTO, True)
    assert session.screens == ["Identify", "Card.lay", "Card.reading", "Card.take"]
    counts = [view.done for view in session.views if isinstance(view, CardView) and view.total]
    assert counts == sorted(counts)


def test_the_card_by_a_touch_and_six_digits() -> None:
    touches = (
        ("Identify", Choose("other")),
        ("Card.code", Choose("type")),
        ("Keypad", Typed("000000")),
    )
    session = Session(touches=touches, cards=(issued("active"),))
    assert known(session).provable
    assert "000000" not in repr(session.views)
    assert "000000" not in repr(touches)


def test_wrong_digits_are_told_and_the_code_is_asked_for_again() -> None:
    touches = (
        ("Identify", Choose("other")),
        ("Card.code", Choose("type")),
        ("Keypad", Typed("123456")),
    )
    chips = (issued(), issued())
    session = Session(touches=touches, codes=(), cards=chips)
    session.kiosk.reader = CodeReader(CARD_CODE)
    assert known(session).method == "chip"
    problems = [view.problem for view in session.views if isinstance(view, CardView)]
    assert any(problem and "chip-closed" in problem.key for problem in problems)


def test_a_chip_that_shows_no_clone_check_is_read_and_never_proven() -> None:
    assert not known(Session(codes=(CARD_CODE,), cards=(issued("none"),))).provable


def test_a_lifted_card_is_laid_down_again() -> None:
    session = Session(codes=(CARD_CODE,), cards=(None, issued()))
    assert known(session).method == "chip"
    assert session.told == []
    lays = [view for view in session.views if isinstance(view, CardView) and view.state == "lay"]
    assert [view.problem is not None for view in lays] == [False, True]


@pytest.mark.parametrize(
    ("chip", "code", "skippable"),
    [
        (issued().cloned(), Fault.CHIP_COPIED, False),
        (CardState(NOW).issue(BEARER), Fault.CHIP_NOT_GENUINE, False),
        (STATE.issue(replace(BEARER, expires=NOW.date().replace(year=2025))),
         Fault.CHIP_EXPIRED, True),
    ],
    ids=["cloned", "foreign", "expired"],
)  # fmt: skip
def test_a_card_that_is_not_believed_stops_or_leaves_a_claim(
    chip: IssuedChip, code: str, skippable: bool
) -> None:
    session = Session(codes=(CARD_CODE,), cards=(chip,))
    assert walk(session) is BACK
    assert session.told == [(code, skippable)]
    assert session.record.identity is None


def test_an_expired_card_leaves_a_claim_where_the_procedure_is_content() -> None:
    expired = STATE.issue(replace(BEARER, expires=NOW.date().replace(year=2025)))
    identity = known(Session(codes=(CARD_CODE,), cards=(expired,), answers=("skip",)))
    assert (identity.method, identity.provable, identity.photo) == ("card-qr", False, None)
    strict = Session(codes=(CARD_CODE,), cards=(expired,), enough="proven")
    assert walk(strict) is BACK
    assert strict.told == [(Fault.CHIP_EXPIRED, False)]


def test_a_bundle_that_names_nobody_believes_nobody() -> None:
    session = Session(codes=(CARD_CODE,), cards=(issued(),), roots=())
    assert walk(session) is BACK
    assert session.told == [(Fault.CHIP_NOT_GENUINE, False)]


def test_the_code_of_one_card_with_the_chip_of_another() -> None:
    """Cards of one access number, as a thief would choose them."""
    other = STATE.issue(replace(BEARER, number="031192000000", name="Người Khác"))
    touches = (("Card.code", Back()), ("Identify", Back()))
    session = Session(touches=touches, codes=(CARD_CODE,), cards=(other,))
    assert walk(session) is BACK
    assert session.record.identity is None


def test_without_a_chip_reader_the_printed_code_is_a_claim() -> None:
    identity = known(Session(codes=(CARD_CODE,)))
    assert (identity.method, identity.provable) == ("card-qr", False)
    strict = Session(codes=(CARD_CODE,), enough="proven")
    assert walk(strict) is BACK
    assert strict.told == [(Fault.IDENTITY_UNPROVEN, False)]


def test_offline_the_card_is_the_way() -> None:
    session = Session(codes=("vneid:1", CARD_CODE), cards=(issued(),), answers=("other",))
    assert known(session).method == "chip"
    assert session.told == [(Fault.LINK_OFFLINE, False)]
    assert "Card.code" in session.screens


def test_there_and_back_again() -> None:
    touches = (
        ("Identify", Choose("other")),
        ("Card.code", Back()),
        ("Identify", Back()),
    )
    session = Session(touches=touches, cards=(issued(),))
    assert walk(session) is BACK
    assert session.screens == ["Identify", "Card.code", "Identify"]
    assert not any(isinstance(view, WaysView) for view in session.views)


SCREEN_CODE = messages.ScreenCode(
    handle="h", code="https://vneid.example/activate", user_code="WDJB-MJHT", expires=NOW
)
PERSON = messages.Identity(
    full_name=BEARER.name, citizen_number=BEARER.number, birth_date=BEARER.birth_date, level=2
)
AGREED = messages.ScreenCodeState(identity=PERSON)
TO_THE_SCREEN = (("Identify", Choose("other")), ("Ways", Choose("screen")))


def with_provider(*answers: object, **how: Any) -> Session:
    session = Session(provider=list(answers), cards=(issued(),), **how)
    session.kiosk.settings = Settings(identity=IdentitySettings(issuer="https://vneid.example"))
    return session


def test_the_phone_scans_the_screen_and_is_waited_for() -> None:
    waiting = messages.ScreenCodeState()
    session = with_provider(SCREEN_CODE, waiting, AGREED, touches=TO_THE_SCREEN)
    assert known(session) == PERSON
    assert session.screens == ["Identify", "Ways", "ShowCode"]


def test_a_code_on_the_screen_that_ran_out_is_replaced_a_few_times() -> None:
    expired = KioskError(Fault.IDENTITY_EXPIRED)
    session = with_provider(SCREEN_CODE, expired, SCREEN_CODE, AGREED, touches=TO_THE_SCREEN)
    assert known(session) == PERSON
    left = with_provider(*[SCREEN_CODE, expired] * 3, touches=TO_THE_SCREEN)
    assert walk(left) is BACK
    assert left.told == [(Fault.IDENTITY_EXPIRED, False)]


@pytest.mark.parametrize(
    "code", [Fault.IDENTITY_DENIED, Fault.IDENTITY_LEVEL, Fault.IDENTITY_CLOCK]
)
def test_what_the_phone_cannot_settle_leads_to_the_card(code: Fault) -> None:
    answers = (SCREEN_CODE, KioskError(code))
    touches = (*TO_THE_SCREEN, ("Ways", Choose("card")))
    session = with_provider(*answers, touches=touches, answers=("other",))
    session.kiosk.reader = CodeReader(CARD_CODE)
    assert known(session).method == "chip"
    assert session.told == [(code, False)]
