"""``kiosk link``: the process that alone speaks to the outside world.

Three things run side by side: the socket answers verbs, one loop drains the outbox, and one tends
what must be there before it is needed. Whatever blocks runs in threads, those of the verbs apart
from those of the loops, so that a hung network holds up neither the socket nor the other loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import requests

from certify.errors import CertifyError
from certify.numbers import NumberStore
from kiosk.clock import local_now
from kiosk.defects import log_defect
from kiosk.failures import Fault, KioskError
from kiosk.link import provider, server
from kiosk.link.certificate import Certificate
from kiosk.link.device import DeviceKey, adopt_next_key, device_key, next_key
from kiosk.link.handlers import Handlers
from kiosk.link.identity import VneidClient
from kiosk.link.leases import LeaseKeeper
from kiosk.link.payments import PaymentGateway
from kiosk.link.portal_client import PortalClient
from kiosk.link.ratings import Ratings
from kiosk.link.sessions import Pause, check_addresses, portal_session
from kiosk.link.token_key import TokenKey
from kiosk.link.trust import TrustKeeper, load_anchor
from kiosk.link.upkeep import ReceiptKeys, Upkeep
from kiosk.settings import Settings
from kiosk.storage import open_journal, open_outbox
from offline_queue.backoff import Backoff, Spread
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.outbox import State
from offline_queue.pacing import HourlyBudget
from offline_queue.uploader import Uploader

log = logging.getLogger(__name__)

TEND_POLLS = 60
"""At most so many polls between two looks at the portal while all is well: a minute as shipped."""
VERB_THREADS = 16
LAST_SECONDS = 3.0
"""What a request under way may still take when link is told to stop."""
LONGEST_POLLS = 900
"""Longest pause between attempts in an outage: a quarter of an hour as shipped, since thousands of
kiosks come back at once (docs/upload.md). A dossier that is locked meanwhile is tried at once."""
ASK_SECONDS = 4.0
"""Longest silence while a verb waits for the portal: with the connecting it stays below 8 s."""
PATIENT_SECONDS = 24.0
"""The same for what the portal holds back on purpose."""
UPLOAD_SECONDS = 30.0
"""The same while a dossier is sent and nobody need wait for it."""
_THREAD_NAME = "link"
_Result = TypeVar("_Result")


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    asyncio.run(_until_signalled(settings))
    if _threads():
        # A request hangs. Everything that counts is on disk; waiting for it would only delay.
        log.info("a request under way is abandoned")
        logging.shutdown()
        os._exit(0)


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Raises KioskError: SETTINGS_INVALID, LINK_RUNNING (another link has this state folder)."""
    check_addresses(settings)
    folder = settings.site.state / "link"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        _lock_for_process(lock.fileno())
        link = Link(settings, folder)
        try:
            await link.run(stop)
        finally:
            await link.close()


