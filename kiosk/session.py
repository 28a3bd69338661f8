"""One citizen's journey: what is known so far, the steps in order, and the way out of trouble."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from uuid import UUID

from drivers.contract import Slip
from kiosk import power, staff
from kiosk.coded import CODED_ERRORS
from kiosk.defects import log_defect
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.link import messages
from kiosk.procedures import Procedure
from kiosk.stage import IdleError, Prompter, first_of
from kiosk.views import (
    CallStaff,
    Choose,
    FaultView,
    Intent,
    Leave,
    Text,
    View,
)
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from certify.statement import CopyFacts
    from certify.trust import Policy
    from kiosk.app import Kiosk
    from kiosk.documents.reader import PageReading
    from offline_queue.manifest import Manifest
    from offline_queue.vouching import Vouch

log = logging.getLogger(__name__)
T = TypeVar("T")

Errand = Literal["request", "check-copy"]
"""What a person came for: a request, in the steps of its procedure, or to check a paper copy."""

Step = Callable[["Session"], Coroutine[Any, Any, "Outcome"]]


class LeftError(Exception):
    """The person chose to stop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where to go after a step: on, back, or to the step named ``to``."""

    move: Literal["next", "back", "to"]
    to: str = ""


NEXT = Outcome("next")
BACK = Outcome("back")


@dataclass(slots=True)
class Record:
    """What a session knows. It lives in memory only; what must last is in the outbox.

    ``scanned``: pages by number, from 1 in the order of the scan. ``unreadable``: numbers of pages
    that were scanned but could not be read, to be scanned again. ``redo``: the number that the next
    sheet takes because the person asked so, or 0.
    ``collected``: the dossier of a copy that was fetched with a slip; ``print_id``: the name of its
    printing.
    """

    procedure: Procedure | None = None
    dossier: UUID | None = None
    identity: messages.Identity | None = None
    grade: Literal["claimed", "proven", "vouched"] = "claimed"
    face_match: bool = False
    vouch: Vouch | None = None
    scanned: dict[int, PageReading] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)
    redo: int = 0
    copies: int = 1
    collected: UUID | None = None
    print_id: UUID | None = None
    code: str = ""
    mode: Literal["pre-check", "post-check", "filing"] | None = None
    slip_secret: str = ""
    facts: CopyFacts | None = None
    manifest: Manifest | None = None
    copy: bytes | None = None
    number: str = ""
    id_code: str = ""
    refusal: str | None = None
    slip: Slip | None = None
    wanted: str = ""
    slip_printed: bool = False
    slip_unsure: bool = False
    paper: Literal["none", "out", "later", "unsure"] = "none"
    face_mismatch: bool = False

    @property
    def pages(self) -> list[PageReading]:
        return [self.scanned[number] for number in sorted(self.scanned)]

    def pages_changed(self) -> None:
        """A copy or number made of other pages is void; the number stays burned."""
        self.mode, self.facts, self.copy, self.number, self.id_code = None, None, None, "", ""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a session ended, for whoever watches: fleet figures, demo, tests.

    ``ended``: done, left, idle, power or failed. ``timeline``: (step, seconds, of which waiting
    for the person).
    """

    ended: str
    code: str
    number: str
    dossier: UUID | None
    copy: bytes | None
    timeline: tuple[tuple[str, float, float], ...]


