"""Waiting for a person: intents, races, and what happens when nobody is there any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kiosk.stage import IdleError, Prompter, first_of
from kiosk.views import AttractView, Back, Intent, Next, SetLanguage, Touch, View


class Board:
    """A stage that keeps what it was told."""

    def __init__(self) -> None:
        self.on_intent: Callable[[Intent], None] = lambda _: None
        self.views: list[View] = []
        self.warnings: list[int | None] = []
        self.warned = asyncio.Event()

    def present(self, view: View) -> None:
        self.views.append(view)

    def set_language(self, language: str) -> None:
        pass

    def set_warning(self, seconds_left: int | None) -> None:
        self.warnings.append(seconds_left)
        self.warned.set()


def prompter(board: Board, idle: float = 60, warning: float = 10) -> Prompter:
    return Prompter(board, language="vi", idle_seconds=idle, warning_seconds=warning)


async def _never() -> None:
    await asyncio.Event().wait()


def test_the_answer_is_the_next_intent() -> None:
    async def story() -> Intent:
        board = Board()
        asking = asyncio.create_task(prompter(board).show(AttractView()))
        await asyncio.sleep(0)
        board.on_intent(Touch())
        board.on_intent(SetLanguage("en"))
        board.on_intent(Next())
        return await asking

    assert asyncio.run(story()) == Next()


def test_a_touch_on_an_earlier_view_does_not_count() -> None:
    async def story() -> Intent:
        board = Board()
        people = prompter(board)
        board.on_intent(Next())
        await asyncio.sleep(0.01)
        asking = asyncio.create_task(people.show(AttractView()))
        await asyncio.sleep(0.01)
        assert not asking.done()
        board.on_intent(Back())
        return await asking

    assert asyncio.run(story()) == Back()


def test_the_language_is_remembered() -> None:
    async def story() -> str:
        board = Board()
        people = prompter(board)
        board.on_intent(SetLanguage("en"))
        await asyncio.sleep(0.01)
        return people.language

    assert asyncio.run(story()) == "en"


def test_a_race_is_won_by_work_or_by_the_person_and_the_loser_is_cancelled() -> None:
    async def story() -> tuple[object, object, bool]:
        board = Board()
        people = prompter(board)
        cancelled = asyncio.Event()

        async def slow() -> str:
            try:
                await _never()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return "never"

        async def quick() -> str:
            return "read"

        first = await people.race(AttractView(), quick())
        racing = asyncio.create_task(people.race(AttractView(), slow()))
        await asyncio.sleep(0.01)
        board.on_intent(Back())
        return first, await racing, cancelled.is_set()

    assert asyncio.run(story()) == ("read", Back(), True)


def test_idle_warns_and_then_ends() -> None:
    async def story() -> Board:
        board = Board()
        people = prompter(board, idle=0.05, warning=0.1)
        with pytest.raises(IdleError):
            await first_of(_never(), people.watch())
        return board

    assert asyncio.run(story()).warnings == [1, None]


def test_a_touch_takes_the_warning_back() -> None:
    async def story() -> list[int | None]:
        board = Board()
        people = prompter(board, idle=0.05, warning=30)
        watching = asyncio.create_task(people.watch())
        await board.warned.wait()
        board.warned.clear()
        board.on_intent(Touch())
        await board.warned.wait()
        watching.cancel()
        return board.warnings

    assert asyncio.run(story()) == [30, None]


def test_no_time_out_while_the_machine_works() -> None:
    async def story() -> bool:
        people = prompter(Board(), idle=0.01, warning=0.01)
        watching = asyncio.create_task(people.watch())
        async with people.busy():
            await asyncio.sleep(0.1)
            still = not watching.done()
        watching.cancel()
        return still

    assert asyncio.run(story())
