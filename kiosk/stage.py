"""The meeting point of the engine and whatever shows it: the screen, a test, a headless demo."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from kiosk.views import CallStaff, Intent, SetLanguage, Touch, View

T = TypeVar("T")


class Stage(Protocol):
    """What shows views. Methods may be called from any thread.

    ``on_intent`` is set by the engine and called, from any thread, with what the person did.
    """

    on_intent: Callable[[Intent], None]

    def present(self, view: View) -> None: ...

    def set_language(self, language: str) -> None: ...

    def set_warning(self, seconds_left: int | None) -> None: ...


class IdleError(Exception):
    """Nobody touched anything until the warning had run out."""


class Prompter:
    """Shows views to one person and waits for answers, watching that somebody is still there."""

    def __init__(
        self, stage: Stage, *, language: str, idle_seconds: float, warning_seconds: float
    ) -> None:
        self.language = language
        self._stage = stage
        self._idle_seconds = idle_seconds
        self._warning_seconds = warning_seconds
        self._intents: asyncio.Queue[Intent] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._touched = self._loop.time()
        self._busy = 0
        self.on_busy_call: Callable[[], None] = lambda: None
        """Called when the person calls staff while the machine works and asks nothing."""
        self.waited = 0.0
        """Seconds spent waiting for the person, so far."""
        stage.on_intent = self._from_any_thread

    def present(self, view: View) -> None:
        self._stage.present(view)

    async def show(self, view: View) -> Intent:
        """Present ``view`` and wait for what the person does. Earlier touches do not count."""
        self._discard_stale()
        self.present(view)
        started = self._loop.time()
        try:
            return await self._intents.get()
        finally:
            self.waited += self._loop.time() - started

    async def race(
        self, view: View, work: Coroutine[Any, Any, T], *, machine: bool = False
    ) -> Intent | T:
        """Present ``view``; the answer is the person's intent or the result of ``work``, whichever
        comes first. The other one is cancelled. Time counts as waited unless ``machine``."""
        self._discard_stale()
        self.present(view)
        started = self._loop.time()
        working = asyncio.create_task(work)
        answering = asyncio.create_task(self._intents.get())
        try:
            await asyncio.wait({working, answering}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else answering.result()
        finally:
            self.waited += 0.0 if machine else self._loop.time() - started
            await cancel(working, answering)

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """The machine works and the person only waits: no idle time-out meanwhile."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._touched = self._loop.time()

    async def watch(self) -> None:
        """Warn when nobody touches anything, then raise IdleError. Runs beside the session."""
        warned: int | None = None
        try:
            while True:
                left = self._seconds_left()
                if left is not None and left <= 0:
                    raise IdleError
                shown = None if left is None or left > self._warning_seconds else int(left) + 1
                if shown != warned:
                    self._stage.set_warning(shown)
                    warned = shown
                await asyncio.sleep(min(0.25, self._idle_seconds / 10))
        finally:
            # Otherwise the question would stand over the first page, with nobody to answer it.
            if warned is not None:
                self._stage.set_warning(None)

    def _seconds_left(self) -> float | None:
        if self._busy:
            return None
        return self._touched + self._idle_seconds + self._warning_seconds - self._loop.time()

    def _from_any_thread(self, intent: Intent) -> None:
        self._loop.call_soon_threadsafe(self._take, intent)

    def _take(self, intent: Intent) -> None:
        self._touched = self._loop.time()
        if isinstance(intent, SetLanguage):
            self.language = intent.language
        elif isinstance(intent, CallStaff) and self._busy:
            self.on_busy_call()
        elif not isinstance(intent, Touch):
            self._intents.put_nowait(intent)

    def _discard_stale(self) -> None:
        while not self._intents.empty():
            self._intents.get_nowait()


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have cleaned up; their own errors do not matter any more.

    Only waits, never awaits them: a cancellation of the caller must stay the caller's.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


async def first_of(main: Awaitable[T], guard: Coroutine[Any, Any, Any]) -> T:
    """Run ``main`` until it is done or ``guard`` raises, whose error then ends both."""
    working = asyncio.ensure_future(main)
    guarding = asyncio.create_task(guard)
    try:
        await asyncio.wait({working, guarding}, return_when=asyncio.FIRST_COMPLETED)
        if guarding.done() and not working.done():
            guarding.result()
        return await working
    finally:
        await cancel(*(task for task in (working, guarding) if isinstance(task, asyncio.Task)))
