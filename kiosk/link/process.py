"""``kiosk link``: the process that alone speaks to the outside world.

Three things run side by side: the socket answers verbs, one loop drains the outbox, and one tends
what must be there before it is needed: enrolment, trust bundle, policy, numbers. Whatever blocks
runs in threads, so that a hung network holds up neither the socket nor the other loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar
from uuid import UUID

import apsw

from certify.errors import CertifyError
from certify.numbers import Kind, NumberStore
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import server, verbs
from kiosk.link.clock import ClockCheck
from kiosk.link.device import Enrolment, device_key
from kiosk.link.identity import VneidClient
from kiosk.link.leases import KINDS, LeaseKeeper
from kiosk.link.trust import TrustKeeper, load_anchor
from kiosk.settings import Settings
from offline_queue.backoff import Backoff, Spread
from offline_queue.clock import since_boot
from offline_queue.errors import QueueError
from offline_queue.intake import IntakeState
from offline_queue.outbox import Outbox, State
from offline_queue.pacing import HourlyBudget
from offline_queue.transport import IntakeClient
from offline_queue.uploader import Uploader

log = logging.getLogger(__name__)

TEND_POLLS = 60
"""At most so many polls between two looks at the portal while all is well: a minute as shipped."""
TRUST_POLLS = 900
"""As many between two requests for trust bundle and policy: a quarter of an hour as shipped."""
LONGEST_POLLS = 900
"""Longest pause between attempts in an outage: a quarter of an hour as shipped, since thousands of
kiosks come back at once (docs/upload.md). A dossier that is locked meanwhile is tried at once."""
THREADS = 12
ASK_SECONDS = 4.0
"""Longest silence while a verb waits for the portal: with the connecting it stays below 8 s."""

_UNDER_WAY = {State.LOCKED, State.SENDING}
_ISSUED = {9, 10}
_REFUSED = {3, 7, 8}
_Result = TypeVar("_Result")


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Raises KioskError: SETTINGS_INVALID, LINK_RUNNING (another link has this state folder)."""
    folder = settings.site.state / "link"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        _lock_for_process(lock.fileno())
        link = Link(settings, folder)
        try:
            await link.run(stop)
        finally:
            link.close()


