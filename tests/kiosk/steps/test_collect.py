"""Slip and card before the reader: a copy comes out, or the reason why none does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from drivers.contract import DeviceError, Printed
from drivers.contract import Fault as DeviceFault
from kiosk import procedures
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.session import BACK, NEXT, Record
from kiosk.settings import Settings
from kiosk.steps import choose_service, collect
from kiosk.views import Back, CollectView, DoneView, FaultView, Next, View

DOSSIER = str(uuid4())
SLIP = "https://motcua.example/track#code=H26.15-261124-0001&secret=7K3M9QW2ZX"
CARD = "001192000000||Trần Thị Mẫu|14031992|Nữ|Xã Yên Hòa|01012022"


class Session:
    """``codes``: what the reader reads, in turn; ``answers``: of the portal."""

    def __init__(self, codes: list[Any], *answers: Any) -> None:
        self.codes, self.answers = codes, list(answers)
        self.record, self.progress = Record(), {}
        self.shown: list[View] = []
        self.asked: list[tuple[str, Any]] = []
        self.printed: list[tuple[str, int]] = []
        self.offered: dict[str, Any] = {}
        self.language = "vi"
        uri = {"devices": {"document_printer": {"uri": "ipp://printer"}}}
        self.kiosk = SimpleNamespace(
            settings=Settings.model_validate(uri),
            link=self,
            reader=self,
            printer=self,
            certifier=self,
            clock=lambda: datetime(2026, 11, 24, tzinfo=UTC),
            journal=SimpleNamespace(append=lambda *_, **__: None),
        )

    async def read(self) -> str:
        code = self.codes.pop(0)
        if isinstance(code, Exception):
            raise code
        return str(code)

    async def call(self, verb: Any, request: Any) -> Any:
        self.asked.append((verb.name, request))
        if verb is verbs.TRUST:
            return messages.TrustAnswer(bundle=b"bundle", policy=b"policy")
        if verb is verbs.PRINTED:
            return messages.Empty()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def verify(self, copy: bytes, trust: bytes) -> Any:
        genuine = copy.startswith(b"%PDF")
        return SimpleNamespace(ok=genuine, code="copy.damaged", id_code="000000000017")

    async def print_document(self, pdf: bytes, name: str, copies: int) -> Printed:
        self.printed.append((name, copies))
        return Printed(copies, None, certain=True)

    @asynccontextmanager
    async def busy(self) -> Any:
        yield

    def present(self, view: View) -> None:
        self.shown.append(view)

    async def ask(self, view: View) -> Next:
        self.shown.append(view)
        return Next()

    async def race(self, view: View, work: Any) -> Any:
        self.shown.append(view)
        return await work() if self.codes else Back()


def run(session: Session) -> Any:
    return asyncio.run(collect.run(session))  # type: ignore[arg-type]


def answer(state: Any, **values: Any) -> messages.CollectAnswer:
    fields = {"dossier_id": DOSSIER, "state": state, "processing": 9} | values
    return messages.CollectAnswer(**fields)


def issued(pdf: bytes = b"%PDF") -> messages.CollectAnswer:
    return answer("issued", pdf=pdf, copies=2, number="01")


@pytest.mark.parametrize("codes", [[SLIP, CARD], [CARD, SLIP]])
def test_slip_and_card_in_either_order_print_what_is_left(codes: list[Any]) -> None:
    session = Session(codes, issued())
    assert run(session) is NEXT
    ((name, copies),) = session.printed
    (told,) = [request for verb, request in session.asked if verb == "printed"]
    assert (name, copies) == (f"kiosk-{told.print_id}", 2)
    assert (told.dossier_id, told.copies) == (DOSSIER, 2)
    done = session.shown[-1]
    assert isinstance(done, DoneView)
    assert done.place.key == "done.paper-out"
    (asked,) = [request for verb, request in session.asked if verb == "collect"]
    assert (asked.code, asked.secret, asked.citizen_number) == (
        "H26.15-261124-0001",
        "7K3M9QW2ZX",
        "001192000000",
    )
    states = [view.state for view in session.shown if isinstance(view, CollectView)]
    assert states[0] == "slip"
    assert states[-1] == "checking"


def problems(session: Session) -> list[str]:
    return [
        view.problem.key for view in session.shown if isinstance(view, CollectView) and view.problem
    ]


def test_what_is_neither_is_told_on_the_spot() -> None:
    garbled = DeviceError(DeviceFault.READER_GARBLED)
    session = Session([garbled, "https://elsewhere.example/", SLIP, CARD], issued())
    assert run(session) is NEXT
    assert problems(session) == ["collect.unreadable"] * 2


def test_slip_and_card_of_two_people_begin_anew() -> None:
    session = Session([SLIP, CARD, SLIP, CARD], KioskError(Fault.LINK_NOT_FOUND), issued())
    assert run(session) is NEXT
    assert problems(session) == ["collect.no-match"]
    assert len(session.printed) == 1


@pytest.mark.parametrize(
    ("told", "key"),
    [
        (answer("waiting", processing=2), "collect.waiting.title"),
        (answer("printed"), "collect.printed.title"),
        (answer("refused", processing=3, note="Bản chính bị tẩy xóa"), "refused.title"),
    ],
)
def test_why_nothing_comes_out_is_told(told: messages.CollectAnswer, key: str) -> None:
    session = Session([SLIP, CARD], told)
    assert run(session) is NEXT
    notice = session.shown[-1]
    assert isinstance(notice, FaultView)
    assert notice.title.key == key
    assert session.printed == []


def test_a_copy_that_is_not_genuine_is_not_printed() -> None:
    session = Session([SLIP, CARD], issued(b"<html>"))
    with pytest.raises(KioskError):
        run(session)
    assert session.printed == []


def test_who_has_no_slip_goes_back() -> None:
    assert run(Session([])) is BACK


def test_it_is_offered_where_there_is_a_printer() -> None:
    def offered(session: Session) -> list[str]:
        return [card.procedure for card in choose_service._cards(session)]  # type: ignore[arg-type]

    session = Session([])
    assert offered(session) == ["collect"]
    (procedure,) = procedures.procedures().values()
    session.offered = dict.fromkeys("abcdef", procedure)
    assert len(offered(session)) == choose_service.MOST_CARDS
    session.offered = {}
    session.kiosk.settings = Settings()
    assert offered(session) == []
