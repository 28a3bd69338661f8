"""What link answers to each verb. Whatever blocks runs in threads of its own pool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar
from uuid import UUID

from certify.numbers import Kind
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, numbers, server, verbs
from kiosk.link.identity import VneidClient
from kiosk.link.leases import LeaseKeeper
from kiosk.link.payments import PaymentGateway
from kiosk.link.portal_client import PortalClient
from kiosk.link.ratings import Ratings
from kiosk.link.sessions import Pause
from kiosk.link.trust import TrustKeeper
from kiosk.link.upkeep import Upkeep
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.intake import (
    CheckAsk,
    CodeAsk,
    CollectAsk,
    CollectReply,
    IntakeState,
    IssuedPageAsk,
    PaperInfo,
    PaperKeep,
    PersonAsk,
    PrintsDone,
    Problem,
    TrackAsk,
)
from offline_queue.outbox import Outbox, State

log = logging.getLogger(__name__)

_UNDER_WAY = {State.LOCKED, State.SENDING}
_ISSUED = {9, 10}
_REFUSED = {3, 7, 8}
_NOT_THERE_YET = 1.0
_NO_ANSWER = {QueueFault.UNREACHABLE, QueueFault.UNKNOWN}
_PROBLEMS = {
    Problem.COPY_REVOKED: Fault.LINK_COPY_REVOKED,
    Problem.NOT_FOUND: Fault.LINK_NOT_FOUND,
    Problem.REVOKED: Fault.LINK_REVOKED,
    Problem.TOO_MANY: Fault.LINK_BUSY,
    Problem.UNAVAILABLE: Fault.LINK_OFFLINE,
}
_Result = TypeVar("_Result")


@dataclass
class Handlers:
    """``quick`` gives up on a silent portal within seconds; ``patient`` waits as long as a copy is
    waited for. Both stop asking when the portal says so (``pause``)."""

    outbox: Outbox
    trust: TrustKeeper
    leases: LeaseKeeper
    ratings: Ratings
    upkeep: Upkeep
    vneid: VneidClient
    gateway: PaymentGateway
    quick: PortalClient
    patient: PortalClient
    pause: Pause
    threads: ThreadPoolExecutor

    def table(self) -> dict[str, server.Handler]:
        return {
            verbs.IDENTIFY.name: self.identify,
            verbs.SHOW_CODE.name: self.show_code,
            verbs.WAIT_CODE.name: self.wait_code,
            verbs.SUBMIT.name: self.submit,
            verbs.COPY.name: self.copy,
            verbs.WAIT_COPY.name: self.wait_copy,
            verbs.TRACK.name: self.track,
            verbs.COLLECT.name: self.collect,
            verbs.PRINTED.name: self.printed,
            verbs.STATUS.name: self.status,
            verbs.TRUST.name: self.current_trust,
            verbs.REFRESH.name: self.refresh,
            verbs.PACKS.name: self.packs,
            verbs.PACK.name: self.pack,
            verbs.LEASE.name: self.lease,
            verbs.PAY.name: self.pay,
            verbs.PAYMENT.name: self.payment,
            verbs.SEND_CODE.name: self.send_code,
            verbs.CONFIRM_CODE.name: self.confirm_code,
            verbs.CHECK.name: self.check,
            verbs.ISSUED_PAGE.name: self.issued_page,
            verbs.PAPERS.name: self.papers,
            verbs.PAPER.name: self.paper,
            verbs.KEEP_PAPER.name: self.keep_paper,
            verbs.RATE.name: self.rate,
            verbs.CALL_STAFF.name: self.call_staff,
            verbs.REPORT.name: self.report,
        }

    # -- people and dossiers -----------------------------------------------------------------

    async def identify(self, request: messages.IdentifyRequest) -> messages.Identity:
        return await self._in_thread(partial(self.vneid.identify, request.payload))

    async def show_code(self, _: messages.Empty) -> messages.ScreenCode:
        return await self._in_thread(self.vneid.begin)

    async def wait_code(self, request: messages.ScreenCodeRequest) -> messages.ScreenCodeState:
        """Asks the provider no oftener than it allows."""
        loop = asyncio.get_running_loop()
        until = loop.time() + request.seconds
        while (pause := self.vneid.pending(request.handle)) <= until - loop.time():
            await asyncio.sleep(pause)
            state = await self._in_thread(partial(self.vneid.look, request.handle))
            if state.identity is not None:
                return state
        await asyncio.sleep(max(0.0, until - loop.time()))
        return messages.ScreenCodeState()

    async def submit(self, request: messages.SubmitRequest) -> messages.SubmitAnswer:
        """Send now rather than at the next poll; a second is left to say what came of it."""
        dossier = _uuid(request.dossier_id)
        try:
            async with asyncio.timeout(verbs.SUBMIT.deadline - 1):
                await self._send_until_settled(dossier)
        except TimeoutError:
            pass  # the answer tells how far it came
        return messages.SubmitAnswer(state=await self._in_thread(partial(self._state, dossier)))

    async def _send_until_settled(self, dossier: UUID) -> None:
        """Others may stand before it, so more than one step may be needed."""
        while self.upkeep.uploader:
            if await self._in_thread(partial(self._state, dossier)) not in _UNDER_WAY:
                return
            if not await self._in_thread(partial(self.upkeep.uploader.step, at_once=True)):
                return

    def _state(self, dossier: UUID) -> State:
        entry = self.outbox.get(dossier)
        return State.ACCEPTED if entry.receipt else entry.state

    async def copy(self, request: messages.CopyRequest) -> messages.CopyAnswer:
        dossier = _uuid(request.dossier_id)
        state = await self._ask(partial(self.quick.state, dossier))
        if state is None:
            return messages.CopyAnswer(state="waiting")
        return await self._copy_of(self.quick, state)

    async def wait_copy(self, request: messages.WaitRequest) -> messages.CopyAnswer:
        """The portal holds the request back until there is news."""
        dossier = _uuid(request.dossier_id)
        try:
            state = await self._ask(
                partial(self.patient.wait, dossier, request.processing, request.seconds)
            )
        except KioskError as error:
            if error.code != Fault.LINK_NOT_FOUND:
                raise
            await asyncio.sleep(min(_NOT_THERE_YET, request.seconds))
            return messages.CopyAnswer(state="waiting")
        return await self._copy_of(self.patient, state)

    async def _copy_of(self, client: PortalClient, state: IntakeState) -> messages.CopyAnswer:
        if state.processing in _REFUSED:
            return _copy_answer("refused", state)
        if state.processing not in _ISSUED:
            return _copy_answer("waiting", state)
        pdf = await self._ask(partial(client.copy, state.id))
        if pdf is None:
            return _copy_answer("waiting", state)
        return _copy_answer("issued", state).model_copy(update={"pdf": pdf})

    async def track(self, request: messages.TrackRequest) -> messages.TrackAnswer:
        ask = TrackAsk(**request.model_dump())
        found = (await self._ask(partial(self.quick.track, ask))).found
        return messages.TrackAnswer(
            found=tuple(messages.Tracked(**each.model_dump()) for each in found)
        )

    async def collect(self, request: messages.CollectRequest) -> messages.CollectAnswer:
        try:
            ask = CollectAsk(**request.model_dump())
        except ValueError:  # pydantic's message would quote the number
            raise KioskError(Fault.LINK_NOT_FOUND, "not a slip and a card") from None
        reply = await self._ask(partial(self.quick.collect, ask))
        state = _collectable(reply)
        pdf = None
        if state == "issued":
            pdf = await self._ask(partial(self.patient.collected_copy, ask))
        return messages.CollectAnswer(
            dossier_id=str(reply.id),
            state=state,
            processing=reply.processing,
            number=reply.number,
            note=reply.note,
            pdf=pdf,
            copies=reply.left,
        )

    async def printed(self, request: messages.PrintedRequest) -> messages.Empty:
        done = PrintsDone(dossier_id=_uuid(request.dossier_id), copies=request.copies)
        await self._ask(partial(self.quick.printed, _uuid(request.print_id), done))
        return messages.Empty()

    # -- what the kiosk holds ----------------------------------------------------------------

    async def status(self, _: messages.Empty) -> messages.LinkStatus:
        return messages.LinkStatus(
            online=self.upkeep.online,
            outbox_waiting=await self._in_thread(self.outbox.waiting),
            clock_trusted=self.upkeep.clock.trusted,
            standing=self.upkeep.standing,
            attended=self.upkeep.attended,
        )

    async def current_trust(self, _: messages.Empty) -> messages.TrustAnswer:
        bundle, policy = self.trust.bundle, self.trust.policy
        if bundle is None or policy is None:
            raise KioskError(Fault.LINK_OFFLINE, "the portal was never reached", retryable=True)
        return messages.TrustAnswer(bundle=bundle, policy=policy)

    async def refresh(self, _: messages.Empty) -> messages.RefreshAnswer:
        try:
            await self._ask(partial(self.trust.refresh, self.quick))
            fresh = True
        except KioskError as error:
            log.info("not refreshed: %s", error.code)
            fresh = False
        bundle, policy = self.trust.serials()
        return messages.RefreshAnswer(bundle=bundle, policy=policy, fresh=fresh)

    async def packs(self, _: messages.Empty) -> messages.PacksAnswer:
        return messages.PacksAnswer(policy=self.trust.packs.policy or b"")

    async def pack(self, request: messages.PackRequest) -> messages.PackAnswer:
        try:
            data = await self._in_thread(partial(self.trust.packs.read, request.sha256))
        except OSError:
            raise KioskError(Fault.LINK_NOT_FOUND, "no such pack") from None
        return messages.PackAnswer(pack=data)

    async def lease(self, request: messages.LeaseRequest) -> messages.LeaseAnswer:
        return await self._in_thread(partial(self._ensure, request.kind, request.count))

    def _ensure(self, kind: Kind, count: int) -> messages.LeaseAnswer:
        if self.leases.left(kind) < count and self.upkeep.may_lease(kind):
            try:
                self.leases.fill(self.quick, kind, count)
            except QueueError as error:
                log.info("no lease: %s", error.code)  # the answer tells what is left
        return messages.LeaseAnswer(left=self.leases.left(kind))

    # -- services ----------------------------------------------------------------------------

    async def pay(self, request: messages.PayRequest) -> messages.PayAnswer:
        return await self._in_thread(partial(self.gateway.create, request))

    async def payment(self, request: messages.PaymentRequest) -> messages.PaymentAnswer:
        return await self._in_thread(partial(self.gateway.watch, request))

    async def send_code(self, request: messages.SendCodeRequest) -> messages.SendCodeAnswer:
        ask = CodeAsk.model_validate(request.model_dump())
        sent = await self._ask(partial(self.patient.send_code, ask))
        return messages.SendCodeAnswer(confirmation_id=str(sent.id), expires=sent.expires)

    async def confirm_code(
        self, request: messages.ConfirmCodeRequest
    ) -> messages.ConfirmCodeAnswer:
        confirmation = _uuid(request.confirmation_id)
        verdict = await self._ask(partial(self.quick.confirm_code, confirmation, request.code))
        return messages.ConfirmCodeAnswer(**verdict.model_dump())

    async def check(self, request: messages.CheckRequest) -> messages.CheckAnswer:
        if request.kind != "business-name":
            valid = (
                numbers.is_tax_code
                if request.kind == "tax-code"
                else numbers.is_citizen_number
            )  # fmt: skip
            return messages.CheckAnswer(answer="valid" if valid(request.value) else "invalid")
        ask = CheckAsk(business_name=request.value, commune=request.commune)
        try:
            reply = await self._ask(partial(self.quick.check, ask))
        except KioskError as error:
            log.info("a name was not checked: %s", error.code)
            return messages.CheckAnswer(answer="unknown")
        return messages.CheckAnswer(answer=reply.answer)

    async def issued_page(self, request: messages.IssuedPageRequest) -> messages.IssuedPageAnswer:
        try:
            ask = IssuedPageAsk(seal=request.seal, page=request.page)
        except ValueError:
            raise KioskError(Fault.LINK_NOT_FOUND, "not a seal") from None
        page = await self._ask(partial(self.patient.issued_page, ask))
        return messages.IssuedPageAnswer(
            pages=page.pages, jpeg=page.jpeg, ignored=page.ignored, inspect_by=page.inspect_by
        )

    async def papers(self, request: messages.PapersRequest) -> messages.PapersAnswer:
        listed = await self._ask(partial(self.quick.papers, _person(request.citizen_number)))
        return messages.PapersAnswer(papers=tuple(_stored(paper) for paper in listed.papers))

    async def paper(self, request: messages.PaperRequest) -> messages.PaperAnswer:
        person, paper = _person(request.citizen_number), _uuid(request.id)
        jpeg = await self._ask(partial(self.patient.page, person, paper, request.page))
        return messages.PaperAnswer(jpeg=jpeg)

    async def keep_paper(self, request: messages.KeepPaperRequest) -> messages.StoredPaper:
        keep = PaperKeep(
            citizen_number=_person(request.citizen_number).citizen_number,
            dossier_id=_uuid(request.dossier_id),
            paper=request.paper,
        )
        return _stored(await self._ask(partial(self.quick.keep_paper, keep)))

    async def rate(self, request: messages.RateRequest) -> messages.RateAnswer:
        kept = await self._in_thread(partial(self.ratings.keep, request, local_now()))
        return messages.RateAnswer(kept=kept)

    async def call_staff(self, request: messages.StaffRequest) -> messages.Empty:
        await self._ask(partial(self.quick.call_staff, request.reason))
        return messages.Empty()

    async def report(self, request: messages.ReportRequest) -> messages.ReportAnswer:
        """Devices as they are now; the fleet page sees them at once, or with the next heartbeat."""
        self.upkeep.devices = dict(request.devices)
        try:
            await self._ask(partial(self.upkeep.beat, self.quick))
        except KioskError as error:
            log.info("no heartbeat: %s", error.code)
            return messages.ReportAnswer(pushed=False)
        return messages.ReportAnswer(pushed=True)

    # -- within ------------------------------------------------------------------------------

    async def _ask(self, call: Callable[[], _Result]) -> _Result:
        """Ask the portal. What its silence or refusal means to the caller is told by a code."""
        try:
            return await self._in_thread(call)
        except QueueError as error:
            raise self._told(error) from None

    def _told(self, error: QueueError) -> KioskError:
        if error.code == QueueFault.REJECTED and error.detail in list(Problem):
            code = _PROBLEMS.get(Problem(error.detail), QueueFault.REJECTED)
            if code == Fault.LINK_REVOKED:
                self.upkeep.out_of_order(Fault.LINK_REVOKED)
            return KioskError(code, error.detail, retryable=code == Fault.LINK_BUSY)
        if error.code not in _NO_ANSWER:
            return KioskError(error.code, error.detail, retryable=error.retryable)
        if self.upkeep.standing:
            return KioskError(self.upkeep.standing, error.detail)
        if self.pause.left > 0:
            return KioskError(Fault.LINK_BUSY, f"{self.pause.left:.0f} s", retryable=True)
        return KioskError(Fault.LINK_OFFLINE, error.detail, retryable=True)

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)


def _copy_answer(
    state: Literal["waiting", "issued", "refused"], told: IntakeState
) -> messages.CopyAnswer:
    return messages.CopyAnswer(
        state=state, processing=told.processing, number=told.number, note=told.note
    )


def _collectable(reply: CollectReply) -> Literal["waiting", "issued", "refused", "printed"]:
    if reply.issued:
        return "issued" if reply.left else "printed"
    return "refused" if reply.processing in _REFUSED else "waiting"


def _stored(paper: PaperInfo) -> messages.StoredPaper:
    return messages.StoredPaper(**{**paper.model_dump(), "id": str(paper.id)})


def _person(citizen_number: str) -> PersonAsk:
    try:
        return PersonAsk(citizen_number=citizen_number)
    except ValueError:  # pydantic's message would quote the number
        raise KioskError(Fault.UNEXPECTED, "not a citizen number") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise KioskError(Fault.UNEXPECTED, "not an id") from None