def _lock_for_process(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise KioskError(Fault.LINK_RUNNING, "another kiosk link is running") from None


class Link:
    def __init__(self, settings: Settings, folder: Path) -> None:
        state, identity = settings.site.state, settings.identity
        self._settings = settings
        self._users = server.allowed_users(settings.link.peers)
        self._trust = TrustKeeper(folder, load_anchor(settings.link.trust_anchor_file))
        self._enrolment_file = folder / "enrolment.json"
        self._key = device_key(folder / "device.key")
        self._outbox = Outbox(state / "outbox", machine_key=state / "machine.key", clock=local_now)
        self._numbers = NumberStore(state / "numbers.db")
        self._leases = LeaseKeeper(self._numbers, local_now)
        self._clock = ClockCheck(local_now)
        self._client = self._new_client(ASK_SECONDS)
        self._vneid = VneidClient(identity.issuer, identity.client_id, identity.minimum_level)
        self._online = False
        self._trust_due = 0.0
        self._uploader: Uploader | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="link")
        if enrolment := Enrolment.load(self._enrolment_file):
            self._enrolled(enrolment)

    async def run(self, stop: asyncio.Event) -> None:
        path = self._settings.link.socket
        handlers: dict[str, server.Handler] = {
            verbs.IDENTIFY.name: self._identify,
            verbs.SUBMIT.name: self._submit,
            verbs.COPY.name: self._copy,
            verbs.STATUS.name: self._status,
            verbs.TRUST.name: self._current_trust,
            verbs.LEASE.name: self._lease,
            verbs.CALL_STAFF.name: self._call_staff,
        }
        listening = await server.VerbServer(handlers, self._users).serve(server.bind(path))
        loops = [asyncio.create_task(self._tend()), asyncio.create_task(self._drain())]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopping, *loops], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.close()
            path.unlink(missing_ok=True)
            for task in (stopping, *loops):
                task.cancel()
            results = await asyncio.gather(*loops, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):  # a defect: end, and be started anew
                raise result

    def close(self) -> None:
        if self._uploader is not None:
            self._uploader.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._outbox.close()
        self._numbers.close()

    # -- verbs -------------------------------------------------------------------------------

    async def _identify(self, request: verbs.IdentifyRequest) -> verbs.Identity:
        return await self._in_thread(partial(self._vneid.identify, request.payload))

    async def _submit(self, request: verbs.SubmitRequest) -> verbs.SubmitAnswer:
        """Send now rather than at the next poll; a second is left to say what came of it."""
        dossier = _dossier_id(request.dossier_id)
        try:
            async with asyncio.timeout(verbs.SUBMIT.deadline - 1):
                await self._send_until_settled(dossier)
        except TimeoutError:
            pass  # the answer tells how far it came
        state = await self._in_thread(partial(self._state, dossier))
        return verbs.SubmitAnswer(state=state)

    async def _send_until_settled(self, dossier: UUID) -> None:
        """Others may stand before it, so more than one step may be needed."""
        while self._uploader and await self._in_thread(partial(self._state, dossier)) in _UNDER_WAY:
            if not await self._in_thread(partial(self._uploader.step, at_once=True)):
                return

    def _state(self, dossier: UUID) -> State:
        entry = self._outbox.get(dossier)
        return State.ACCEPTED if entry.receipt else entry.state

    async def _copy(self, request: verbs.CopyRequest) -> verbs.CopyAnswer:
        return await self._in_thread(partial(self._find_copy, _dossier_id(request.dossier_id)))

    def _find_copy(self, dossier: UUID) -> verbs.CopyAnswer:
        state = self._client.state(dossier)
        if state is None:
            return verbs.CopyAnswer(state="waiting")
        if state.processing in _REFUSED:
            return _copy_answer("refused", state)
        pdf = self._client.copy(dossier) if state.processing in _ISSUED else None
        if pdf is None:
            return _copy_answer("waiting", state)
        return _copy_answer("issued", state).model_copy(update={"pdf": pdf})

    async def _status(self, _: verbs.Empty) -> verbs.LinkStatus:
        return verbs.LinkStatus(
            online=self._online,
            outbox_waiting=await self._in_thread(self._outbox.waiting),
            clock_trusted=self._clock.trusted,
        )

    async def _current_trust(self, _: verbs.Empty) -> verbs.TrustAnswer:
        bundle, policy = self._trust.bundle, self._trust.policy
        if bundle is None or policy is None:
            raise KioskError(Fault.LINK_OFFLINE, "the portal was never reached", retryable=True)
        return verbs.TrustAnswer(bundle=bundle, policy=policy)

    async def _lease(self, request: verbs.LeaseRequest) -> verbs.LeaseAnswer:
        return await self._in_thread(partial(self._ensure, request.kind, request.count))

    def _ensure(self, kind: Kind, count: int) -> verbs.LeaseAnswer:
        if self._leases.left(kind) < count and self._may_lease(kind):
            try:
                self._leases.fill(self._client, kind, count)
            except QueueError as error:
                log.info("no lease: %s", error)  # the answer tells what is left
        return verbs.LeaseAnswer(left=self._leases.left(kind))

    async def _call_staff(self, request: verbs.StaffRequest) -> verbs.Empty:
        await self._in_thread(partial(self._client.call_staff, request.reason))
        return verbs.Empty()

    # -- loops -------------------------------------------------------------------------------

    async def _drain(self) -> None:
        poll = self._settings.link.poll_seconds
        while True:
            if self._uploader is None:
                await asyncio.sleep(poll)
                continue
            try:
                settled = await self._in_thread(self._uploader.step)
            except QueueError as error:
                log.error("the outbox is in trouble: %s", error)
                settled = False
            if not settled:
                await asyncio.sleep(poll)

    async def _tend(self) -> None:
        poll = self._settings.link.poll_seconds
        backoff = Backoff(first=poll / 2, longest=60 * poll)
        while True:
            try:
                complete = await self._in_thread(self._look_after)
            except (QueueError, CertifyError, apsw.Error) as error:
                log.warning("portal: %s", error)
                complete = False
            if complete:
                backoff.succeeded()
                pause = TEND_POLLS * poll * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
            else:
                pause = backoff.failed()
            await asyncio.sleep(pause)

    def _look_after(self) -> bool:
        """True when nothing is wanting: enrolled, trust and numbers in stock."""
        try:
            self._clock.compare(self._client.health())
            self._online = True
        except QueueError:
            self._online = False
            raise
        if self._uploader is None and not self._enrol():
            return False
        if since_boot() >= self._trust_due:
            self._trust.refresh(self._client)
            self._trust_due = since_boot() + TRUST_POLLS * self._settings.link.poll_seconds
        for kind in KINDS:
            if self._may_lease(kind):
                self._leases.fill(self._client, kind)
        return True

    def _may_lease(self, kind: Kind) -> bool:
        """Certificate numbers only for a kiosk that may certify by itself."""
        return kind == "dossier" or self._trust.allows_post_check(local_now())

    def _enrol(self) -> bool:
        file = self._settings.link.enrolment_code_file
        if file is None or not file.exists():
            log.warning("not enrolled, and no one-time code at link.enrolment_code_file")
            return False
        try:
            enrolment = Enrolment(self._client.enrol(file.read_text("ascii").strip()))
        except (OSError, ValueError) as error:
            log.error("not enrolled: %s", type(error).__name__)
            return False
        enrolment.save(self._enrolment_file)
        self._enrolled(enrolment)
        log.info("enrolled as %s", self._settings.site.kiosk_id)
        return True

    def _enrolled(self, enrolment: Enrolment) -> None:
        poll = self._settings.link.poll_seconds
        self._outbox.set_portal_key(enrolment.envelope_key_id, enrolment.envelope_key)
        self._uploader = Uploader(
            self._outbox,
            self._new_client(),
            self._key,
            enrolment.receipt_key,
            backoff=Backoff(first=poll / 2, longest=LONGEST_POLLS * poll),
            spread=Spread(self._settings.link.spread_seconds),
        )

    def _new_client(self, read_seconds: float = 30.0) -> IntakeClient:
        return IntakeClient(
            self._settings.link.portal,
            self._settings.site.kiosk_id,
            self._key,
            clock=local_now,
            read_seconds=read_seconds,
            budget=HourlyBudget(self._settings.link.hourly_bytes),
        )

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _copy_answer(
    state: Literal["waiting", "issued", "refused"], told: IntakeState
) -> verbs.CopyAnswer:
    return verbs.CopyAnswer(
        state=state, processing=told.processing, number=told.number, note=told.note
    )


def _dossier_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise KioskError(Fault.UNEXPECTED, "not a dossier id") from None
