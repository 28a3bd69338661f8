"""What the last step works with, as a test scripts it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from certify.numbers import Burned
from drivers.contract import DeviceError, Printed
from drivers.contract import Fault as DeviceFault
from kiosk import procedures
from kiosk.link import messages, verbs
from kiosk.session import LeftError, Record
from kiosk.settings import Settings
from kiosk.views import IssuingView, Next, View

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DOSSIER = UUID("0190b2c4-7000-7000-8000-000000000001")
PERSON = messages.Identity(
    full_name="Trần Thị Mẫu",
    citizen_number="001192000000",
    birth_date=date(1992, 3, 14),
    level=2,
)


class Link:
    def __init__(self, submit: str, *copies: Any) -> None:
        self.submit = submit
        self.copies = list(copies)
        self.printed: list[messages.PrintedRequest] = []
        self.calls: list[str] = []

    async def call(self, verb: Any, request: Any) -> Any:
        self.calls.append(verb.name)
        if verb is verbs.SUBMIT:
            return messages.SubmitAnswer(state=self.submit)
        if verb is verbs.WAIT_COPY:
            await asyncio.sleep(0)  # as over a socket
            answer = self.copies.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if verb is verbs.PRINTED:
            self.printed.append(request)
            return messages.Empty()
        if verb is verbs.TRUST:
            return messages.TrustAnswer(bundle=b"bundle", policy=b"policy")
        return messages.LinkStatus(online=True, outbox_waiting=0, clock_trusted=True)


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
    leased = True

    async def may_issue(self, trust: bytes) -> bool:
        return self.leased

    async def issue_post_check(self, pages: Any, facts: Any, trust: bytes) -> bytes:
        return b"%PDF copy"

    async def verify(self, copy: bytes, trust: bytes) -> Any:
        return SimpleNamespace(ok=True, code="", id_code="000000000017")


class Printer:
    """Fails with each of ``failures`` in turn, then prints."""

    def __init__(self) -> None:
        self.slips: list[Any] = []
        self.failures: list[DeviceError] = []
        self.waits = [False]

    async def slip_waits(self) -> bool:
        """Each of ``waits`` in turn, then the last for ever."""
        return self.waits.pop(0) if len(self.waits) > 1 else self.waits[0]

    async def print_slip(self, slip: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.slips.append(slip)


class Signals:
    """A housing that is shut as often as ``looks`` says, and then opened."""

    def __init__(self) -> None:
        self.looks = 99

    async def check(self) -> None:
        if self.looks == 0:
            raise DeviceError(DeviceFault.TAMPER_OPEN)
        self.looks -= 1

    async def call(self) -> bool:
        return False


class Paper:
    """A document printer; ``failures``: of its next calls. ``came_out``, ``sides``: what cancelling
    finds, unless it fails with ``cancelling``."""

    def __init__(
        self,
        *failures: Exception,
        came_out: int = 0,
        sides: int | None = 0,
        cancelling: DeviceFault | None = None,
    ) -> None:
        self.failures = list(failures)
        self.cancelling = cancelling
        self.came_out, self.sides = came_out, sides
        self.certain = True
        self.names: list[str] = []
        self.cancelled: list[str] = []

    async def print_document(self, pdf: bytes, name: str, copies: int = 1) -> Printed:
        self.names.append(name)
        if self.failures:
            raise self.failures.pop(0)
        return Printed(copies, None, certain=self.certain)

    async def cancel(self, name: str) -> Printed:
        self.cancelled.append(name)
        if self.cancelling:
            raise DeviceError(self.cancelling)
        return Printed(self.came_out, self.sides)


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
        self.answers: list[str] = []
        self.presented: list[View] = []
        self.leaves_at = ""
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
            printer=Paper(),
            signals=Signals(),
            journal=journal,
        )

    @asynccontextmanager
    async def busy(self) -> Any:
        yield

    def present(self, view: View) -> None:
        """The person leaves when the milestone ``leaves_at`` is under way."""
        self.presented.append(view)

    async def race(self, view: View, work: Any, *, machine: bool = False) -> Any:
        assert machine
        self.present(view)
        working = asyncio.ensure_future(work())
        while not working.done():
            if self.leaves_at and self.leaves_at in now_of(self.presented[-1:]):
                working.cancel()
                return Next()
            await asyncio.sleep(0)
        return working.result()

    async def ask(self, view: View) -> Next:
        self.shown.append(view)
        return Next()

    async def tell(self, error: Any, *, skippable: bool = False) -> str:
        self.told.append(error.code)
        answer = self.answers.pop(0) if self.answers else "back"
        if answer == "leave":
            raise LeftError
        return answer


def now_of(views: list[View]) -> list[str]:
    """The milestones under way."""
    return [
        stone.label.key
        for view in views
        if isinstance(view, IssuingView)
        for stone in view.milestones
        if stone.state == "now"
    ]


def waiting(processing: int, note: str | None = None) -> messages.CopyAnswer:
    return messages.CopyAnswer(state="waiting", processing=processing, note=note)


def issued() -> messages.CopyAnswer:
    return messages.CopyAnswer(state="issued", pdf=b"%PDF", number="7")
