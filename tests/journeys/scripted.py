"""Runs journeys through the engine alone: the scripted citizen touches, a stage turns that into
intents, and everything behind the engine is the real thing on the sandbox's wires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kiosk import app, engine
from kiosk.sandbox import faults as fault_table
from kiosk.sandbox.appliance import Appliance
from kiosk.sandbox.citizen import ScriptedCitizen
from kiosk.sandbox.people import PERSON
from kiosk.session import Finished
from kiosk.views import AttractView, Back, Choose, Intent, Next, View

_SECONDS = 90


@dataclass
class Journey:
    """What a journey showed and came to."""

    finished: Finished | None = None
    views: list[View] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def screens(self) -> list[str]:
        """Screens in order, without repetition."""
        names = [view.screen for view in self.views]
        return [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]


class CitizenStage:
    """A stage with a citizen before it. ``decide`` may answer instead of the citizen."""

    def __init__(
        self,
        citizen: ScriptedCitizen,
        journey: Journey,
        decide: Callable[[View], Intent | None] = lambda _: None,
    ) -> None:
        self.on_intent: Callable[[Intent], None] = lambda _: None
        self.ready_again = asyncio.Event()
        self._citizen = citizen
        self._journey = journey
        self._decide = decide
        self._loop = asyncio.get_running_loop()

    def present(self, view: View) -> None:
        self._journey.views.append(view)
        if isinstance(view, AttractView) and self._journey.finished:
            self.ready_again.set()
        # Not at once: the engine asks for the answer after it has shown the view.
        self._loop.call_later(0.02, self._answer, view)

    def set_language(self, language: str) -> None:
        pass

    def set_warning(self, seconds_left: int | None) -> None:
        pass

    def _answer(self, view: View) -> None:
        if view is not self._journey.views[-1] or self._journey.finished:
            return
        intent = self._decide(view) or intent_of(self._citizen.next_touch(view))
        if intent:
            self.on_intent(intent)


def intent_of(touch: str | None) -> Intent | None:
    """What the screen makes of a tap on the item of that name."""
    if touch is None:
        return None
    if touch == "main":
        return Next()
    if touch == "back":
        return Back()
    return Choose(touch.partition(".")[2])


def run(
    appliance: Appliance,
    papers: Sequence[Path],
    *,
    faults: Sequence[str] = (),
    decide: Callable[[View], Intent | None] = lambda _: None,
) -> Journey:
    """One citizen, from the first touch until the kiosk is ready for the next one."""
    journey = Journey()

    def mend() -> None:
        for fault in faults:
            fault_table.mend(appliance, fault)

    async def serve() -> None:
        citizen = ScriptedCitizen(
            person=PERSON,
            procedure="certified-copy",
            papers=list(papers),
            controls=appliance.controls,
            new_code=appliance.new_code,
            repair=mend,
        )
        journey.failures = citizen.met

        def on_finished(finished: Finished) -> None:
            journey.finished = finished

        kiosk = app.build(appliance.settings)
        stage = CitizenStage(citizen, journey, decide)
        serving = asyncio.create_task(engine.serve(kiosk, stage, on_finished))
        try:
            done, _ = await asyncio.wait(
                {serving, asyncio.create_task(stage.ready_again.wait())},
                timeout=_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if serving in done:
                serving.result()
            assert stage.ready_again.is_set(), (
                f"the journey stopped at {journey.views[-1]}\n{appliance.programs_said()}"
            )
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await kiosk.close()

    for fault in faults:
        fault_table.apply(appliance, fault)
    try:
        asyncio.run(serve())
    finally:
        mend()
    return journey