def _lock_for_process(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise KioskError(Fault.LINK_RUNNING, "another kiosk link is running") from None


class Link:
    """The objects of this process, wired together."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        state, identity = settings.site.state, settings.identity
        self._settings = settings
        self._users = server.allowed_users(settings.link.peers)
        trust = TrustKeeper(folder, load_anchor(settings.link.trust_anchor_file))
        self._key_file = folder / "device.key"
        self._key = device_key(self._key_file, settings.device_key)
        self._certificate = Certificate(folder / "tls.pem")
        self._opened: list[PortalClient] = []
        self._budget = HourlyBudget(settings.link.hourly_bytes)
        self._journal = open_journal(settings, "link", local_now)
        self._outbox = open_outbox(settings, local_now, self._settled)
        self._numbers = NumberStore(state / "numbers.db")
        leases = LeaseKeeper(self._numbers, local_now)
        ratings = Ratings(folder / "ratings")
        self._upkeep = Upkeep(
            settings,
            folder,
            outbox=self._outbox,
            journal=self._journal,
            trust=trust,
            leases=leases,
            ratings=ratings,
            certificate=self._certificate,
            clients=lambda: (self._client(ASK_SECONDS), self._door()),
            new_uploader=self._new_uploader,
            newcomer=self._newcomer,
            adopt_key=self._adopt_key,
        )
        self._loop_threads = ThreadPoolExecutor(2, thread_name_prefix=f"{_THREAD_NAME}-loop")
        self._verb_threads = ThreadPoolExecutor(
            VERB_THREADS, thread_name_prefix=f"{_THREAD_NAME}-verb"
        )
        pause = Pause()
        self._handlers = Handlers(
            outbox=self._outbox,
            trust=trust,
            leases=leases,
            ratings=ratings,
            upkeep=self._upkeep,
            vneid=VneidClient(provider.of_settings(identity)),
            gateway=PaymentGateway(settings.payment),
            quick=self._client(ASK_SECONDS, pause),
            patient=self._client(PATIENT_SECONDS, pause),
            pause=pause,
            threads=self._verb_threads,
        )

    async def run(self, stop: asyncio.Event) -> None:
        path = self._settings.link.socket
        verbs = server.VerbServer(self._handlers.table(), self._users)
        listening = await verbs.serve(server.bind(path))
        loops = [asyncio.create_task(self._tend()), asyncio.create_task(self._drain())]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopping, *loops], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.close()
            path.unlink(missing_ok=True)
            for task in (stopping, *loops):
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def close(self) -> None:
        """Within seconds, whatever hangs: a thread that does not end keeps its databases open."""
        if self._upkeep.uploader is not None:
            self._upkeep.uploader.stop()
        for pool in (self._verb_threads, self._loop_threads):
            pool.shutdown(wait=False, cancel_futures=True)
        end = asyncio.get_running_loop().time() + LAST_SECONDS
        while _threads():
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(0.02)
        if isinstance(self._key, TokenKey):
            self._key.close()
        for client in self._opened:
            client.close()
        self._outbox.close()
        self._numbers.close()
        self._journal.close()

    def _settled(self, dossier: UUID, state: State, problem: str) -> None:
        facts = {"code": problem} if problem else {}
        self._journal.append(state, dossier=str(dossier), **facts)

    # -- loops -------------------------------------------------------------------------------

    async def _drain(self) -> None:
        poll = self._settings.link.poll_seconds
        backoff = self._backoff()
        while True:
            uploader = self._upkeep.uploader
            settled, pause = False, poll
            if uploader is not None and not self._upkeep.standing:
                try:
                    settled = await self._in_thread(uploader.step)
                    backoff.succeeded()
                except Exception as error:
                    _tell("the outbox is in trouble", error)
                    pause = poll if isinstance(error, QueueError) else backoff.failed()
            if not settled:
                await asyncio.sleep(pause)

    async def _tend(self) -> None:
        poll = self._settings.link.poll_seconds
        backoff = self._backoff()
        while True:
            try:
                complete = await self._in_thread(self._upkeep.look_after)
            except Exception as error:
                _tell("portal", error)
                complete = False
            if complete:
                backoff.succeeded()
                pause = TEND_POLLS * poll * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
            else:
                pause = backoff.failed()
            await asyncio.sleep(pause)

    def _backoff(self) -> Backoff:
        poll = self._settings.link.poll_seconds
        return Backoff(first=poll / 2, longest=60 * poll)

    # -- clients -----------------------------------------------------------------------------

    def _client(self, read_seconds: float, pause: Pause | None = None) -> PortalClient:
        """Shows the certificate, once there is one."""
        link = self._settings.link
        return self._kept_open(
            self._new_client(
                link.portal,
                self._key,
                read_seconds,
                lambda: portal_session(link.ca_file, self._certificate.file, pause),
            )
        )

    def _door(self) -> PortalClient:
        return self._kept_open(self._door_for(self._key))

    def _door_for(self, key: DeviceKey) -> PortalClient:
        """Shows no certificate: for those who have none yet, or none that counts."""
        link = self._settings.link
        address = link.enrolment_portal or link.portal
        return self._new_client(address, key, ASK_SECONDS, lambda: portal_session(link.ca_file))

    def _newcomer(self) -> PortalClient:
        """A key on a token stays after a revocation: it cannot have been copied."""
        on_token = isinstance(self._key, TokenKey)
        return self._door_for(self._key if on_token else next_key(self._key_file))

    def _new_client(
        self,
        address: str,
        key: DeviceKey,
        read_seconds: float,
        sessions: Callable[[], requests.Session],
    ) -> PortalClient:
        return PortalClient(
            address,
            self._settings.site.kiosk_id,
            key,
            sessions=sessions,
            clock=local_now,
            read_seconds=read_seconds,
            budget=self._budget,
        )

    def _kept_open(self, client: PortalClient) -> PortalClient:
        self._opened.append(client)
        return client

    def _new_uploader(self, receipt_keys: ReceiptKeys) -> Uploader:
        poll = self._settings.link.poll_seconds
        return Uploader(
            self._outbox,
            self._client(UPLOAD_SECONDS),
            self._key,
            receipt_keys,
            backoff=Backoff(first=poll / 2, longest=LONGEST_POLLS * poll),
            spread=Spread(self._settings.link.spread_seconds),
        )

    def _adopt_key(self) -> None:
        if isinstance(self._key, TokenKey):
            return
        adopt_next_key(self._key_file)
        self._key = device_key(self._key_file, self._settings.device_key)
        self._handlers.quick = self._client(ASK_SECONDS, self._handlers.pause)
        self._handlers.patient = self._client(PATIENT_SECONDS, self._handlers.pause)

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._loop_threads, call)


def _tell(what: str, error: Exception) -> None:
    """By its code alone: a detail may name a dossier. A loop outlives a defect too: a kiosk whose
    link ends again and again sends nothing, and answers nobody."""
    if isinstance(error, QueueError | CertifyError):
        refused = error.code == QueueFault.REJECTED  # the detail is the portal's problem code
        log.warning("%s: %s", what, error.detail if refused else error.code)
    else:
        log_defect(log, what, error)


def _threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith(f"{_THREAD_NAME}-")]
