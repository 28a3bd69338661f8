"""The engine: an asyncio loop in a thread of its own that runs one session after another."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from drivers.contract import DeviceError
from drivers.presence import watching
from kiosk import inventory, originals, power, reports, slip_exit, staff, tamper
from kiosk.app import Kiosk
from kiosk.defects import log_defect
from kiosk.failures import KioskError, failure_of
from kiosk.policy import Policy, current_policy
from kiosk.session import Finished, Session, discard
from kiosk.settings import Settings
from kiosk.stage import Prompter, Stage, cancel
from kiosk.views import AttractView, CallStaff, Choose, FaultView, Intent, Next, Text, View
from offline_queue.errors import QueueError

log = logging.getLogger(__name__)

_NOTICE_SECONDS = 30.0


async def serve(kiosk: Kiosk, stage: Stage, on_finished: Callable[[Finished], None]) -> None:
    """Serve citizens until cancelled; meanwhile devices that went away are looked for."""
    watched = (
        kiosk.scanner,
        kiosk.reader,
        kiosk.receipt,
        kiosk.printer,
        kiosk.cards,
        kiosk.camera,
    )
    async with watching(watched):
        while True:
            discard_drafts(kiosk)
            stage.set_language(kiosk.settings.site.language)
            prompter = _prompter(kiosk, stage)
            await _wait_for_somebody(kiosk, prompter)
            await kiosk.shelf.refresh()
            offered = kiosk.shelf.on(kiosk.clock())
            session = Session(kiosk, prompter, await _policy(kiosk), offered)
            finished = await session.run()
            if finished.ended == "power" and (notice := await _no_mains(kiosk)):
                await _show_for_a_while(prompter, notice)
            await originals.guard(kiosk, prompter)
            if notice := await slip_exit.put_away(kiosk):
                await _show_for_a_while(prompter, notice)
            on_finished(finished)


def discard_drafts(kiosk: Kiosk) -> None:
    """What a power cut left half done belongs to somebody who has gone: destroy it and say so."""
    for draft in kiosk.outbox.drafts():
        discard(kiosk, draft.id, why="restart")


def _prompter(kiosk: Kiosk, stage: Stage) -> Prompter:
    screen = kiosk.settings.screen
    return Prompter(
        stage,
        language=kiosk.settings.site.language,
        idle_seconds=screen.idle_seconds,
        warning_seconds=screen.warning_seconds,
    )


async def _wait_for_somebody(kiosk: Kiosk, prompter: Prompter) -> None:
    while True:
        intent: Intent | None = await prompter.show(AttractView())
        if isinstance(intent, Next):
            if (trouble := _no_room(kiosk) or await _no_mains(kiosk)) is None:
                return
            intent = await _show_for_a_while(prompter, trouble)
        if isinstance(intent, CallStaff) or intent == Choose("staff"):
            notice = await staff.call(kiosk, reason="attract", kept="kept.nothing")
            await _show_for_a_while(prompter, notice)


def _no_room(kiosk: Kiosk) -> FaultView | None:
    """What to show when a dossier could not be held: nobody fills in for an hour what this machine
    would then have to refuse."""
    try:
        kiosk.outbox.can_hold(kiosk.settings.outbox.expected_dossier_bytes).require()
    except QueueError as error:
        return _closed_view(kiosk, error)
    return None


async def _no_mains(kiosk: Kiosk) -> FaultView | None:
    """On battery whoever is there may finish, but nobody new begins."""
    trouble = await power.trouble(kiosk.power)
    return _closed_view(kiosk, trouble) if trouble else None


def _closed_view(kiosk: Kiosk, error: QueueError | DeviceError) -> FaultView:
    failure = failure_of(error)
    log.error("nobody is let in: %s %s", failure.code, error.detail)
    kiosk.journal.append("failure-shown", code=failure.code)
    return FaultView(
        code=failure.code,
        picture=failure.picture,
        title=Text(failure.title),
        happened=Text(failure.happened),
        todo=Text(failure.todo),
        kept=Text("kept.nothing"),
        actions=("staff",),
        can_go_back=True,
    )


async def _show_for_a_while(prompter: Prompter, notice: View) -> Intent | None:
    """Nobody may be there any more to touch it away."""
    try:
        return await asyncio.wait_for(prompter.show(notice), _NOTICE_SECONDS)
    except TimeoutError:
        return None


async def _policy(kiosk: Kiosk) -> Policy | None:
    """Without a policy in force the kiosk files and pre-checks, but never certifies itself."""
    try:
        return await current_policy(kiosk.link, kiosk.trust_anchor, kiosk.clock())
    except KioskError as error:
        log.warning("no policy: %s", error.code)
        return None


class Engine:
    """Runs :func:`serve` in a thread, so that the thread of the screen only paints."""

    def __init__(
        self,
        build: Callable[[Settings], Kiosk],
        settings: Settings,
        on_finished: Callable[[Finished], None],
        on_crash: Callable[[], None],
    ) -> None:
        self._build = build
        self._settings = settings
        self._on_finished = on_finished
        self._on_crash = on_crash
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._running = threading.Event()
        self._stopping = False

    def start(self, stage: Stage) -> None:
        self._thread = threading.Thread(target=self._run, args=(stage,), name="engine")
        self._thread.start()

    def stop(self) -> None:
        """End the running session, wipe it, close the devices, and wait for all that."""
        if self._thread is None:
            return
        self._running.wait()
        self._stopping = True
        if self._loop and self._task and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self, stage: Stage) -> None:
        try:
            asyncio.run(self._main(stage))
        except (Exception, asyncio.CancelledError) as error:
            if self._stopping:
                return
            # systemd restarts a kiosk whose engine is gone; a frozen picture would help nobody.
            log_defect(log, "engine", error)
            self._on_crash()
        finally:
            self._running.set()

    async def _main(self, stage: Stage) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._running.set()
        kiosk = self._build(self._settings)
        beside = [
            self._beside("reports", reports.keep_reporting(kiosk)),
            self._beside("procedures", kiosk.shelf.keep_fresh()),
            self._beside("devices", inventory.publish(self._settings, kiosk.devices)),
            self._beside("housing", tamper.watch(kiosk)),
        ]
        try:
            await serve(kiosk, stage, self._on_finished)
        finally:
            await cancel(*beside)
            await kiosk.close()

    def _beside(self, what: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work without an end. Where it ends all the same, so does the engine: a kiosk that no
        longer watches its housing, or shows hours-old states of its devices, has to start anew."""

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled():
                return
            if error := task.exception():
                log_defect(log, what, error)
            assert self._task, "work beside the engine begins in its task"
            self._task.cancel()

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        return task
