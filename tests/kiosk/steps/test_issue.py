"""Issuing, when something goes wrong in the middle: nothing twice, nothing lost, nothing untrue."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from certify.numbers import Burned
from kiosk import procedures
from kiosk.failures import KioskError
from kiosk.link import verbs
from kiosk.session import Record
from kiosk.settings import Settings
from kiosk.steps import issue
from kiosk.views import DoneView, FaultView, Next, View
from offline_queue.errors import Fault, QueueError

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DOSSIER = UUID("0190b2c4-7000-7000-8000-000000000001")
PERSON = verbs.Identity(
    full_name="Trần Thị Mẫu",
    citizen_number="001192000000",
    birth_date=date(1992, 3, 14),
    level=2,
)


class Link:
    def __init__(self, submit: str, *copies: Any) -> None:
        self.submit = submit
        self.copies = list(copies)

    async def call(self, verb: Any, request: Any) -> Any:
        if verb is verbs.SUBMIT:
            return verbs.SubmitAnswer(state=self.submit)
        if verb is verbs.WAIT_COPY:
            answer = self.copies.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if verb is verbs.TRUST:
            return verbs.TrustAnswer(bundle=b"bundle", policy=b"policy")
        return verbs.LinkStatus(online=True, outbox_waiting=0, clock_trusted=True)


class Outbox:
    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.parts: list[str] = []
        self.locked = 0

    def put_part(self, id: UUID, name: str, media_type: str, data: bytes) -> None:
        if name == "copy.pdf" and self.failures:
            raise self.failures.pop(0)
        self.parts.append(name)

    def lock(self, id: UUID, build: Any) -> Any:
        self.locked += 1
        return SimpleNamespace(fee=SimpleNamespace(amount=0))


class Numbers:
    def __init__(self, certificates: int) -> None:
        self.certificates = certificates
        self.burned: list[str] = []

    def left(self, kind: str, year: int, at: datetime) -> int:
        return self.certificates

    def burn(self, kind: str, year: int, *, at: datetime) -> Burned:
        self.burned.append(kind)
        return Burned(len(self.burned), "01/2026-SCT/BS")


class Certifier:
    async def issue_post_check(self, pages: Any, facts: Any, trust: bytes) -> bytes:
        return b"%PDF copy"

    async def verify(self, copy: bytes, trust: bytes) -> Any:
        return SimpleNamespace(ok=True, code="", id_code="000000000017")


class Printer:
    def __init__(self) -> None:
        self.slips: list[Any] = []

    async def print_slip(self, slip: Any) -> None:
        self.slips.append(slip)


class Session:
    """What the step needs of a session; ``told``: failures, ``shown``: questions."""

    def __init__(self, link: Link, outbox: Outbox, *, post_check: bool, numbers: int = 5) -> None:
        modes = {"pre-check", "post-check"} if post_check else {"pre-check"}
        self.policy = SimpleNamespace(
            modes=modes, post_check_papers={"original"}, post_check_inspect_days=3
        )
        self.record = Record(procedure=procedures.procedures()["certified-copy"], identity=PERSON)
        self.record.dossier, self.record.grade = DOSSIER, "proven"
        self.procedure, self.identity, self.dossier = self.record.procedure, PERSON, DOSSIER
        self.language = "vi"
        self.progress: dict[str, Any] = {}
        self.shown: list[View] = []
        self.told: list[str] = []
        self.printer = Printer()
        self.numbers = Numbers(numbers)
        journal = SimpleNamespace(append=lambda *_, **__: None, head="0" * 64, other_heads=dict)
        self.kiosk = SimpleNamespace(
            settings=Settings(),
            clock=lambda: NOW,
            link=link,
            outbox=outbox,
            numbers=self.numbers,
            certifier=Certifier(),
            receipt=self.printer,
            journal=journal,
        )

    @asynccontextmanager
    async def busy(self) -> Any:
        yield

    def present(self, view: View) -> None:
        pass

    async def ask(self, view: View) -> Next:
        self.shown.append(view)
        return Next()

    async def tell(self, error: Any, *, skippable: bool = False) -> str:
        self.told.append(error.code)
        return "back"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue, "_ASK_FOR_COPY", 0)


def run(session: Session) -> None:
    asyncio.run(issue.run(session))  # type: ignore[arg-type]


def issued() -> verbs.CopyAnswer:
    return verbs.CopyAnswer(state="issued", pdf=b"%PDF", number="7")


def test_a_copy_that_could_not_be_kept_is_made_again_under_its_number() -> None:
    outbox = Outbox(QueueError(Fault.BUSY, retryable=True))
    session = Session(Link("accepted"), outbox, post_check=True)
    with pytest.raises(QueueError):
        run(session)
    assert session.record.copy is None
    assert outbox.locked == 0
    run(session)
    assert outbox.parts.count("copy.pdf") == 1
    assert session.numbers.burned.count("certificate") == 1
    assert session.record.mode == "post-check"
    assert outbox.locked == 1


def test_without_numbers_the_kiosk_files_for_the_desk() -> None:
    session = Session(Link("accepted", issued()), Outbox(), post_check=True, numbers=0)
    run(session)
    assert session.record.mode == "pre-check"
    assert session.record.copy == b"%PDF"


def test_a_refusal_is_told_with_the_officers_words_and_no_appointment() -> None:
    refused = verbs.CopyAnswer(state="refused", note="Bản chính bị tẩy xóa")
    session = Session(Link("accepted", refused), Outbox(), post_check=False)
    run(session)
    (view,) = session.shown
    assert isinstance(view, FaultView)
    assert view.happened.arguments["note"] == "Bản chính bị tẩy xóa"
    assert session.printer.slips == []


def test_a_rejected_dossier_is_not_told_as_queued() -> None:
    session = Session(Link("rejected"), Outbox(), post_check=False)
    run(session)
    assert session.told == ["dossier.rejected"]
    assert session.shown == []


def test_a_silent_portal_means_kept_and_an_appointment() -> None:
    session = Session(Link("unknown"), Outbox(), post_check=False)
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.kind == "queued"
    assert len(session.printer.slips) == 1


def test_a_passing_network_fault_does_not_end_the_waiting() -> None:
    waiting = verbs.CopyAnswer(state="waiting")
    link = Link("accepted", waiting, KioskError("link.offline"), issued())
    session = Session(link, Outbox(), post_check=False)
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.kind == "issued"
