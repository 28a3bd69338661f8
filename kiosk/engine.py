"""The engine: an asyncio loop in a thread of its own that runs one session after another."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from kiosk import reports, staff
from kiosk.app import Kiosk
from kiosk.failures import Fault, KioskError
from kiosk.policy import Policy, current_policy
from kiosk.session import Finished, Session
from kiosk.settings import Settings
from kiosk.stage import Prompter, Stage, cancel
from kiosk.views import AttractView, CallStaff, Next, View

log = logging.getLogger(__name__)

_NOTICE_SECONDS = 30.0


async def serve(kiosk: Kiosk, stage: Stage, on_finished: Callable[[Finished], None]) -> None:
    """Serve citizens until cancelled."""
    discard_drafts(kiosk)
    while True:
        stage.set_language(kiosk.settings.site.language)
        prompter = _prompter(kiosk, stage)
        await _wait_for_somebody(kiosk, prompter)
        session = Session(kiosk, prompter, await _policy(kiosk))
        on_finished(await session.run())


def discard_drafts(kiosk: Kiosk) -> None:
    """What a power cut left half done belongs to somebody who has gone: destroy it and say so."""
    for draft in kiosk.outbox.drafts():
        kiosk.outbox.discard(draft.id)
        kiosk.journal.append("draft-discarded", dossier=str(draft.id), why="restart")


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
        intent = await prompter.show(AttractView())
        if isinstance(intent, Next):
            return
        if isinstance(intent, CallStaff):
            notice = await staff.call(kiosk, reason="attract", kept="kept.nothing")
            await _show_for_a_while(prompter, notice)


async def _show_for_a_while(prompter: Prompter, notice: View) -> None:
    """Nobody may be there any more to touch it away."""
    try:
        await asyncio.wait_for(prompter.show(notice), _NOTICE_SECONDS)
    except TimeoutError:
        return


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

    def start(self, stage: Stage) -> None:
        self._thread = threading.Thread(target=self._run, args=(stage,), name="engine")
        self._thread.start()

    def stop(self) -> None:
        """End the running session, wipe it, close the devices, and wait for all that."""
        if self._loop and self._task:
            self._loop.call_soon_threadsafe(self._task.cancel)
        if self._thread:
            self._thread.join()

    def _run(self, stage: Stage) -> None:
        try:
            asyncio.run(self._main(stage))
        except asyncio.CancelledError:
            return
        except Exception:
            # systemd restarts a kiosk whose engine is gone; a frozen picture would help nobody.
            log.exception("the engine stopped: %s", Fault.UNEXPECTED)
            self._on_crash()

    async def _main(self, stage: Stage) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        kiosk = self._build(self._settings)
        reporting = asyncio.create_task(reports.keep_reporting(kiosk))
        try:
            await serve(kiosk, stage, self._on_finished)
        finally:
            await cancel(reporting)
            await kiosk.close()