class Session:
    """One citizen at the kiosk, from the first touch to the wipe."""

    def __init__(
        self,
        kiosk: Kiosk,
        prompter: Prompter,
        policy: Policy | None,
        offered: Mapping[str, Procedure],
        errand: Errand = "request",
    ) -> None:
        """``offered``: the procedures of this session by id, whatever is published meanwhile."""
        self.kiosk = kiosk
        self.policy = policy
        self.offered = offered
        self.record = Record()
        self._errand = errand
        self._prompter = prompter
        self._step = ("", 0, 0)
        self._timeline: list[tuple[str, float, float]] = []
        self.busy = prompter.busy
        self._calls: set[asyncio.Task[FaultView]] = set()
        prompter.on_busy_call = self._call_meanwhile

    @property
    def language(self) -> str:
        return self._prompter.language

    @property
    def procedure(self) -> Procedure:
        assert self.record.procedure, "a procedure is chosen first"
        return self.record.procedure

    @property
    def identity(self) -> messages.Identity:
        assert self.record.identity, "the identify step comes first"
        return self.record.identity

    @property
    def dossier(self) -> UUID:
        assert self.record.dossier, "a draft is opened by the identify step"
        return self.record.dossier

    @property
    def progress(self) -> dict[str, Any]:
        """The progress line of the running step, as keywords for its views."""
        name, step, steps = self._step
        return {"step": step, "steps": steps, "step_name": Text(f"step.{name}")}

    async def run(self) -> Finished:
        ended = "failed"
        try:
            ended = await self._ending()
        finally:
            finished = self._wipe(ended)
        return finished

    async def _ending(self) -> str:
        try:
            attended = first_of(self._walk(), self._prompter.watch())
            await first_of(attended, power.until_low(self.kiosk.power))
        except LeftError:
            return "done" if self.record.manifest else "left"
        except IdleError:
            return "done" if self.record.manifest else "idle"
        except power.PowerLowError:
            return "done" if self.record.manifest else "power"
        return "done"

    def present(self, view: View) -> None:
        self._prompter.present(view)

    async def ask(self, view: View) -> Intent:
        """Show ``view`` and wait for an intent that is the step's own business."""
        while True:
            intent = await self._prompter.show(view)
            if await self._is_for_step(intent):
                return intent

    async def race(
        self, view: View, work: Callable[[], Coroutine[Any, Any, T]], *, machine: bool = False
    ) -> Intent | T:
        """Show ``view`` until ``work`` has a result or the person does something else.

        ``machine``: the time counts as the machine's, not as the person's.
        """
        while True:
            result = await self._prompter.race(view, work(), machine=machine)
            if not isinstance(result, Intent) or await self._is_for_step(result):
                return result

    async def tell(
        self, error: Exception, *, skippable: bool = False, instead: str = "", todo: str = ""
    ) -> str:
        """Show a failure; the answer is "retry", "skip", "back" or ``instead``: another way to do
        the same, which the sentence ``todo`` explains."""
        failure = failure_of(error)
        log.warning("failure shown: %s", failure.code)
        self.kiosk.journal.append("failure-shown", code=failure.code)
        ways = ("retry" if failure.retry else "", instead, "skip" if skippable else "", "staff")
        intent = await self.ask(
            FaultView(
                code=failure.code,
                picture=failure.picture,
                title=Text(failure.title),
                happened=Text(failure.happened),
                todo=Text(todo or failure.todo),
                kept=Text(self._kept()),
                actions=tuple(way for way in ways if way),
                can_go_back=self.record.manifest is None,
            )
        )
        return intent.choice if isinstance(intent, Choose) else "back"

    async def _walk(self) -> None:
        from kiosk.steps import SERVICES, STEPS, check_copy, choose_service

        if self._errand == "check-copy":
            if await self._timed("check", 0, 0, check_copy.run) is not NEXT:
                raise LeftError
            return
        most = max((len(each.steps) for each in self.offered.values()), default=0)
        while (chosen := await self._timed("choose", 1, most + 1, choose_service.run)).to:
            if await self._timed(chosen.to, 1, 1, SERVICES[chosen.to]) is NEXT:
                return
        if chosen is not NEXT:
            raise LeftError
        names = self.procedure.steps
        index = 0
        while index < len(names):
            name = names[index]
            outcome = await self._timed(name, index + 2, len(names) + 1, STEPS[name])
            if outcome.move == "to":
                index = names.index(outcome.to)
            else:
                index += 1 if outcome.move == "next" else -1
            if index < 0:
                raise LeftError

    async def _timed(self, name: str, step: int, steps: int, run: Step) -> Outcome:
        self._step = (name, step, steps)
        started, waited = time.monotonic(), self._prompter.waited
        try:
            return await self._until_it_works(run)
        finally:
            seconds = time.monotonic() - started
            self._timeline.append((name, seconds, self._prompter.waited - waited))

    async def _until_it_works(self, run: Step) -> Outcome:
        while True:
            try:
                return await run(self)
            except LeftError:
                raise
            except CODED_ERRORS as error:
                trouble: Exception = error
            except Exception as error:
                log_defect(log, "session", error)
                trouble = KioskError(Fault.UNEXPECTED)
            if await self.tell(trouble) != "retry":
                return BACK

    async def _is_for_step(self, intent: Intent) -> bool:
        if isinstance(intent, Leave):
            raise LeftError
        if isinstance(intent, CallStaff) or intent == Choose("staff"):
            notice = await staff.call(self.kiosk, reason="help", kept=self._kept())
            if isinstance(await self._prompter.show(notice), Leave):
                raise LeftError
            return False
        return True

    def _call_meanwhile(self) -> None:
        """Staff is called while the machine works; the page stays what it is."""
        call = asyncio.ensure_future(staff.call(self.kiosk, reason="busy", kept=self._kept()))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    def _kept(self) -> str:
        if self.record.manifest:
            return "kept.locked"
        return "kept.draft" if self.record.dossier else "kept.nothing"

    def _wipe(self, ended: str) -> Finished:
        """A draft that was not locked is destroyed with its keys; nothing of it is kept."""
        record, self.record = self.record, Record()
        if record.dossier and record.manifest is None:
            discard(self.kiosk, record.dossier, why=ended)
        self.kiosk.journal.append("session-ended", how=ended)
        return Finished(
            ended, record.code, record.number, record.dossier, record.copy, tuple(self._timeline)
        )


def discard(kiosk: Kiosk, dossier: UUID, *, why: str) -> None:
    """Destroy a draft. What cannot be destroyed now (a full disk) is tried again at the next
    first page: its day key keeps it unreadable to anybody but this machine."""
    try:
        kiosk.outbox.discard(dossier)
    except QueueError as error:
        log.error("a draft is still there: %s", error.code)
        return
    kiosk.journal.append("draft-discarded", dossier=str(dossier), why=why)
